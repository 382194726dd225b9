//! Headers, sections and strings, as a Linux 6.18 judges them; and what other kernels and ways in say.

use crate::notation::{self, Assembly};
use btfkit_btf::validate::{Context, Errno, Refusal, Release, Rules, validate};
use btfkit_btf::{Btf, Endian, Type, TypeId, Writer};

const INT: &str = "[1] INT 'int' size=4 bits=32 signed\n";

fn rules(context: Context, release: Release) -> Rules {
    Rules { context, release, pointer_size: 8, endian: Some(Endian::Little) }
}

fn load(blob: &[u8]) -> Result<(), (Errno, String)> {
    reason(rules(Context::Load, Release::V6_15).check(blob, None))
}

fn reason(outcome: Result<(), Refusal>) -> Result<(), (Errno, String)> {
    outcome.map_err(|refusal| (refusal.errno, refusal.message))
}

fn refused<T>(errno: Errno, message: &str) -> Result<T, (Errno, String)> {
    Err((errno, message.into()))
}

fn int() -> Assembly {
    notation::assemble(INT, Endian::Little, None)
}

#[test]
fn headers_are_judged_as_the_kernel_judges_them() {
    let blob = int().blob();
    assert_eq!(load(&blob), Ok(()));
    assert_eq!(load(&blob[..7]), refused(Errno::EINVAL, "hdr_len not found"));
    assert_eq!(load(&blob[..20]), refused(Errno::EINVAL, "btf_header not found"));
    let big = notation::blob(INT, Endian::Big, None);
    assert_eq!(load(&big), refused(Errno::EINVAL, "btf_header not found"));
    let changed = |at: usize, value: u8| [&blob[..at], &[value], &blob[at + 1..]].concat();
    assert_eq!(load(&changed(1, 0)), refused(Errno::EINVAL, "Invalid magic"));
    assert_eq!(load(&changed(2, 2)), refused(Errno::ENOTSUPP, "Unsupported version"));
    assert_eq!(load(&changed(3, 1)), refused(Errno::ENOTSUPP, "Unsupported flags"));
    let empty = Assembly { types: Vec::new(), strings: Vec::new(), ..int() };
    assert_eq!(load(&empty.blob()), refused(Errno::EINVAL, "No data"));
    let short = empty.with_header([22, 0, 0, 0, 0]);
    assert_eq!(load(&short[..22]), refused(Errno::EINVAL, "No data"));
}

#[test]
fn sections_are_judged_as_the_kernel_judges_them() {
    let assembly = int();
    let strings = assembly.strings.len() as u32;
    let padded = |types: &[u8], between: usize, after: usize, header: [u32; 5]| {
        let mut blob = assembly.with_header(header);
        let end = 24 + types.len();
        blob.splice(end..end, vec![0; between]);
        blob.extend(vec![0; after]);
        blob
    };
    let types = [0; 16];
    let gap = padded(&types, 4, 0, [24, 0, 16, 20, strings]);
    assert_eq!(load(&gap), refused(Errno::EINVAL, "Unsupported section found"));
    let trailing = padded(&types, 0, 4, [24, 0, 16, 16, strings]);
    assert_eq!(load(&trailing), refused(Errno::EINVAL, "Unsupported section found"));
    let longer = padded(&types, 4, 0, [24, 0, 20, 20, strings]);
    assert_eq!(load(&longer), refused(Errno::EINVAL, "meta_left:4 meta_needed:12"));
    // The strings before the types.
    let blob = assembly.blob();
    let turned = [&assembly.with_header([24, strings, 16, 0, strings])[..24], &blob[40..], &blob[24..40]].concat();
    assert_eq!(load(&turned), refused(Errno::EINVAL, "String section is not at the end"));
    let no_types = Assembly { types: Vec::new(), ..int() };
    assert_eq!(load(&no_types.blob()), refused(Errno::EINVAL, "No type found"));
    assert_eq!(reason(validate(&no_types.blob(), Context::Vmlinux, None, 8)), Ok(()));
    let named = Assembly { strings: b"int\0".to_vec(), ..int() };
    assert_eq!(load(&named.blob()), refused(Errno::EINVAL, "Invalid string section"));
    let long = Assembly { strings: vec![0; (16 << 20) + 1], ..int() };
    assert_eq!(load(&long.blob()), refused(Errno::E2BIG, ""));
    let vmlinux = rules(Context::Vmlinux, Release::V6_15);
    assert_eq!(reason(vmlinux.check(&long.blob(), None)), refused(Errno::EINVAL, "Invalid string section"));
}

