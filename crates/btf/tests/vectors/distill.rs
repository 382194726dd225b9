//! Distilled bases of small graphs.

use super::case::{Case, cases};
use crate::notation;
use btfkit_btf::distill::{DistillError, distill};
use btfkit_btf::dump::Dump;
use btfkit_btf::{Btf, Endian, Kind, TypeId};
use std::sync::Arc;

/// The part `split` of a case on its part `base`.
pub fn split_on(case: &Case, base: &str, endian: Endian) -> Btf {
    let base = Arc::new(Btf::parse(notation::blob(&case.part(base).unwrap(), endian, None)).unwrap());
    match case.part("split") {
        Some(split) => Btf::parse_split(notation::blob(&split, endian, Some(&base)), Arc::clone(&base)).unwrap(),
        None => Arc::into_inner(base).unwrap(),
    }
}

#[test]
fn as_libbpf_distills() {
    for endian in [Endian::Little, Endian::Big] {
        for case in cases(include_str!("distill.txt")) {
            let split = split_on(&case, "base", endian);
            let outcome = distill(&split);
            if let Some(error) = case.line("error") {
                assert_eq!(outcome.unwrap_err().to_string(), error, "{}", case.title);
                continue;
            }
            let distilled = outcome.unwrap();
            assert_eq!(Dump(&distilled.base).to_string(), case.part("distilled").unwrap(), "{}", case.title);
            let new = Btf::parse_split(distilled.split, Arc::clone(&distilled.base)).unwrap();
            assert_eq!(Dump(&new).to_string(), case.part("new split").unwrap(), "{}", case.title);
            assert_eq!((distilled.base.endian(), new.endian()), (endian, endian));
        }
    }
}

#[test]
fn errors_have_what_is_wrong_in_them() {
    let cases = cases(include_str!("distill.txt"));
    let error = |title: &str| {
        let case = cases.iter().find(|case| case.title.starts_with(title)).unwrap();
        distill(&split_on(case, "base", Endian::Little)).unwrap_err()
    };
    let unexpected = DistillError::Unexpected { from: TypeId(4), to: TypeId(3), kind: Some(Kind::Func) };
    assert_eq!(error("Y02"), unexpected);
    assert_eq!(error("Y03"), DistillError::NotSplit);
}
