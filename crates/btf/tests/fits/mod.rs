//! Whether a module's BTF belongs to a base.

use crate::notation;
use crate::oracle;
use crate::program::programs;
use crate::vectors::dedup::parse_like;
use btfkit_btf::checksum::BaseChecksum;
use btfkit_btf::distill::distill;
use btfkit_btf::fits::{Fit, Garbled, Mismatch, ModuleBtf, Proof, Verdict, fits};
use btfkit_btf::validate::{Context, Rules};
use btfkit_btf::{Btf, Endian, Kind, TypeId, Writer};
use proptest::prelude::*;
use std::sync::Arc;

const BASE: &str = "
[1] INT 'int' size=4 bits=32 signed
[2] STRUCT 'list_head' size=16 { 'next':1@0 }
";

/// The base with one more type at its front, as the next build of a kernel might have it.
const NEXT: &str = "
[1] INT 'long int' size=8 bits=64 signed
[2] INT 'int' size=4 bits=32 signed
[3] STRUCT 'list_head' size=16 { 'next':2@0 }
";

const MODULE: &str = "
[3] PTR -> 2
[4] FUNC_PROTO ret=1 ('head':3)
[5] FUNC 'sample_init' static -> 4
[6] FUNC_PROTO ret=1 ('count':1)
[7] FUNC 'sample_exit' static -> 6
";

fn base(text: &str) -> Arc<Btf> {
    Arc::new(Btf::parse(notation::blob(text, Endian::Little, None)).unwrap())
}

fn module() -> Vec<u8> {
    notation::blob(MODULE, Endian::Little, Some(&base(BASE)))
}

fn judge(split: &[u8], checksum: Option<&[u8]>, base: &Arc<Btf>) -> Fit {
    fits(ModuleBtf { split, distilled: None, checksum }, base, Rules::new(Context::Module)).unwrap()
}

#[test]
fn its_own_base() {
    let fit = judge(&module(), None, &base(BASE));
    assert!(matches!(fit.verdict, Verdict::Exact { proof: Proof::Layout }), "{fit:?}");
    assert_eq!(fit.refused, None);
    let checksum = BaseChecksum::of(base(BASE).bytes()).section();
    let fit = judge(&module(), Some(&checksum), &base(BASE));
    assert!(matches!(fit.verdict, Verdict::Exact { proof: Proof::Checksum }), "{fit:?}");
}

#[test]
fn the_next_build() {
    let fit = judge(&module(), None, &base(NEXT));
    let Verdict::Mismatched { reason, garbled } = &fit.verdict else { panic!("{fit:?}") };
    assert_eq!(
        reason.to_string(),
        "it was made on another base, which has 20 bytes of strings where this one has 29, and \
         2 types where this one has 3"
    );
    let meant = Garbled { id: TypeId(5), kind: Some(Kind::FuncProto), is: Some("ead".into()), meant: "head".into() };
    assert_eq!(garbled.as_ref(), Some(&meant));
    // By accident all names are identifiers: the kernel takes it, and all of it is wrong.
    assert_eq!(fit.refused, None);
    // On this one names start where others end.
    let fit = judge(&module(), None, &base(&BASE.replace("next", "nexts")));
    assert_eq!(fit.refused.as_deref(), Some("[5] FUNC  type_id=4 Invalid name"));

    let recorded = BaseChecksum::of(base(BASE).bytes());
    let fit = judge(&module(), Some(&recorded.section()), &base(NEXT));
    let Verdict::Mismatched { reason: Mismatch::Checksum { recorded: told, .. }, garbled } = &fit.verdict else {
        panic!("{fit:?}")
    };
    assert_eq!((*told, garbled.as_ref()), (recorded, Some(&meant)));
}

#[test]
fn the_next_build_with_a_distilled_base() {
    let split = Btf::parse_split(module(), base(BASE)).unwrap();
    let distilled = distill(&split).unwrap();
    let on = |text: &str, checksum: Option<&[u8]>| {
        let module = ModuleBtf { split: &distilled.split, distilled: Some(distilled.base.bytes()), checksum };
        fits(module, &base(text), Rules::new(Context::Module)).unwrap()
    };
    assert!(matches!(on(NEXT, None).verdict, Verdict::Relocatable { .. }));
    let checksum = BaseChecksum::of(base(BASE).bytes()).section();
    assert!(matches!(on(NEXT, Some(&checksum)).verdict, Verdict::Relocatable { .. }));
    assert!(matches!(on(BASE, Some(&checksum)).verdict, Verdict::Exact { proof: Proof::Checksum }));
    let fit = on("[1] INT 'int' size=8 bits=64 signed", None);
    assert_eq!(fit.refused.as_deref(), Some("distilled base BTF type 'int' [1] is not mapped to base BTF id"));
    let Verdict::Mismatched { reason: Mismatch::Relocation(_), .. } = fit.verdict else { panic!("{fit:?}") };
}

