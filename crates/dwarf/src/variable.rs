//! Variables of static storage.

use crate::Variable;
use crate::entry::Entry;
use crate::lower::{Carrier, Children, Context, Frame, Lowering, NOTHING};
use crate::plan::Attr;
use btfkit_btf::unit::{Name, VOID};
use gimli::constants as dw;

/// An entry of a variable, as it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawVariable {
    pub at: u32,
    pub context: u32,
    pub name: Name,
    pub ty: u32,
    pub specification: u32,
    pub external: bool,
    pub address: u64,
}

impl Lowering<'_> {
    pub(crate) fn variable(&mut self, context: &Context, entry: &Entry, offset: u32) -> Children {
        let mut variable = RawVariable {
            at: offset,
            context: self.contexts.len() as u32 - 1,
            name: Name::NONE,
            ty: NOTHING,
            specification: self.reference(context, entry, Attr::Specification),
            external: entry.has(Attr::External),
            address: 0,
        };
        let declaration = entry.has(Attr::Declaration);
        if !declaration {
            // Only what stands directly in the unit, and at an address.
            let global = matches!(self.parent(), Some(Frame::Scope { global: true }));
            let address =
                if global && !entry.has(Attr::Artificial) { self.static_address(context, entry) } else { None };
            match address {
                Some(address) if self.program.wants_variable(address) => variable.address = address,
                _ => return Children::None,
            }
        }
        variable.name = self.name(context, entry, Attr::Name);
        variable.ty = self.reference(context, entry, Attr::Type);
        if declaration {
            self.declarations.push(variable)
        } else {
            self.variables.push(variable)
        }
        let carrier = Carrier::Variable(offset);
        self.gnu_chain(context, entry, carrier);
        Children::Frame(Frame::Annotated(carrier))
    }

    /// The address of a location that starts with one; a constant may be added to it (LLVM merges globals).
    fn static_address(&mut self, context: &Context, entry: &Entry) -> Option<u64> {
        let (at, length) = entry.block(Attr::Location)?;
        let end = at + length;
        let bytes = self.section_bytes(context);
        let mut next = at + 1;
        let size = context.unit.encoding.address_size;
        let address = match gimli::DwOp(bytes.u8(at).ok()?) {
            dw::DW_OP_addr => {
                let (place, raw) = (next as u64, bytes.sized(next, size).ok()?);
                next += size as usize;
                match &mut self.static_addresses[context.unit.in_types as usize] {
                    Some(relocations) => relocations.value(place, size, raw).ok()?,
                    None => raw,
                }
            }
            dw::DW_OP_addrx | dw::DW_OP_GNU_addr_index => {
                let index = bytes.uleb(&mut next).ok()?;
                self.indexed_address(context, index)?
            }
            _ => return None,
        };
        if next == end {
            return Some(address);
        }
        // Anything else that follows makes it another address (that of a thread's variable, say), or a value.
        if gimli::DwOp(bytes.u8(next).ok()?) != dw::DW_OP_plus_uconst {
            return None;
        }
        next += 1;
        let more = bytes.uleb(&mut next).ok()?;
        (next == end).then(|| address.wrapping_add(more))
    }

    pub(crate) fn settle_variables(&mut self) {
        for k in 0..self.variables.len() {
            let mut v = self.variables[k];
            let mut ats = [v.at, v.at];
            // A definition leaves to its declaration what that says.
            if let Ok(found) = self.declarations.binary_search_by_key(&v.specification, |d| d.at) {
                let d = self.declarations[found];
                if v.name.is_none() {
                    v.name = d.name;
                }
                if v.ty == NOTHING {
                    v.ty = d.ty;
                }
                v.external |= d.external;
                ats[1] = d.at;
            }
            let ty = self.local(v.ty, v.at);
            let context = self.contexts[v.context as usize];
            let size = self.size_of(ty, &context);
            let tags = self.tags_on(|on| matches!(on, Carrier::Variable(at) if ats.contains(&at)).then_some(-1));
            let anchor = (ty != VOID).then(|| {
                self.lowered.anchors.push(ty);
                self.lowered.anchors.len() as u32 - 1
            });
            self.lowered.variables.push(Variable {
                name: v.name,
                ty: anchor,
                address: v.address,
                size,
                external: v.external,
                tags: tags.into_iter().map(|(_, text)| text).collect(),
            });
        }
    }
}
