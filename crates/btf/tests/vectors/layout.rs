//! Records of kinds that this crate does not know, in blobs whose layout section says how long they are.

use crate::notation;
use btfkit_btf::{Btf, Endian, ReadError, TypeId};
use std::sync::Arc;

/// An int, a record of kind 20 with so many elements, and two typedefs, with a layout section; `entry` is kind 20's.
fn blob(endian: Endian, vlen: u32, entry: Option<[u8; 2]>) -> Vec<u8> {
    let text = format!(
        "[1] INT 'test_char' size=1 bits=8\n\
         [2] KIND 'unrec_kind' info={:#x} word=4\n\
         [3] TYPEDEF 'test_lookup' -> 1\n\
         [4] TYPEDEF 'test_lookup2' -> 1\n",
        20 << 24 | vlen,
    );
    let assembly = notation::assemble(&text, endian, None);
    let mut layout = vec![[0, 0]; 20];
    layout.extend(entry);
    let layout: Vec<u8> = layout.into_iter().flat_map(|[fixed, element]| [fixed, element, 0, 0]).collect();
    let (types, layout_len) = (assembly.type_len(), layout.len() as u32);
    let header = [32, 0, types, types + layout_len, assembly.strings.len() as u32];
    let plain = assembly.with_header(header);
    let (head, rest) = plain.split_at(24);
    let (records, strings) = rest.split_at(types as usize);
    let more = [types, layout_len].map(|word| notation::word(endian, word));
    [head, more.as_flattened(), records, &layout, strings].concat()
}

fn id_of(btf: &Btf, name: &str) -> Option<u32> {
    (1..btf.end_id().0).find(|id| btf.name(TypeId(*id)) == Some(name.as_bytes()))
}

fn ids(blob: Vec<u8>) -> [Option<u32>; 3] {
    let btf = Btf::parse(blob).unwrap();
    ["unrec_kind", "test_lookup", "test_lookup2"].map(|name| id_of(&btf, name))
}

#[test]
fn an_unknown_kind_is_stepped_over() {
    for endian in [Endian::Little, Endian::Big] {
        assert_eq!(ids(blob(endian, 0, Some([0, 0]))), [Some(2), Some(3), Some(4)]);
        // The record takes the twelve bytes of the first typedef: once, or for its element.
        assert_eq!(ids(blob(endian, 0, Some([12, 0]))), [Some(2), None, Some(3)]);
        assert_eq!(ids(blob(endian, 1, Some([0, 12]))), [Some(2), None, Some(3)]);
    }
}

#[test]
fn an_unknown_kind_without_a_layout_is_refused() {
    let error = Btf::parse(blob(Endian::Little, 0, None)).unwrap_err();
    assert_eq!(error, ReadError::UnknownKind { id: TypeId(2), offset: 16, kind: 20 });
}

#[test]
fn a_layout_of_broken_words_is_refused() {
    let error = Btf::parse(blob(Endian::Little, 0, Some([4, 6]))).unwrap_err();
    assert_eq!(error, ReadError::LayoutEntry { kind: 20, fixed: 4, element: 6 });
}

#[test]
fn split_btf_uses_the_layout_of_its_base() {
    let base = Arc::new(Btf::parse(blob(Endian::Little, 0, Some([12, 0]))).unwrap());
    let text = format!("[{}] KIND info={:#x} word=0 {{ 1, 2, 3 }}\n", base.end_id(), 20 << 24);
    let own = notation::blob(&text, Endian::Little, Some(&base));
    let split = Btf::parse_split(own.clone(), base).unwrap();
    assert_eq!(split.len(), 1);
    assert_eq!(split.kind(split.start_id()), None);
    assert!(Btf::parse_split(own, Arc::new(Btf::parse(plain_base()).unwrap())).is_err());
}

fn plain_base() -> Vec<u8> {
    notation::blob("[1] INT 'int' size=4 bits=32\n", Endian::Little, None)
}
