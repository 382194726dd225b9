//! What is damaged: small BTFs that a kernel takes, or nearly.

use crate::notation;
use crate::parts::{NATIVE, Parts};
use btfkit_btf::{Btf, Type, TypeId, Writer};
use std::collections::BTreeMap;

/// A small BTF.
pub struct Seed {
    pub(crate) parts: Parts,
}

impl Seed {
    /// The undamaged bytes.
    pub(crate) fn blob(&self) -> Vec<u8> {
        self.parts.blob()
    }
}

/// The cases that the validator's own tests have, one of every kind of type among them.
pub fn cases() -> Vec<Seed> {
    let files = [
        include_str!("../../btf/tests/vectors/kernel.txt"),
        include_str!("../../btf/tests/vectors/kernel-probes.txt"),
        include_str!("../../btf/tests/vectors/all-kinds.txt"),
    ];
    let case = |text| {
        let assembly = notation::assemble(text, NATIVE, None);
        Seed { parts: Parts::of(&assembly.types, assembly.strings) }
    };
    files.iter().flat_map(|file| file.split("\n### ")).filter(|text| text.contains("\n[1] ")).map(case).collect()
}

/// Pieces of a kernel's BTF, each a named type and all that it needs, up to `largest` types; they are spread over the
/// kernel, `count` at most.
pub fn pieces(btf: &Btf, count: usize, largest: usize) -> Vec<Seed> {
    let step = (btf.len() / (4 * count.max(1))).max(1);
    let roots = (btf.start_id().0..btf.end_id().0).step_by(step).map(TypeId);
    let mut pieces = Vec::new();
    for root in roots.filter(|root| btf.name(*root).is_some()) {
        if pieces.len() == count {
            break;
        }
        pieces.extend(piece(btf, root, largest));
    }
    pieces
}

/// `None` where it is larger than `largest` types or as small as one.
fn piece(btf: &Btf, root: TypeId, largest: usize) -> Option<Seed> {
    let mut ids = BTreeMap::from([(root, TypeId::VOID)]);
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        btf.record(id)?.references(|target| {
            if target != TypeId::VOID && ids.insert(target, TypeId::VOID).is_none() {
                open.push(target);
            }
        });
        if ids.len() > largest {
            return None;
        }
    }
    for (new, slot) in (1..).zip(ids.values_mut()) {
        *slot = TypeId(new);
    }
    let mut writer = Writer::new(NATIVE);
    for &old in ids.keys() {
        let mut ty: Type = btf.get(old)?;
        ty.references_mut(|target| *target = ids.get(target).copied().unwrap_or_default());
        let mut missing = false;
        ty.names_mut(|name| match btf.string(*name).map(|text| writer.string(text)) {
            Some(Ok(offset)) => *name = offset,
            _ => missing = true,
        });
        if missing || writer.push(&ty).is_err() {
            return None;
        }
    }
    if ids.len() < 2 {
        return None;
    }
    let btf = Btf::parse(writer.finish(false)).ok()?;
    let words: Vec<u32> =
        btf.records().flat_map(|(_, record)| (0..record.word_count()).map(move |at| record.word(at))).collect();
    Some(Seed { parts: Parts::of(&words, btf.string_section().to_vec()) })
}
