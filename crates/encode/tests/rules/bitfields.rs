use crate::common::*;

fn written(version: u16, machine: Machine, entries: impl IntoIterator<Item = Entry>) -> Outcome {
    file(Profile::of(machine).version(version)).unit(unit("one.c").with(bases()).with(entries)).encode()
}

#[test]
fn data_bit_offset() {
    let type_ = structure("s", 16).with([
        bits("a", "int", 0, 3),
        bits("b", "int", 3, 29),
        member("plain", "int", 4),
        bits("c", "long int", 64, 40),
    ]);
    let line = "STRUCT s size=16 kflag { a:int@0:3 b:int@3:29 plain:int@32 c:long int@64:40 }";
    for machine in [X86_64, S390X] {
        written(5, machine, [type_.clone()]).has(line);
    }
}

#[test]
fn bit_offset_of_dwarf_2_and_3() {
    // struct { int a:3; int b:5; int c:20; } by each of the two byte orders' compilers.
    let with = |offsets: [u64; 3], size: bool| {
        let members = [("a", 3), ("b", 5), ("c", 20)].into_iter().zip(offsets).map(|((name, width), offset)| {
            let one = old_bits(name, "int", 0, offset, width);
            if size { one.at(DW_AT_byte_size, 4) } else { one }
        });
        structure("s", 4).with(members)
    };
    for version in [2, 3, 4, 5] {
        for size in [true, false] {
            let little = written(version, X86_64, [with([29, 24, 4], size)]);
            little.has("STRUCT s size=4 kflag { a:int@0:3 b:int@3:5 c:int@8:20 }");
            let big = written(version, S390X, [with([0, 3, 8], size)]);
            big.has("STRUCT s size=4 kflag { a:int@0:3 b:int@3:5 c:int@8:20 }");
        }
    }
}

#[test]
fn storage_is_looked_for_behind_typedefs_and_qualifiers() {
    let entries = [
        typedef("t", "cv"),
        constant("cv", "v"),
        reference(DW_TAG_volatile_type, "v", "long int"),
        enumeration("e", 2, &[("A", 1)]),
        structure("s", 16).with([old_bits("a", "t", 0, 60, 4), old_bits("b", "e", 8, 10, 6)]),
    ];
    written(3, X86_64, entries).has("STRUCT s size=16 kflag { a:t@0:4 b:enum e@64:6 }");
}

#[test]
fn byte_size_of_the_member_wins() {
    let type_ = structure("s", 8).with([old_bits("a", "long int", 4, 28, 4).at(DW_AT_byte_size, 4)]);
    written(2, X86_64, [type_]).has("STRUCT s size=8 kflag { a:long int@32:4 }");
}

#[test]
fn bitfields_at_whole_bytes() {
    let type_ = structure("s", 4).with([bits("a", "int", 0, 8), bits("b", "int", 8, 8), bits("c", "char", 16, 8)]);
    written(5, X86_64, [type_]).has("STRUCT s size=4 kflag { a:int@0:8 b:int@8:8 c:char@16:8 }");
}

#[test]
fn bitfield_of_a_union() {
    let type_ = union("u", 8).with([bits("a", "int", 0, 3), member("b", "long int", 0)]);
    written(5, X86_64, [type_]).has("UNION u size=8 kflag { a:int@0:3 b:long int@0 }");
    let little = union("u", 4).with([old_bits("a", "int", 0, 29, 3)]);
    written(2, X86_64, [little]).has("UNION u size=4 kflag { a:int@0:3 }");
}

#[test]
fn bitfields_beyond_their_storage_unit() {
    // struct { int a : 20; int b : 24; } __attribute__((packed)): b ends 12 bits behind the int that it starts in.
    let b = member("b", "int", 0).at(DW_AT_bit_size, 24).at(DW_AT_bit_offset, -12i64);
    let type_ = structure("s", 6).with([old_bits("a", "int", 0, 12, 20), b]);
    written(4, X86_64, [type_]).has("STRUCT s size=6 kflag { a:int@0:20 b:int@20:24 }");
}

#[test]
fn unnamed_bitfields() {
    let type_ = structure("s", 4).with([bits("", "int", 0, 4), bits("b", "int", 4, 4)]);
    written(5, X86_64, [type_]).has("STRUCT s size=4 kflag { _:int@0:4 b:int@4:4 }");
}

const LIMIT: u64 = 1 << 21;

#[test]
fn last_offsets_that_fit_beside_a_bitfield() {
    let type_ = structure("s", LIMIT).with([bits("a", "int", 0, 3), member("z", "char", LIMIT - 1)]);
    written(5, X86_64, [type_]).has("STRUCT s size=2097152 kflag { a:int@0:3 z:char@16777208 }");
}

#[test]
fn plain_member_beyond_2_mib_in_a_struct_with_bitfields() {
    differs("the upper bits of the offset become a bit field's size", || {
        let type_ = structure("s", LIMIT + 4).with([bits("a", "int", 0, 3), member("z", "int", LIMIT)]);
        let outcome = written(5, X86_64, [type_, pointer("p", "s"), typedef("t", "p")]);
        outcome.lacks("STRUCT").has("FWD struct s\nTYPEDEF t = *fwd struct s").diagnostic("struct-too-large");
    });
}

#[test]
fn bitfield_beyond_2_mib() {
    differs("libbpf refuses it and all is lost", || {
        let type_ = structure("s", LIMIT + 4).with([member("z", "int", 0), bits("a", "int", LIMIT * 8, 3)]);
        written(5, X86_64, [type_]).lacks("STRUCT").has("FWD struct s").diagnostic("struct-too-large");
    });
}

#[test]
fn what_holds_a_struct_that_is_too_large() {
    differs("the inner struct is corrupt", || {
        let entries = [
            structure("s", LIMIT + 4)
                .with([bits("a", "int", 0, 3), member("z", "int", LIMIT)])
                .tagged("btf_decl_tag", "x"),
            structure("holder", LIMIT + 8).with([member("s", "s", 0), member("n", "int", LIMIT + 4)]),
            structure("innocent", 4).with([member("n", "int", 0)]),
            array("as", "s", &[2]),
            variable("v", "s", place(".data..percpu", 4)),
            variable("w", "int", place(".data..percpu", 0x100)),
        ];
        let outcome = file(Profile::default())
            .section(".data..percpu", 0x20_0000, 0x1000)
            .unit(unit("one.c").with(bases()).with(entries))
            .encode();
        // Nothing may hold a forward by value, and no tag may be on one.
        outcome
            .has("FWD struct s\nSTRUCT innocent size=4 { n:int@0 }\nVAR w global : int")
            .lacks("DECL_TAG")
            .lacks("VAR v ");
        outcome.lacks("STRUCT holder size=2097160 { s:fwd struct s@0").diagnostic("struct-too-large");
    });
}

#[test]
fn union_bitfield_away_from_its_start() {
    differs("libbpf refuses it and all is lost", || {
        let type_ = union("u", 8).with([member("b", "long int", 0), bits("a", "int", 5, 3)]);
        written(5, X86_64, [type_, typedef("t", "int")]).has("TYPEDEF t = int").diagnostic(ANY);
    });
}

#[test]
fn union_member_away_from_its_start() {
    differs("libbpf refuses it and all is lost", || {
        let type_ = union("u", 8).with([member("b", "long int", 0), member("a", "int", 4)]);
        written(5, X86_64, [type_, typedef("t", "int")]).has("TYPEDEF t = int").diagnostic(ANY);
    });
}
