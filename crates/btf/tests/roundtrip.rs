//! What is read from a blob and written again is the same blob.

use btfkit_btf::{Btf, Endian, Type, Writer};

/// Writes every type of `btf` anew, with strings in the order of the old section.
fn rewrite(btf: &Btf, endian: Endian) -> Vec<u8> {
    let mut writer = Writer::new(endian);
    let section = btf.string_section();
    for text in section[..section.len() - 1].split(|byte| *byte == 0) {
        writer.string(text).unwrap();
    }
    for (_, mut ty) in btf.types() {
        ty.names_mut(|name| *name = writer.string(btf.string(*name).unwrap()).unwrap());
        writer.push(&ty).unwrap();
    }
    writer.finish(false)
}

/// A real kernel's BTF, where the environment names one.
#[test]
fn the_btf_file_named_by_the_environment_survives() {
    let Some(path) = std::env::var_os("BTFKIT_TEST_BTF") else { return };
    let bytes = std::fs::read(path).unwrap();
    let started = std::time::Instant::now();
    let btf = Btf::parse(bytes.clone()).unwrap();
    eprintln!("parse {:?}", started.elapsed());
    let types: Vec<Type> = btf.types().map(|(_, ty)| ty).collect();
    eprintln!("types {:?}", started.elapsed());
    let same = rewrite(&btf, btf.endian());
    eprintln!("rewritten {:?}", started.elapsed());
    // Everything after the header, whose length may differ, must be the same bytes.
    let body = |blob: &[u8]| blob[blob[4] as usize..].to_vec();
    assert!(body(&same) == body(&bytes));
    let swapped = Btf::parse(rewrite(&btf, Endian::Big)).unwrap();
    assert_eq!(swapped.types().map(|(_, ty)| ty).collect::<Vec<_>>(), types);
}
