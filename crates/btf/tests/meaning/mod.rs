//! Whether two BTFs say the same, whatever their ids and the order of their types.
//!
//! Each type starts with a hash of its own content without references. Then, again and again, it is combined with the
//! hashes of what it refers to: after n rounds two types have the same hash when everything up to n steps away is the
//! same. Two BTFs mean the same when they have the same hashes equally often.
//!
//! Tests of other crates include this file by its path.

use btfkit_btf::dump;
use btfkit_btf::{Btf, TypeId};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Hashes by id, of void and the base's types too.
pub fn meanings(btf: &Btf, rounds: usize) -> Vec<u64> {
    meanings_on(&[], btf, rounds)
}

/// The same of split BTF where the hashes of its base are known: not the same numbers, but those of two BTFs on one base
/// are the same when what they stand for is.
pub fn meanings_on(base: &[u64], btf: &Btf, rounds: usize) -> Vec<u64> {
    let mut references = Vec::new();
    let mut hashes = base.to_vec();
    for id in base.len() as u32..btf.end_id().0 {
        let mut targets = Vec::new();
        let content = btf.get(TypeId(id)).map(|mut ty| {
            let mut texts = Vec::new();
            ty.names_mut(|name| texts.push(btf.string(std::mem::take(name)).unwrap().to_vec()));
            ty.references_mut(|target| targets.push(std::mem::take(target).index()));
            (texts, ty)
        });
        references.push(targets);
        hashes.push(hash(content));
    }
    for _ in 0..rounds {
        let around = |to: &Vec<usize>| to.iter().map(|target| hashes[*target]).collect::<Vec<_>>();
        let own = hashes[base.len()..].iter().zip(&references);
        let next: Vec<u64> = own.map(|(own, to)| hash((own, around(to)))).collect();
        hashes[base.len()..].copy_from_slice(&next);
    }
    hashes
}

/// The own types of each that the other does not have, or has less often.
pub fn differences(first: &Btf, second: &Btf, rounds: usize) -> [Vec<TypeId>; 2] {
    let hashed = [meanings(first, rounds), meanings(second, rounds)];
    let mut balance: BTreeMap<u64, i32> = BTreeMap::new();
    for ((btf, hashes), sign) in [first, second].into_iter().zip(&hashed).zip([1, -1]) {
        btf.types().for_each(|(id, _)| *balance.entry(hashes[id.index()]).or_default() += sign);
    }
    let mut only = [Vec::new(), Vec::new()];
    for (((btf, hashes), sign), only) in [first, second].into_iter().zip(&hashed).zip([1, -1]).zip(&mut only) {
        for (id, _) in btf.types() {
            let left = balance.get_mut(&hashes[id.index()]).expect("each was counted");
            if *left * sign > 0 {
                *left -= sign;
                only.push(id);
            }
        }
    }
    only
}

/// Compares the own types of two BTFs; a difference is told as lines of the types that only one has.
pub fn compare(first: &Btf, second: &Btf) -> Result<(), String> {
    let rounds = first.len().max(second.len()).min(64);
    let only = differences(first, second, rounds);
    let text = |btf, side, ids: &[TypeId]| -> Vec<String> {
        ids.iter().map(|&id| format!("only in the {side}: {}", dump::line(btf, id).unwrap())).collect()
    };
    let told = [text(first, "first", &only[0]), text(second, "second", &only[1])].concat();
    if told.is_empty() { Ok(()) } else { Err(told.join("\n")) }
}
