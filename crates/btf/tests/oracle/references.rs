//! Types that are nothing but references: merged by content, what they refer to first.

use super::{Dedup, OracleError};
use btfkit_btf::TypeId;

impl Dedup {
    pub(super) fn references(&mut self) -> Result<(), OracleError> {
        let mut open = vec![false; self.nodes.len()];
        for id in self.own() {
            self.reference(id, &mut open)?;
        }
        Ok(())
    }

    /// Settles one type and returns the one that stands for it. `open` are the types whose references are being
    /// settled.
    fn reference(&mut self, id: usize, open: &mut [bool]) -> Result<usize, OracleError> {
        if id == 0 || self.map[id].is_some() {
            return Ok(self.resolve(id));
        }
        if open[id] {
            return Err(OracleError::Loop { id });
        }
        open[id] = true;
        let mut settled = Vec::new();
        for target in self.node(id).references.clone() {
            settled.push(self.reference(target, open)?);
        }
        let mut targets = settled.iter();
        let node = self.nodes[id].as_mut().expect("not void");
        node.ty.references_mut(|target| *target = TypeId(*targets.next().expect("one for each") as u32));
        let same = self.candidates().into_iter().find(|other| self.node(*other).ty == self.node(id).ty);
        self.settle(id, same.unwrap_or(id));
        Ok(self.resolve(id))
    }
}
