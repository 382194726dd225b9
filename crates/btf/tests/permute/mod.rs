//! Other orders of the types of a BTF, for tests in which the order must not matter, or must matter as it does in libbpf.

use btfkit_btf::{Btf, Type, TypeId, Writer};
use std::ops::Range;
use std::sync::Arc;

/// The BTF with new ids for its own types. `map` has one for each id from 0, or in split BTF from the first own one.
/// Nothing where it does not give each of these ids once, and void its own.
pub fn permute(btf: &Btf, map: &[u32]) -> Option<Btf> {
    let start = if btf.base().is_some() { btf.start_id().0 } else { 0 };
    let mut old = vec![None; (btf.end_id().0 - start) as usize];
    if map.len() != old.len() || start == 0 && map[0] != 0 {
        return None;
    }
    for (id, &new) in (start..).zip(map) {
        let place = old.get_mut(new.checked_sub(start)? as usize)?;
        if place.replace(TypeId(id)).is_some() {
            return None;
        }
    }
    let new = |id: TypeId| id.0.checked_sub(start).map_or(id, |own| TypeId(map[own as usize]));
    let mut writer = btf.base().map_or_else(|| Writer::new(btf.endian()), Writer::split);
    for ty in old.into_iter().flatten().filter_map(|id| btf.get(id)) {
        let mut ty: Type = ty;
        ty.names_mut(|name| *name = writer.string(btf.string(*name).unwrap()).unwrap());
        ty.references_mut(|target| *target = new(*target));
        writer.push(&ty).unwrap();
    }
    let blob = writer.finish(false);
    let parsed = match btf.base() {
        None => Btf::parse(blob),
        Some(base) => Btf::parse_split(blob, Arc::clone(base)),
    };
    Some(parsed.unwrap())
}

/// The numbers below `count` in an order that the seed decides.
pub fn shuffled(count: usize, mut seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        order.swap(last, (seed >> 33) as usize % (last + 1));
    }
    order
}

/// The units in another order, and the types of each in another order, too.
pub fn shuffle_units(btf: &Btf, units: &[Range<u32>], seed: u64, types_too: bool) -> (Btf, Vec<Range<u32>>) {
    let mut map = vec![0; btf.end_id().index()];
    let (mut next, mut ranges) = (1, Vec::new());
    for unit in shuffled(units.len(), seed) {
        let ids = units[unit].clone();
        let order = match types_too {
            true => shuffled(ids.len(), seed ^ unit as u64),
            false => (0..ids.len()).collect(),
        };
        order.iter().zip(next..).for_each(|(&old, new)| map[ids.start as usize + old] = new);
        ranges.push(next..next + ids.len() as u32);
        next += ids.len() as u32;
    }
    (permute(btf, &map).unwrap(), ranges)
}
