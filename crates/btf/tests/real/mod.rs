//! A real kernel's BTF, where the variable BTFKIT_TEST_BTF names the file of one.

use btfkit_btf::validate::{Context, validate};
use btfkit_btf::{Btf, Endian, Writer};

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
