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
use std::fmt;
use std::sync::Arc;

fn by_oracle(input: &Btf) -> Btf {
    parse_like(input, oracle::dedup(input).unwrap())
}

/// What refers to a type of the base here and to an equal one of its own there is only found equal to what has one of both
/// when that has become the base's.
fn by_oracle_until_nothing_changes(input: &Btf) -> Btf {
    let mut output = by_oracle(input);
    loop {
        let next = by_oracle(&output);
        if next.len() == output.len() {
            return output;
        }
        output = next;
    }
}

/// Whether a forward enum could mean several definitions. Structs that have it match others with any of these, and when
/// it has become the newest of them, structs that were kept apart before may have become the same.
fn has_forward_enum_of_many(btf: &Btf) -> bool {
    let mut known: HashMap<u32, HashSet<Vec<(u32, u32)>>> = HashMap::new();
    let below = btf.base().into_iter().flat_map(|base| base.types());
    for (_, ty) in below.chain(btf.types()) {
        if let Type::Enum { name, values, .. } = ty {
            known.entry(name).or_default().insert(values);
        }
    }
    known.values().any(|all| all.len() > 2 && all.contains(&Vec::new()))
}

/// Whether the base declares what it or the program defines. A declaration that the program refers to for itself, and a
/// definition that it refers to elsewhere, are the same to libbpf in some places and not in others: how much it merges
/// depends on what was merged before, and it merges more when it is asked again.
fn declares_what_is_defined(split: &Btf) -> bool {
    let names = |btf: &Btf, declarations: bool| -> HashSet<Vec<u8>> {
        let wanted = |ty: &Type| match ty {
            Type::Fwd { .. } => declarations,
            Type::Enum { values, .. } => values.is_empty() == declarations,
            ty => !declarations && matches!(ty, Type::Struct(_) | Type::Union(_)),
        };
        btf.types().filter(|(_, ty)| wanted(ty)).map(|(_, ty)| btf.string(ty.name()).unwrap().to_vec()).collect()
    };
    let base = split.base().unwrap();
    let declared = names(base, true);
    [&**base, split].into_iter().any(|level| !declared.is_disjoint(&names(level, false)))
}

/// The same split BTF, where some references lead to the type of the base that they come to mean.
fn referring_to_the_base(split: &Btf, choices: &[bool]) -> Btf {
    let base = split.base().unwrap();
    let (_, became) = oracle::dedup_and_map(split).unwrap();
    let mut choices = choices.iter().cycle();
    let mut writer = Writer::split(base);
    for (_, mut ty) in split.types() {
        ty.names_mut(|name| *name = writer.string(split.string(*name).unwrap()).unwrap());
        ty.references_mut(|target| {
            let to = became[target.index()];
            if *choices.next().unwrap() && to < split.start_id() {
                *target = to;
            }
        });
        writer.push(&ty).unwrap();
    }
    Btf::parse_split(writer.finish(false), Arc::clone(base)).unwrap()
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

/// Split BTF and its base, to be told.
struct Levels<'a>(&'a Btf);

impl fmt::Display for Levels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\non\n{}", Dump(self.0), Dump(self.0.base().expect("it is split BTF")))
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

    /// Split BTF as it comes, and such that refers to the base here and there already.
    #[test]
    fn split_btf(
        program in programs(),
        below in 1..5usize,
        skipped in 0..4usize,
        units in 1..5usize,
        at_base in prop::collection::vec(any::<bool>(), 1..64),
    ) {
        let base = Arc::new(by_oracle_until_nothing_changes(&program.whole(below, Endian::Little)));
        let input = program.on_base(units, skipped, &base);
        let output = parse_like(&input, dedup(&input).unwrap());
        prop_assert_eq!(meaning::compare(&output, &by_oracle(&input)), Ok(()), "of {}", Levels(&input));
        if declares_what_is_defined(&input) || has_forward_enum_of_many(&input) {
            return Ok(());
        }
        let input = referring_to_the_base(&input, &at_base);
        let output = parse_like(&input, dedup(&input).unwrap());
        let expected = by_oracle_until_nothing_changes(&input);
        let same = meaning::compare(&output, &expected);
        prop_assert_eq!(same, Ok(()), "of {}gives {}not {}", Levels(&input), Dump(&output), Dump(&expected));
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
        let base = Arc::new(by_oracle(&program.whole(1, Endian::Little)));
        for input in [program.whole(3, Endian::Little), program.on_base(2, 1, &base)] {
            let mut references = 0;
            input.types().for_each(|(_, ty)| ty.references(|_| references += 1));
            prop_assume!(references != 0);
            let changes: HashMap<usize, usize> =
                changes.iter().map(|(at, to)| (at.index(references), to.index(input.end_id().index()))).collect();
            let mut place = 0;
            let mut writer = input.base().map_or_else(|| Writer::new(Endian::Little), Writer::split);
            for (_, mut ty) in input.types() {
                ty.names_mut(|name| *name = writer.string(input.string(*name).unwrap()).unwrap());
                ty.references_mut(|target| {
                    *target = changes.get(&place).map_or(*target, |&to| TypeId(to as u32));
                    place += 1;
                });
                writer.push(&ty).unwrap();
            }
            let blob = writer.finish(false);
            let read = |blob: Vec<u8>| match input.base() {
                None => Btf::parse(blob),
                Some(base) => Btf::parse_split(blob, Arc::clone(base)),
            };
            // A function that refers to no prototype is not read.
            let Ok(odd) = read(blob) else { continue };
            if let Ok(output) = dedup(&odd) {
                let read = read(output).map(drop);
                prop_assert_eq!(read, Ok(()), "of\n{}", Dump(&odd));
            }
        }
    }
}
