//! Deduplication of random programs.

use crate::meaning;
use crate::oracle;
use crate::permute::{permute, shuffle_units, shuffled};
use crate::program::programs;
use crate::units;
use crate::vectors::dedup::parse_like;
use btfkit_btf::dedup::dedup;
use btfkit_btf::dump::Dump;
use btfkit_btf::{Btf, Endian};
use proptest::prelude::*;
use std::sync::Arc;

fn by_oracle(input: &Btf) -> Btf {
    parse_like(input, oracle::dedup(input).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_oracle_leaves_nothing_to_do(program in programs()) {
        let once = by_oracle(&program.whole(4, Endian::Little));
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

    #[test]
    fn types_in_any_order(program in programs(), units in 1..6usize, seed: u64) {
        let input = program.whole(units, Endian::Little);
        let mut map = vec![0];
        map.extend(shuffled(input.len(), seed).into_iter().map(|id| id as u32 + 1));
        let input = permute(&input, &map).unwrap();
        let output = Btf::parse(dedup(&input).unwrap()).unwrap();
        prop_assert_eq!(meaning::compare(&output, &by_oracle(&input)), Ok(()));
    }
}
