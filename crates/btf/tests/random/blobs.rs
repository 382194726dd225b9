//! Reading and writing of random programs, and of blobs that are damaged.

use crate::notation;
use crate::program::programs;
use btfkit_btf::dump::Dump;
use btfkit_btf::validate::{Context, validate};
use btfkit_btf::{Btf, Endian, Type, Writer};
use proptest::prelude::*;

const ALL_KINDS: &str = include_str!("../vectors/all-kinds.txt");

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

/// The two lists of references and names, of a record and of its owned form.
fn links(btf: &Btf) {
    for (id, record) in btf.records() {
        let ty = record.to_type();
        let (mut raw, mut owned) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
        record.references(|target| raw.0.push(target));
        record.names(|name| raw.1.extend(Some(name).filter(|name| *name != 0)));
        ty.references(|target| owned.0.push(target));
        ty.names(|name| owned.1.extend(Some(name).filter(|name| *name != 0)));
        assert_eq!(raw, owned, "type {id}");
        assert_eq!((record.kind(), record.name()), (ty.kind(), ty.name()));
    }
}

#[test]
fn records_and_owned_types_agree_on_what_they_refer_to() {
    links(&Btf::parse(notation::blob(ALL_KINDS, Endian::Big, None)).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reading_undoes_writing(program in programs()) {
        for (endian, other) in [(Endian::Little, Endian::Big), (Endian::Big, Endian::Little)] {
            let btf = program.whole(3, endian);
            prop_assert!(rewrite(&btf, endian) == btf.bytes());
            let swapped = Btf::parse(rewrite(&btf, other)).unwrap();
            let types = |btf: &Btf| btf.types().map(|(_, ty)| ty).collect::<Vec<Type>>();
            prop_assert!(types(&swapped) == types(&btf));
            prop_assert!(rewrite(&swapped, endian) == btf.bytes());
            links(&btf);
        }
    }

    #[test]
    fn the_notation_reads_what_the_dump_writes(program in programs()) {
        let btf = program.whole(3, Endian::Little);
        let text = Dump(&btf).to_string();
        let again = Btf::parse(notation::blob(&text, Endian::Little, None)).unwrap();
        prop_assert_eq!(Dump(&again).to_string(), text);
    }

    #[test]
    fn programs_pass_as_the_btf_of_a_kernel(program in programs()) {
        let btf = program.whole(3, Endian::Little);
        prop_assert_eq!(validate(btf.bytes(), Context::Vmlinux, None, 8), Ok(()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever was changed: an error or a BTF that can be walked, and a verdict.
    #[test]
    fn damaged_blobs_are_read_or_refused(
        big: bool,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        kept in any::<prop::sample::Index>(),
        cut in prop::bool::weighted(0.2),
    ) {
        let mut blob = notation::blob(ALL_KINDS, if big { Endian::Big } else { Endian::Little }, None);
        for (at, value) in damage {
            let at = at.index(blob.len());
            blob[at] = if value < 32 { value } else { blob[at] ^ (1 << (value % 8)) };
        }
        if cut {
            blob.truncate(kept.index(blob.len()));
        }
        for context in [Context::Load, Context::Vmlinux] {
            // Its line says more than the message, or as much.
            if let Err(refusal) = validate(&blob, context, None, 8) {
                prop_assert!(refusal.detail.ends_with(&refusal.message));
            }
        }
        if let Ok(btf) = Btf::parse(blob) {
            prop_assert_eq!(Dump(&btf).to_string().lines().count(), btf.len());
            for (id, ty) in btf.types() {
                ty.references(|target| assert!(target < btf.end_id(), "type {id}"));
                ty.names(|name| assert!(btf.string(name).is_some(), "type {id}"));
            }
        }
    }
}
