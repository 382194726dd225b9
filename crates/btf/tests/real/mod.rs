//! A real kernel's BTF, where the variable BTFKIT_TEST_BTF names the file of one.

use btfkit_btf::distill::distill;
use btfkit_btf::dump::Dump;
use btfkit_btf::validate::{Context, validate};
use btfkit_btf::{Btf, Endian, Kind, Type, Writer};
use std::sync::Arc;

fn rewrite(btf: &Btf, endian: Endian) -> Vec<u8> {
    let mut writer = Writer::new(endian);
    for text in btf.string_section().split_inclusive(|byte| *byte == 0) {
        writer.string(&text[..text.len() - 1]).unwrap();
    }
    for (id, mut ty) in btf.types() {
        ty.names_mut(|name| *name = writer.string(btf.string(*name).unwrap()).unwrap());
        assert_eq!(writer.push(&ty), Ok(id));
    }
    writer.finish(false)
}

#[test]
fn a_kernel_survives_reading_and_writing_and_is_valid() {
    let Some(path) = std::env::var_os("BTFKIT_TEST_BTF") else { return };
    let bytes = std::fs::read(path).unwrap();
    let btf = Btf::parse(bytes.clone()).unwrap();
    // The header is not compared: it may be longer than it needs to be.
    let body = |blob: &[u8]| blob[usize::from(blob[4].max(blob[7]))..].to_vec();
    let same = rewrite(&btf, btf.endian());
    assert!(body(&same) == body(&bytes));
    let swapped = Btf::parse(rewrite(&btf, Endian::Big)).unwrap();
    assert!(swapped.types().eq(btf.types()));
    let again = rewrite(&swapped, btf.endian());
    assert!(again == same);
    for context in [Context::Load, Context::Vmlinux] {
        assert_eq!(validate(&bytes, context, None, 8), Ok(()));
        assert_eq!(validate(swapped.bytes(), context, None, 8), Ok(()));
    }
}

/// Selftest distilled_base_vmlinux: of all of a kernel's types, one is needed.
#[test]
fn a_kernel_is_distilled_to_what_is_needed() {
    let Some(path) = std::env::var_os("BTFKIT_TEST_BTF") else { return };
    let base = Arc::new(Btf::parse(std::fs::read(path).unwrap()).unwrap());
    let is_int = |ty: &Type| ty.kind() == Some(Kind::Int) && base.string(ty.name()) == Some(b"int");
    let (int, mut record) = base.types().find(|(_, ty)| is_int(ty)).unwrap();
    let mut writer = Writer::split(&base);
    let name = writer.string(b"myint").unwrap();
    let typedef = writer.push(&Type::Typedef { name, ty: int }).unwrap();
    writer.push(&Type::Ptr(typedef)).unwrap();
    let split = Btf::parse_split(writer.finish(false), Arc::clone(&base)).unwrap();

    let distilled = distill(&split).unwrap();
    let mut expected = Writer::new(base.endian());
    let name = expected.string(b"int").unwrap();
    record.names_mut(|at| *at = name);
    expected.push(&record).unwrap();
    assert_eq!(distilled.base.bytes(), expected.finish(false));
    let new = Btf::parse_split(distilled.split, Arc::clone(&distilled.base)).unwrap();
    assert_eq!(Dump(&new).to_string(), "[2] TYPEDEF 'myint' -> 1\n[3] PTR -> 2\n");
}
