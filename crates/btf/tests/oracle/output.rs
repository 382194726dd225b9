//! The canonical types, renumbered in their old order, and which of them each type has become.

use super::Dedup;
use btfkit_btf::{Btf, TypeId, Writer};

pub(super) fn write(dedup: &Dedup, btf: &Btf) -> (Vec<u8>, Vec<TypeId>) {
    let mut writer = match btf.base() {
        Some(base) => Writer::split(base),
        None => Writer::new(btf.endian()),
    };
    let mut string = |offset: u32| writer.string(btf.string(offset).expect("a string")).expect("room for it");
    // Strings in the order of first use in the input.
    for (_, ty) in btf.types() {
        ty.names(|name| {
            string(name);
        });
    }
    let mut ids: Vec<_> = (0..dedup.start).collect();
    ids.resize(dedup.nodes.len(), 0);
    let kept: Vec<_> = dedup.own().filter(|id| dedup.map[*id] == Some(*id)).collect();
    for (place, id) in kept.iter().enumerate() {
        ids[*id] = dedup.start + place;
    }
    for id in kept {
        let mut ty = btf.get(TypeId(id as u32)).expect("an own type");
        ty.names_mut(|name| *name = writer.string(btf.string(*name).expect("a string")).expect("room for it"));
        ty.references_mut(|target| *target = TypeId(ids[dedup.resolve(target.index())] as u32));
        writer.push(&ty).expect("room for it");
    }
    let became = (0..ids.len()).map(|id| TypeId(ids[dedup.resolve(id)] as u32)).collect();
    (writer.finish(false), became)
}
