//! Both byte orders.

use super::case::cases;
use super::dedup::input;
use crate::notation;
use btfkit_btf::dump::Dump;
use btfkit_btf::{Btf, Endian, ReadError, Writer};

const ALL_KINDS: &str = include_str!("all-kinds.txt");

fn rewrite(btf: &Btf, endian: Endian) -> Vec<u8> {
    let mut writer = Writer::new(endian);
    for (_, mut ty) in btf.types() {
        ty.names_mut(|name| *name = writer.string(btf.string(*name).unwrap()).unwrap());
        writer.push(&ty).unwrap();
    }
    writer.finish(false)
}

#[test]
fn both_orders_say_the_same() {
    let little = notation::blob(ALL_KINDS, Endian::Little, None);
    let big = notation::blob(ALL_KINDS, Endian::Big, None);
    assert_eq!(little.len(), big.len());
    assert_eq!((&little[..2], &big[..2]), (&[0x9f, 0xeb][..], &[0xeb, 0x9f][..]));
    let (first, second) = (Btf::parse(little.clone()).unwrap(), Btf::parse(big.clone()).unwrap());
    assert_eq!((first.endian(), second.endian()), (Endian::Little, Endian::Big));
    let lines: String = ALL_KINDS.lines().filter(|line| line.starts_with('[')).flat_map(|line| [line, "\n"]).collect();
    assert_eq!(Dump(&first).to_string(), lines);
    assert_eq!(Dump(&second).to_string(), lines);
    assert_eq!((rewrite(&first, Endian::Big), rewrite(&second, Endian::Little)), (big, little));
}

#[test]
fn the_notation_and_the_dump_agree_on_every_case() {
    for case in cases(include_str!("dedup.txt")).iter().chain(&cases(include_str!("split.txt"))) {
        for endian in [Endian::Little, Endian::Big] {
            let text = case.part("in").unwrap();
            let types: String =
                text.lines().filter(|line| line.starts_with('[')).flat_map(|line| [line, "\n"]).collect();
            assert_eq!(Dump(&input(case, endian)).to_string(), types, "{}", case.title);
        }
    }
}

#[test]
fn a_short_header_is_refused_in_either_order() {
    for endian in [Endian::Little, Endian::Big] {
        let mut header = notation::assemble(ALL_KINDS, endian, None).header();
        header[0] = 20;
        let blob = notation::assemble(ALL_KINDS, endian, None).with_header(header);
        let size = blob.len();
        assert_eq!(Btf::parse(blob).unwrap_err(), ReadError::HeaderLength { header_len: 20, size });
    }
}

#[test]
fn a_longer_header_is_read_if_it_says_nothing_more() {
    for endian in [Endian::Little, Endian::Big] {
        let assembly = notation::assemble(ALL_KINDS, endian, None);
        for extra in [4, 8, 12, 40] {
            let mut header = assembly.header();
            header[0] += extra as u32;
            let mut blob = assembly.with_header(header);
            blob.splice(24..24, vec![0; extra]);
            let expected = Dump(&Btf::parse(assembly.blob()).unwrap()).to_string();
            assert_eq!(Dump(&Btf::parse(blob.clone()).unwrap()).to_string(), expected);
            if extra != 8 {
                blob[24 + extra - 1] = 1;
                assert_eq!(Btf::parse(blob).unwrap_err(), ReadError::HeaderTail { offset: 24 + extra - 1 });
            }
        }
    }
}

#[test]
fn split_btf_must_have_the_order_of_its_base() {
    let base = std::sync::Arc::new(Btf::parse(notation::blob(ALL_KINDS, Endian::Big, None)).unwrap());
    let own = notation::blob("", Endian::Little, Some(&base));
    assert_eq!(Btf::parse_split(own, base).unwrap_err(), ReadError::BaseEndian);
}
