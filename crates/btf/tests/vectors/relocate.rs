//! Small graphs on their distilled bases, carried to other ones.

use super::case::cases;
use super::distill::split_on;
use crate::notation;
use btfkit_btf::dump::Dump;
use btfkit_btf::relocate::{RelocateError, relocate};
use btfkit_btf::{Btf, Endian};
use std::sync::Arc;

#[test]
fn as_the_kernel_relocates() {
    for endian in [Endian::Little, Endian::Big] {
        for case in cases(include_str!("relocate.txt")) {
            let split = split_on(&case, "distilled", endian);
            let target = notation::blob(&case.part("target").unwrap(), endian, None);
            let target = Arc::new(Btf::parse(target).unwrap());
            let relocated = match (relocate(&split, &target), case.line("error")) {
                (Ok(relocated), None) => relocated,
                (Err(error), Some(expected)) => {
                    assert_eq!(error.to_string(), expected, "{}", case.title);
                    assert_eq!(error.kernel_message().as_deref(), case.line("kernel"), "{}", case.title);
                    continue;
                }
                (Ok(_), Some(_)) => panic!("{}: carried over", case.title),
                (Err(error), None) => panic!("{}: {error}", case.title),
            };
            let doubts: Vec<_> = relocated.doubts.iter().map(ToString::to_string).collect();
            assert_eq!(doubts.first().map(String::as_str), case.line("doubt"), "{}", case.title);
            let out = Btf::parse_split(relocated.split, target).unwrap();
            assert_eq!(Dump(&out).to_string(), case.part("out").unwrap(), "{}", case.title);
        }
    }
}

#[test]
fn the_base_that_it_stands_on_is_no_new_one() {
    let case = &cases(include_str!("relocate.txt"))[0];
    let split = split_on(case, "distilled", Endian::Little);
    let base = Arc::clone(split.base().unwrap());
    assert_eq!(relocate(&split, &base).unwrap_err(), RelocateError::SameBase);
    assert_eq!(relocate(&base, &base).unwrap_err(), RelocateError::NotSplit);
    let target = Arc::new(Btf::parse(notation::blob("", Endian::Big, None)).unwrap());
    let error = RelocateError::Endian { split: Endian::Little, target: Endian::Big };
    assert_eq!(relocate(&split, &target).unwrap_err(), error);
}