#[test]
fn a_layout_section_is_for_new_kernels() {
    let mut writer = Writer::new(Endian::Little);
    writer.push(&Type::Ptr(TypeId::VOID)).unwrap();
    let blob = writer.finish(true);
    for context in [Context::Load, Context::Vmlinux, Context::Base] {
        let old = rules(context, Release::V6_15).check(&blob, None);
        assert_eq!(reason(old), refused(Errno::E2BIG, "Unsupported btf_header"));
        assert_eq!(reason(validate(&blob, context, None, 8)), Ok(()));
    }
    // A header of 32 bytes that names no layout section is good for all.
    let assembly = int();
    let mut header = assembly.header();
    header[0] = 32;
    let mut blob = assembly.with_header(header);
    blob.splice(24..24, [0; 8]);
    assert_eq!(load(&blob), Ok(()));
    assert_eq!(reason(validate(&blob, Context::Load, None, 8)), Ok(()));
}

#[test]
fn attributes_are_for_new_kernels() {
    let tag = format!("{INT}[2] TYPE_TAG 'a' -> 1 attr\n");
    let decl = format!("{INT}[2] VAR 'v' static -> 1\n[3] DECL_TAG 'a' -> 2 idx=-1 attr\n");
    for text in [tag, decl] {
        let blob = notation::blob(&text, Endian::Little, None);
        assert_eq!(load(&blob), Ok(()));
        let old = rules(Context::Load, Release::V6_12).check(&blob, None);
        assert_eq!(reason(old), refused(Errno::EINVAL, "Invalid btf_info kind_flag"));
    }
}

#[test]
fn only_a_load_asks_what_references_lead_to() {
    let cases = [
        ("[1] PTR -> 7\n", Ok(()), refused(Errno::EINVAL, "Invalid type_id")),
        ("[1] PTR -> 2\n[2] CONST -> 1\n", Ok(()), refused(Errno::EEXIST, "Loop detected")),
        // Tags count in every context, and so does a chain that leads nowhere.
        (
            "[1] TYPE_TAG 'a' -> 0\n[2] CONST -> 1\n",
            refused(Errno::EINVAL, "Type tags don't precede modifiers"),
            refused(Errno::EINVAL, "Type tags don't precede modifiers"),
        ),
        ("[1] CONST -> 7\n", refused(Errno::EINVAL, ""), refused(Errno::EINVAL, "Invalid type_id")),
        (
            "[1] CONST -> 2\n[2] CONST -> 1\n",
            refused(Errno::ELOOP, "Max chain length or cycle detected"),
            refused(Errno::EEXIST, "Loop detected"),
        ),
    ];
    for (text, elsewhere, loaded) in cases {
        let blob = notation::blob(text, Endian::Little, None);
        assert_eq!(reason(validate(&blob, Context::Vmlinux, None, 8)), elsewhere, "{text}");
        assert_eq!(reason(validate(&blob, Context::Base, None, 8)), elsewhere, "{text}");
        assert_eq!(load(&blob), loaded, "{text}");
    }
}

#[test]
fn split_btf_is_judged_with_its_base() {
    let base = Btf::parse(notation::blob(INT, Endian::Little, None)).unwrap();
    let check = |context, text: &str| {
        let blob = notation::blob(text, Endian::Little, Some(&base));
        validate(&blob, context, Some(&base), 8).map_err(|refusal| (refusal.type_id, refusal.message))
    };
    for context in [Context::Module, Context::Load] {
        assert_eq!(check(context, ""), Ok(()));
        assert_eq!(check(context, "[2] TYPEDEF 'int' -> 1\n[3] STRUCT 's' size=4 { 'm':2@0 }\n"), Ok(()));
        assert_eq!(check(context, "[2] TYPEDEF '9' -> 1\n"), Err((Some(TypeId(2)), "Invalid name".into())));
    }
    let small = "[2] STRUCT 's' size=2 { 'm':1@0 }\n";
    assert_eq!(check(Context::Module, small), Ok(()));
    assert_eq!(check(Context::Load, small), Err((Some(TypeId(2)), "Member exceeds struct_size".into())));
}

#[test]
fn pointers_are_as_large_as_the_machine_says() {
    let blob = notation::blob("[1] PTR -> 0\n[2] STRUCT 's' size=4 { 'p':1@0 }\n", Endian::Big, None);
    assert_eq!(reason(validate(&blob, Context::Load, None, 4)), Ok(()));
    assert_eq!(reason(validate(&blob, Context::Load, None, 8)), refused(Errno::EINVAL, "Member exceeds struct_size"));
}
