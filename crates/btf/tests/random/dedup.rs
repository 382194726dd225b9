//! Deduplication of random programs.

use crate::meaning;
use crate::oracle;
use crate::program::programs;
use crate::units::{self, Way};
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
    fn units_on_any_number_of_classifiers_give_the_same(program in programs()) {
        let (input, ranges) = program.in_units(6, Endian::Little);
        let one = units::dedup(&input, &ranges, 1, Way::Usual);
        prop_assert_eq!(meaning::compare(&Btf::parse(one.clone()).unwrap(), &by_oracle(&input)), Ok(()));
        for classifiers in [2, 3] {
            prop_assert!(units::dedup(&input, &ranges, classifiers, Way::Usual) == one);
        }
        let compared = units::dedup(&input, &ranges, 1, Way::ByComparing);
        prop_assert_eq!(meaning::compare(&Btf::parse(compared).unwrap(), &by_oracle(&input)), Ok(()));
    }

    #[test]
    fn the_oracle_finds_everything_in_a_base_that_has_it(program in programs()) {
        let base = Arc::new(by_oracle(&program.whole(1, Endian::Big)));
        let split = by_oracle(&program.on_base(1, 0, &base));
        prop_assert_eq!(Dump(&split).to_string(), "");
    }
}
