//! Deduplication of random programs.

use crate::meaning;
use crate::oracle;
use crate::permute::{permute, shuffle_units, shuffled};
use crate::program::programs;
use crate::units;
use crate::vectors::dedup::parse_like;
use btfkit_btf::dedup::dedup;
use btfkit_btf::dump::Dump;
use btfkit_btf::{Btf, Endian, Type, TypeId, Writer};
use proptest::prelude::*;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

fn by_oracle(input: &Btf) -> Btf {
    parse_like(input, oracle::dedup(input).unwrap())
}

/// Whether a forward enum could mean several definitions. Structs that have it match others with any of these, and when
/// it has become the newest of them, structs that were kept apart before may have become the same.
fn has_forward_enum_of_many(btf: &Btf) -> bool {
    let mut known: HashMap<u32, HashSet<Vec<(u32, u32)>>> = HashMap::new();
    for (_, ty) in btf.types() {
        if let Type::Enum { name, values, .. } = ty {
            known.entry(name).or_default().insert(values);
        }
    }
    known.values().any(|all| all.len() > 2 && all.contains(&Vec::new()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_oracle_leaves_nothing_to_do(program in programs()) {
        let input = program.whole(4, Endian::Little);
        if has_forward_enum_of_many(&input) {
            return Ok(());
        }
        let once = by_oracle(&input);
        let twice = by_oracle(&once);
        prop_assert_eq!(Dump(&once).to_string(), Dump(&twice).to_string());
        prop_assert_eq!(meaning::compare(&once, &twice), Ok(()));
    }

    #[test]
    fn the_product_gives_what_the_oracle_gives(program in programs()) {
        let input = program.whole(5, Endian::Little);
        let output = Btf::parse(dedup(&input).unwrap()).unwrap();
        prop_assert_eq!(meaning::compare(&output, &by_oracle(&input)), Ok(()));
    }

    #[test]
    fn the_oracle_finds_everything_in_a_base_that_has_it(program in programs()) {
        let base = Arc::new(by_oracle(&program.whole(1, Endian::Big)));
        let split = by_oracle(&program.on_base(1, 0, &base));
        prop_assert_eq!(Dump(&split).to_string(), "");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn units_in_any_order_on_any_number_of_classifiers(program in programs(), units in 2..12usize, seed: u64) {
        let (input, ranges) = program.in_units(units, Endian::Little);
        let (input, ranges) = shuffle_units(&input, &ranges, seed, seed % 2 == 0);
        prop_assert_eq!(units::compare_with_oracle(&input, &ranges), Ok(()));
    }

    /// The base has some of the units, of the same stock of names.
    #[test]
    fn units_on_a_base(program in programs(), below in 1..5usize, skipped in 0..4usize, units in 1..7usize) {
        let base = Arc::new(by_oracle(&program.whole(below, Endian::Little)));
        let (input, ranges) = program.in_units_on(units, skipped, &base);
        prop_assert_eq!(units::compare_with_oracle(&input, &ranges), Ok(()), "on the base\n{}", Dump(&base));
    }

    #[test]
    fn types_in_any_order(program in programs(), units in 1..6usize, seed: u64) {
        let input = program.whole(units, Endian::Little);
        let mut map = vec![0];
        map.extend(shuffled(input.len(), seed).into_iter().map(|id| id as u32 + 1));
        let input = permute(&input, &map).unwrap();
        let output = Btf::parse(dedup(&input).unwrap()).unwrap();
        prop_assert_eq!(meaning::compare(&output, &by_oracle(&input)), Ok(()));
    }

    /// No compiler writes such types; there must be an answer or an error.
    #[test]
    fn types_that_refer_to_anything(
        program in programs(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..20),
    ) {
        let input = program.whole(3, Endian::Little);
        let mut references = 0;
        input.types().for_each(|(_, ty)| ty.references(|_| references += 1));
        prop_assume!(references != 0);
        let changes: HashMap<usize, usize> =
            changes.iter().map(|(at, to)| (at.index(references), to.index(input.end_id().index()))).collect();
        let mut place = 0;
        let mut writer = Writer::new(Endian::Little);
        for (_, mut ty) in input.types() {
            ty.names_mut(|name| *name = writer.string(input.string(*name).unwrap()).unwrap());
            ty.references_mut(|target| {
                *target = changes.get(&place).map_or(*target, |&to| TypeId(to as u32));
                place += 1;
            });
            writer.push(&ty).unwrap();
        }
        // A function that refers to no prototype is not read.
        let Ok(input) = Btf::parse(writer.finish(false)) else { return Ok(()) };
        if let Ok(output) = dedup(&input) {
            prop_assert!(Btf::parse(output).is_ok());
        }
    }
}
