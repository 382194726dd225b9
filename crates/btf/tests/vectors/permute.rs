//! New orders of types, as libbpf gives them: what the tests shuffle by.

use super::case::cases;
use super::dedup::{input, types};
use crate::permute::permute;
use btfkit_btf::Endian;
use btfkit_btf::dump::Dump;

#[test]
fn types_are_put_in_order_as_libbpf_does() {
    for case in cases(include_str!("permute.txt")) {
        let map: Vec<u32> = case.line("map").unwrap().split(' ').map(|id| id.parse().unwrap()).collect();
        let output = permute(&input(&case, Endian::Little), &map).map(|btf| Dump(&btf).to_string());
        assert_eq!(case.line("error").is_some(), output.is_none(), "{}", case.title);
        assert_eq!(case.part("out").map(|text| types(&text)), output, "{}", case.title);
    }
}
