//! Distilling bases of random programs, and going back.

use crate::meaning::meanings;
use crate::oracle;
use crate::program::{Program, programs};
use crate::vectors::dedup::parse_like;
use btfkit_btf::distill::{Distilled, distill};
use btfkit_btf::dump::Dump;
use btfkit_btf::relocate::{Cause, Misfit, RelocateError, relocate};
use btfkit_btf::validate::{Context, validate};
use btfkit_btf::{Btf, Endian, TypeId, Writer};
use proptest::prelude::*;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

fn deduplicated(input: &Btf) -> Btf {
    parse_like(input, oracle::dedup(input).unwrap())
}

/// The last units of a program on the first ones, each side deduplicated.
fn split_of(program: &Program, base_units: usize, units: usize, endian: Endian) -> Btf {
    let base = Arc::new(deduplicated(&program.whole(base_units, endian)));
    deduplicated(&program.on_base(units, base_units, &base))
}

fn parsed(distilled: &Distilled) -> Btf {
    Btf::parse_split(distilled.split.clone(), Arc::clone(&distilled.base)).unwrap()
}

fn copy_of(base: &Btf) -> Arc<Btf> {
    Arc::new(Btf::parse(base.bytes()).unwrap())
}

/// The same types and strings, written anew.
fn rewritten(btf: &Btf, mut writer: Writer) -> Vec<u8> {
    for (_, mut ty) in btf.types() {
        ty.names_mut(|name| *name = writer.string(btf.string(*name).unwrap()).unwrap());
        writer.push(&ty).unwrap();
    }
    writer.finish(false)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn back_on_the_same_base(program in programs(), base_units in 1..4usize, units in 1..3usize, big: bool) {
        let endian = if big { Endian::Big } else { Endian::Little };
        let split = split_of(&program, base_units, units, endian);
        let base = split.base().unwrap();
        let distilled = distill(&split).unwrap();
        prop_assert_eq!(validate(distilled.base.bytes(), Context::Base, None, 8), Ok(()));
        prop_assert_eq!(validate(&distilled.split, Context::Module, Some(&distilled.base), 8), Ok(()));
        let on_distilled = parsed(&distilled);
        prop_assert!(rewritten(&distilled.base, Writer::new(endian)) == distilled.base.bytes());
        prop_assert!(rewritten(&on_distilled, Writer::split(&distilled.base)) == distilled.split);

        let relocated = match relocate(&on_distilled, &copy_of(base)) {
            Ok(relocated) => relocated,
            // Names that the base itself has twice, and the kernel's way with declarations.
            Err(RelocateError::Obstacles(obstacles)) => {
                for obstacle in obstacles {
                    prop_assert!(match obstacle.cause {
                        Cause::Ambiguous { first, second } => base.name(first) == base.name(second),
                        Cause::Missing => false,
                        Cause::Different => obstacle.instead.iter().any(|other| {
                            matches!(other.misfit, Some(Misfit::KindFlag | Misfit::Several))
                        }),
                    }, "{obstacle}");
                }
                return Ok(());
            }
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        prop_assert!(relocated.doubts.is_empty());
        let back = Btf::parse_split(relocated.split, Arc::clone(base)).unwrap();
        prop_assert_eq!(validate(back.bytes(), Context::Module, Some(base), 8), Ok(()));
        for old in (1..split.end_id().0).map(TypeId) {
            let new = distilled.ids[old.index()];
            let home = relocated.ids.get(new.index()).copied().filter(|_| !new.is_void());
            if old >= split.start_id() {
                prop_assert_eq!(home, Some(old));
            }
        }
        // Own types mean what they meant, and what moved means the same as a type of the base: one graph.
        let rounds = back.len().min(64);
        let (before, after) = (meanings(&split, rounds), meanings(&back, rounds));
        prop_assert_eq!(&before[..], &after[..before.len()]);
        let of_base: HashSet<u64> = before[..split.start_id().index()].iter().copied().collect();
        prop_assert!(after[before.len()..].iter().all(|moved| of_base.contains(moved)));

        let again = distill(&back).unwrap();
        prop_assert_eq!(Dump(&again.base).to_string(), Dump(&distilled.base).to_string());
        prop_assert_eq!(Dump(&parsed(&again)).to_string(), Dump(&on_distilled).to_string());
    }

    #[test]
    fn on_the_base_of_another_program(program in programs(), other in programs()) {
        let split = split_of(&program, 2, 2, Endian::Little);
        let target = Arc::new(deduplicated(&other.whole(3, Endian::Little)));
        let on_distilled = parsed(&distill(&split).unwrap());
        match relocate(&on_distilled, &target) {
            Ok(relocated) => {
                let new = Btf::parse_split(relocated.split, Arc::clone(&target)).unwrap();
                prop_assert_eq!(validate(new.bytes(), Context::Module, Some(&target), 8), Ok(()));
                for (id, new_id) in relocated.ids.iter().enumerate() {
                    prop_assert_eq!(on_distilled.name(TypeId(id as u32)), new.name(*new_id));
                }
            }
            Err(RelocateError::Obstacles(obstacles)) => prop_assert!(!obstacles.is_empty()),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        }
    }

    /// No compiler writes such types; there must be an answer or an error.
    #[test]
    fn references_to_anything(
        program in programs(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..20),
    ) {
        // Not deduplicated, which might leave nothing that refers to anything.
        let base = &Arc::new(deduplicated(&program.whole(2, Endian::Little)));
        let split = program.on_base(2, 2, base);
        let mut references = 0;
        split.types().for_each(|(_, ty)| ty.references(|_| references += 1));
        prop_assert!(references != 0);
        let changes: HashMap<usize, usize> =
            changes.iter().map(|(at, to)| (at.index(references), to.index(split.end_id().index()))).collect();
        let mut place = 0;
        let mut writer = Writer::split(base);
        for (_, mut ty) in split.types() {
            ty.names_mut(|name| *name = writer.string(split.string(*name).unwrap()).unwrap());
            ty.references_mut(|target| {
                *target = changes.get(&place).map_or(*target, |&to| TypeId(to as u32));
                place += 1;
            });
            writer.push(&ty).unwrap();
        }
        // A function that refers to no prototype is not read.
        let Ok(odd) = Btf::parse_split(writer.finish(false), Arc::clone(base)) else { return Ok(()) };
        // The base itself in the place of a distilled one: nearly always refused.
        _ = relocate(&odd, &copy_of(base));
        if let Ok(distilled) = distill(&odd)
            && let Ok(relocated) = relocate(&parsed(&distilled), &copy_of(base))
        {
            prop_assert!(Btf::parse_split(relocated.split, copy_of(base)).is_ok());
        }
    }
}
