//! Random tables, read with what was read before at hand, and plainly.

use super::Abbreviations;
use crate::codes::{Numbers, Table};
use crate::common::Common;
use crate::plan::{Encoding, Plan};
use crate::sections::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const ENCODINGS: [Encoding; 2] = [
    Encoding { version: 5, address_size: 8, offset_size: 4 },
    Encoding { version: 2, address_size: 4, offset_size: 4 },
];

/// Numbers of one byte and more, also of more than they need.
fn leb(of: &'static [&'static [u8]]) -> impl Strategy<Value = Vec<u8>> + Clone {
    select(of).prop_map(<[u8]>::to_vec)
}

fn attribute() -> impl Strategy<Value = Vec<u8>> {
    let name = leb(&[&[0x03], &[0x0b], &[0x38], &[0x49], &[0x3a], &[0x01], &[0x00], &[0x80, 0x00], &[0x88, 0x01]]);
    let form =
        leb(&[&[0x0e], &[0x0b], &[0x13], &[0x08], &[0x0f], &[0x19], &[0x00], &[0x8e, 0x00], &[0x80, 0xc0, 0x04]]);
    let implicit = leb(&[&[0x00], &[0x01], &[0x7f], &[0x80, 0x00], &[0xc0, 0x00], &[0x80, 0x80, 0x00], &[0xff, 0x7f]]);
    prop_oneof![
        8 => (name.clone(), form).prop_map(|(name, form)| [name, form].concat()),
        2 => (name, leb(&[&[0x21], &[0xa1, 0x00]]), implicit).prop_map(|(name, form, value)| [name, form, value].concat()),
    ]
}

/// Behind the code. Attributes that are 0 and 0 end it before.
fn declaration() -> impl Strategy<Value = Vec<u8>> {
    let tag = leb(&[&[0x0d], &[0x13], &[0x0f], &[0x34], &[0x00], &[0x8d, 0x00], &[0x89, 0x82, 0x01]]);
    (tag, select(&[0u8, 1, 0xff][..]), vec(attribute(), 0..20))
        .prop_map(|(tag, children, attributes)| [tag, vec![children], attributes.concat(), vec![0, 0]].concat())
}

/// Codes, and which of a few declarations follows each: mostly counted from 1.
fn table() -> impl Strategy<Value = Vec<(Option<u8>, usize)>> {
    vec((proptest::option::weighted(0.05, 1..0x7fu8), any::<prop::sample::Index>()), 0..160)
        .prop_map(|all| all.into_iter().map(|(code, which)| (code, which.index(6))).collect())
}

fn written(tables: &[Vec<(Option<u8>, usize)>], declarations: &[Vec<u8>]) -> (Vec<u8>, Vec<usize>) {
    let (mut bytes, mut starts) = (Vec::new(), Vec::new());
    for table in tables {
        starts.push(bytes.len());
        for (index, (code, which)) in table.iter().enumerate() {
            match (code, index + 1) {
                (Some(code), _) => bytes.push(*code),
                (None, code @ ..0x80) => bytes.push(code as u8),
                (None, code) => bytes.extend([code as u8 | 0x80, (code >> 7) as u8]),
            }
            bytes.extend(&declarations[which % declarations.len()]);
        }
        bytes.push(0);
    }
    (bytes, starts)
}

/// What a table says.
#[derive(Default)]
struct Said {
    /// The first plan of each code.
    plans: Vec<(u64, Plan)>,
    /// Up to this code none is left out.
    dense: u64,
    /// Bytes of all declarations.
    length: usize,
}

fn plainly(abbrev: Bytes<'_>, mut at: usize, encoding: Encoding) -> Option<Said> {
    let (mut said, first) = (Said::default(), at);
    while at == first || at != abbrev.data.len() {
        let code = abbrev.uleb(&mut at).ok()?;
        if code == 0 {
            break;
        }
        let start = at;
        abbrev.uleb(&mut at).ok()?;
        at += 1;
        loop {
            let (name, form) = (abbrev.uleb(&mut at).ok()?, abbrev.uleb(&mut at).ok()?);
            if (name, form) == (0, 0) {
                break;
            }
            if form == 0x21 {
                abbrev.skip_leb(&mut at).ok()?;
            }
        }
        said.length += at - start;
        let plan = Plan::parse(Bytes::new(&abbrev.data[start..at], abbrev.big), encoding)?;
        if said.plans.iter().all(|(other, _)| *other != code) {
            said.plans.push((code, plan));
            said.dense += (code == said.dense + 1) as u64;
        }
    }
    Some(said)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tables_are_read_as_they_stand(
        declarations in vec(declaration(), 1..7),
        tables in vec(table(), 1..4),
        big: bool,
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let (mut data, starts) = written(&tables, &declarations);
        if let Some(cut) = cut {
            data.truncate(cut.index(data.len()));
        }
        let abbrev = Bytes::new(&data, big);
        let (mut read, mut numbers) = (Abbreviations::default(), Numbers::default());
        let encodings = starts.iter().zip(ENCODINGS.iter().cycle());
        // Twice: what was new is known then.
        for (&start, &encoding) in encodings.clone().chain(encodings) {
            numbers.clear();
            let result = read.read(abbrev, start as u64, encoding, &mut numbers);
            let expected = plainly(abbrev, start, encoding);
            prop_assert_eq!(result.is_ok(), expected.is_some());
            let Some(Said { plans, dense, length }) = expected else { continue };
            prop_assert_eq!(numbers.length, length);
            let codes = read.codes(&numbers);
            let table = Table::new(codes, 8 * 100);
            for code in 0..0x100 {
                let plan = plans.iter().find(|(of, _)| *of == code).map(|(_, plan)| plan);
                let expected = format!("{plan:?}");
                prop_assert_eq!(format!("{:?}", codes.get(code)), &expected[..]);
                prop_assert_eq!(format!("{:?}", table.get(code)), &expected[..]);
                let plan = plan.filter(|_| code <= dense);
                let common = plan.and_then(|plan| plan.common).unwrap_or(Common::NONE);
                let found = table.common.get(code as usize).unwrap_or(&Common::NONE);
                prop_assert_eq!(format!("{found:?}"), format!("{common:?}"));
                let member = plan.and_then(|plan| plan.member).filter(|_| code < 0x80).unwrap_or_default();
                prop_assert_eq!(format!("{:?}", table.members[code as usize]), format!("{member:?}"));
            }
        }
    }
}
