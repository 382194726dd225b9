//! BTFs put together.

use super::case::cases;
use crate::notation;
use btfkit_btf::dump::Dump;
use btfkit_btf::{AppendError, Btf, Endian, append};
use std::sync::Arc;

#[test]
fn types_go_on_where_the_others_end() {
    for case in cases(include_str!("append.txt")) {
        for endian in [Endian::Little, Endian::Big] {
            let parts = ["first", "second"].map(|part| notation::blob(&case.part(part).unwrap(), endian, None));
            let parts = parts.map(|blob| Btf::parse(blob).unwrap());
            let out = Btf::parse(append(&parts).unwrap()).unwrap();
            assert_eq!(Dump(&out).to_string(), case.part("out").unwrap(), "{}", case.title);
        }
    }
}

#[test]
fn what_cannot_be_put_together() {
    let whole = |endian| Btf::parse(notation::blob("[1] PTR -> 0", endian, None)).unwrap();
    assert_eq!(append(&[]), Err(AppendError::Nothing));
    let mixed = [whole(Endian::Little), whole(Endian::Big)];
    assert_eq!(append(&mixed), Err(AppendError::Endian { number: 2, endian: Endian::Big }));
    let base = Arc::new(whole(Endian::Little));
    let split = Btf::parse_split(notation::blob("[2] PTR -> 1", Endian::Little, Some(&base)), base).unwrap();
    assert_eq!(append(&[whole(Endian::Little), split]), Err(AppendError::Base { number: 2 }));
}
