//! Programs in which a name means different things in different units.

use super::case::cases;
use super::dedup::input;
use crate::permute::shuffle_units;
use crate::units;
use btfkit_btf::Endian;

#[test]
fn units_that_understand_names_otherwise() {
    for case in cases(include_str!("units.txt")) {
        let input = input(&case, Endian::Little);
        let ends = case.line("units").unwrap().split(' ').map(|id| id.parse().unwrap());
        let ends: Vec<u32> = ends.collect();
        let starts = std::iter::once(1).chain(ends.iter().copied());
        let ranges: Vec<_> = starts.zip(ends.iter().copied()).map(|(start, end)| start..end).collect();
        assert_eq!(units::compare_with_oracle(&input, &ranges), Ok(()), "{}", case.title);
        for seed in 0..40 {
            let (input, ranges) = shuffle_units(&input, &ranges, seed, false);
            assert_eq!(units::compare_with_oracle(&input, &ranges), Ok(()), "{}, order {seed}", case.title);
        }
    }
}