#[test]
fn a_base_of_the_same_length_with_other_names() {
    let other = BASE.replace("list_head", "list_tail").replace("next", "last");
    // The module takes no name from the base, so that nothing speaks against it but the checksum.
    let fit = judge(&module(), None, &base(&other));
    assert!(matches!(fit.verdict, Verdict::Exact { proof: Proof::Layout }), "{fit:?}");
    let checksum = BaseChecksum::of(base(BASE).bytes()).section();
    let fit = judge(&module(), Some(&checksum), &base(&other));
    assert!(matches!(fit.verdict, Verdict::Mismatched { reason: Mismatch::Checksum { .. }, garbled: None }), "{fit:?}");
    assert_eq!(fit.refused, None);
    // Names of other lengths, and the same length in all: a name of the base starts in the middle of one.
    let split = notation::blob(&MODULE.replace("count", "next"), Endian::Little, Some(&base(BASE)));
    let fit = judge(&split, None, &base(&BASE.replace("list_head", "list_heads").replace("next", "nxt")));
    assert!(matches!(fit.verdict, Verdict::Mismatched { reason: Mismatch::Contradiction, .. }), "{fit:?}");
}

#[test]
fn too_little_to_tell() {
    let split = notation::blob("[3] PTR -> 2\n[4] TYPEDEF 'heads' -> 3", Endian::Little, Some(&base(BASE)));
    assert!(matches!(judge(&split, None, &base(BASE)).verdict, Verdict::Unknown));
}

#[test]
fn short_names_agree_at_many_places() {
    let text = "
[1] INT 'i' size=4 bits=32 signed
[2] STRUCT 's' size=16 { 'a':1@0, 'b':1@32, 'c':1@64, 'd':1@96 }
";
    let module = "[3] STRUCT 't' size=28 { 'e':1@0, 'f':1@32, 'g':1@64, 'h':1@96, 'j':1@128, 'k':1@160, 'l':1@192 }";
    let split = notation::blob(module, Endian::Little, Some(&base(text)));
    assert!(matches!(judge(&split, None, &base(text)).verdict, Verdict::Exact { proof: Proof::Layout }));
    // Eight bytes later are short names as well: the first of the module are taken for the base's, the others for its own.
    let next = format!("[0] FWD 'another' struct{text}");
    let next = next.replace("[2]", "[3]").replace("[1]", "[2]").replace("[0]", "[1]").replace(":1@", ":2@");
    let fit = judge(&split, None, &base(&next));
    assert!(matches!(fit.verdict, Verdict::Unknown), "{fit:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_modules(program in programs(), more in 1..4usize) {
        let base = Arc::new(Btf::parse(oracle::dedup(&program.whole(2, Endian::Little)).unwrap()).unwrap());
        let input = program.on_base(2, 2, &base);
        let split = parse_like(&input, oracle::dedup(&input).unwrap());
        let fit = judge(split.bytes(), None, &base);
        prop_assert!(matches!(fit.verdict, Verdict::Exact { .. } | Verdict::Unknown), "{fit:?}");

        let mut writer = Writer::new(Endian::Little);
        for number in 0..more {
            let name = writer.string(format!("another_{number}").as_bytes()).unwrap();
            writer.push(&btfkit_btf::Type::Fwd { name, union: false }).unwrap();
        }
        for (_, mut ty) in base.types() {
            ty.names_mut(|name| *name = writer.string(base.string(*name).unwrap()).unwrap());
            ty.references_mut(|id| id.0 += if id.is_void() { 0 } else { more as u32 });
            writer.push(&ty).unwrap();
        }
        let next = Arc::new(Btf::parse(writer.finish(false)).unwrap());
        let fit = judge(split.bytes(), None, &next);
        prop_assert!(!matches!(fit.verdict, Verdict::Exact { .. } | Verdict::Relocatable { .. }), "{fit:?}");
        if let Verdict::Mismatched { reason: Mismatch::Elsewhere { strings, .. }, garbled } = fit.verdict {
            prop_assert_eq!(strings, base.end_string());
            let garbled = garbled.unwrap();
            let original = split.get(TypeId(garbled.id.0 - more as u32)).unwrap();
            let mut names = Vec::new();
            original.names(|name| names.push(split.string(name).unwrap().to_vec()));
            prop_assert!(names.contains(&garbled.meant.into_bytes()));
        }
    }

    #[test]
    fn any_bytes(mut split in prop::collection::vec(any::<u8>(), 0..200), at in 0..150usize, to: u8, raw: bool) {
        let mut bytes = module();
        if !raw {
            let at = at.min(bytes.len() - 1);
            bytes[at] = to;
            split = bytes;
        }
        let module = ModuleBtf { split: &split, distilled: None, checksum: None };
        _ = fits(module, &base(NEXT), Rules::new(Context::Module));
        let module = ModuleBtf { split: &split, distilled: Some(&split), checksum: Some(&split) };
        _ = fits(module, &base(BASE), Rules::new(Context::Module));
        let distilled = base(BASE);
        let module = ModuleBtf { split: &split, distilled: Some(distilled.bytes()), checksum: None };
        _ = fits(module, &base(NEXT), Rules::new(Context::Module));
    }
}
