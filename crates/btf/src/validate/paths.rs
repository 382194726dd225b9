//! How a type is reached from one that has a name.
//!
//! `[7] ARRAY` says nothing to a reader, `STRUCT 'sk_buff' member 'cb' > ARRAY [7]` does. References are followed
//! backwards, breadth first, from the types that something was found about, until each has met a name.

use super::blob::{Blob, Rec};
use crate::Kind;
use rustc_hash::FxHashMap;
use std::fmt::Write;

/// For types on the way: who refers to them.
#[derive(Default)]
pub(super) struct Paths {
    referrers: FxHashMap<u32, u32>,
}

/// Steps that are shown.
const LONGEST: usize = 16;

impl Paths {
    /// Finds the ways to these types. One look at all records for each step that the longest way has.
    pub fn to(blob: &Blob, types: impl Iterator<Item = u32>) -> Paths {
        let mut paths = Paths::default();
        let is_anonymous = |id: &u32| blob.get(*id).is_some_and(|rec| !is_named(&rec));
        let mut open: FxHashMap<u32, ()> = types.filter(is_anonymous).map(|id| (id, ())).collect();
        for _ in 0..LONGEST {
            if open.is_empty() {
                break;
            }
            let mut next = FxHashMap::default();
            for id in blob.start_id..blob.end_id() {
                let Some(rec) = blob.get(id) else { continue };
                for target in rec.references().filter(|target| open.contains_key(target)) {
                    if target != id && !paths.referrers.contains_key(&target) {
                        paths.referrers.insert(target, id);
                        if !is_named(&rec) && !paths.referrers.contains_key(&id) {
                            next.insert(id, ());
                        }
                    }
                }
            }
            open = next;
        }
        paths
    }

    pub fn path(&self, blob: &Blob, id: u32) -> String {
        let mut way = vec![id];
        while let Some(&referrer) = self.referrers.get(&way[way.len() - 1]).filter(|id| !way.contains(id)) {
            way.push(referrer);
        }
        let mut text = String::new();
        for (at, &id) in way.iter().enumerate().rev() {
            let Some(rec) = blob.get(id) else { continue };
            let kind = rec.kind.map_or("void", Kind::name);
            let _ = match blob.string(rec.name).filter(|name| !name.is_empty()) {
                Some(name) => write!(text, "{kind} '{}'", String::from_utf8_lossy(name)),
                None => write!(text, "{kind} [{id}]"),
            };
            if at > 0 {
                through(blob, &rec, way[at - 1], &mut text);
                text.push_str(" > ");
            }
        }
        text
    }
}

fn is_named(rec: &Rec) -> bool {
    rec.name != 0
}

/// Names the member or parameter by which a record refers to another one.
fn through(blob: &Blob, rec: &Rec, target: u32, text: &mut String) {
    let element = match rec.kind {
        Some(Kind::Struct | Kind::Union) => (0..rec.vlen())
            .map(|index| rec.member(index))
            .position(|member| member.ty == target)
            .map(|index| ("member", index, rec.member(index as u32).name)),
        Some(Kind::FuncProto) => (0..rec.vlen())
            .position(|index| rec.param(index).1 == target)
            .map(|index| ("parameter", index, rec.param(index as u32).0)),
        _ => None,
    };
    if let Some((what, index, name)) = element {
        let _ = match blob.string(name).filter(|name| !name.is_empty()) {
            Some(name) => write!(text, " {what} '{}'", String::from_utf8_lossy(name)),
            None => write!(text, " {what} {}", index + 1),
        };
    }
}
