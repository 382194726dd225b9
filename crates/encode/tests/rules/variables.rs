use crate::common::*;

const PERCPU: &str = ".data..percpu";

fn with(entries: impl IntoIterator<Item = Entry>) -> File {
    one(bases())
        .unit(unit("two.c").with(bases()).with(entries))
        .section(PERCPU, 0x8000, 0x10_0000)
        .section(".bss", 0x200000, 0x1000)
}

fn percpu(name: &str, target: &str, offset: u64) -> Entry {
    variable(name, target, place(PERCPU, offset))
}

fn shown(outcome: &Outcome, lines: &str) {
    let mut had = outcome.ok().lines(&["VAR", "DATASEC"]);
    had.sort();
    let mut wanted: Vec<&str> = lines.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    wanted.sort_unstable();
    assert_eq!(had, wanted);
}

#[test]
fn per_cpu_variables() {
    let entries = [
        percpu("late", "long int", 0x10),
        percpu("early", "int", 4).without(DW_AT_external),
        variable("elsewhere", "int", place(".data", 8)),
    ];
    let file = with(entries);
    shown(
        &file.encode(),
        "VAR late global : long int
         VAR early static : int
         DATASEC .data..percpu size=24 { early@4+4 late@16+8 }",
    );
    shown(&file.encode_with("float"), "");
}

#[test]
fn global_variables() {
    let entries = [
        percpu("p", "int", 4),
        variable("d", "int", place(".data", 8)),
        variable("b", "char", place(".bss", 1)),
        variable("lost", "int", place(".data", 0x7000_0000)),
    ];
    let file = with(entries);
    let lines = "
        VAR p global : int
        VAR d global : int
        VAR b global : char
        DATASEC .data size=12 { d@8+4 }
        DATASEC .data..percpu size=8 { p@4+4 }
        DATASEC .bss size=2 { b@1+1 }";
    shown(&file.encode_with("var,global_var"), lines);
    shown(&file.encode_with("global_var"), lines);
    let outcome = file.encode_with("global_var");
    let sections: Vec<String> =
        outcome.ok().types.iter().filter(|one| one.kind == 15).map(|one| one.name.clone()).collect();
    assert_eq!(sections, [".data", PERCPU, ".bss"], "in the order of the sections");
}

#[test]
fn sections_of_other_names_are_not_per_cpu() {
    let file = with([variable("v", "int", place(".data..percpu..shared_aligned", 4))]);
    shown(&file.section(".data..percpu..shared_aligned", 0x30_0000, 0x100).encode(), "");
}

#[test]
fn sizes_are_those_of_the_types() {
    let entries = [
        array("a", "long int", &[3, 2]),
        typedef("ta", "ca"),
        constant("ca", "a"),
        structure("s", 12),
        enumeration("e", 2, &[("A", 1)]),
        pointer("p", "s"),
        percpu("va", "ta", 0x10),
        percpu("vs", "s", 0x50),
        percpu("ve", "e", 0x60),
        percpu("vp", "p", 0x70),
    ];
    with(entries).encode().has("DATASEC .data..percpu size=120 { va@16+48 vs@80+12 ve@96+2 vp@112+8 }");
}

#[test]
fn pointers_are_as_wide_as_addresses() {
    let bare = |name: &str, target: &str| reference(DW_TAG_pointer_type, name, target);
    for (machine, size) in [(X86_64, 8), (I386, 4), (ARM, 4), (S390X, 8)] {
        for relocatable in [false, true] {
            let entries = [base("int", 4, SIGNED), bare("p", "int"), percpu("v", "p", 8)];
            let profile = Profile { relocatable, ..Profile::of(machine) };
            let file = file(profile).unit(unit("one.c").with(entries)).section(PERCPU, 0x8000, 0x100);
            file.encode().has(&format!("DATASEC .data..percpu size={} {{ v@8+{size} }}", 8 + size));
        }
    }
}

#[test]
fn what_is_no_variable_of_the_file() {
    let tls = |last: DwOp| percpu("tls", "int", 0).location(bytes(&[DW_OP_const4u.0, 0x40, 0x80, 0, 0, last.0]));
    let lists = Value::List(vec![vec![Op::Addr(place(PERCPU, 0x44))]]);
    let entries = [
        percpu("declared", "int", 4).without(DW_AT_location).declaration(),
        percpu("artificial", "int", 8).at(DW_AT_artificial, true),
        percpu("gone", "int", 12).without(DW_AT_location),
        percpu("in_register", "int", 0x10).location(register(3)),
        percpu("on_stack", "int", 0x10).location(on_stack(8)),
        percpu("listed", "int", 0x10).location(lists),
        percpu("no_section", "int", 0).location(vec![Op::Addr(place(".data", 0x7000_0000))]),
        tls(DW_OP_form_tls_address),
        tls(DW_OP_GNU_push_tls_address),
        function("f", "void", 0x10)
            .with([percpu("inside", "int", 0x20), entry(DW_TAG_lexical_block).with([percpu("deep", "int", 0x24)])]),
        named(DW_TAG_namespace, "ns").with([percpu("spaced", "int", 0x28)]),
        percpu("real", "int", 0x30),
    ];
    shown(&with(entries).encode(), "VAR real global : int\nDATASEC .data..percpu size=52 { real@48+4 }");
}

#[test]
fn thread_local_variables() {
    differs("what follows the address is looked at only where it is DW_OP_plus_uconst", || {
        for last in [DW_OP_form_tls_address, DW_OP_GNU_push_tls_address] {
            let location = vec![Op::Addr(place(PERCPU, 0x40)), Op::Bytes(vec![last.0])];
            shown(&with([percpu("tls", "int", 0).location(location)]).encode(), "");
        }
    });
}

#[test]
fn addresses_with_an_offset() {
    let shifted = vec![Op::Addr(place(PERCPU, 0x10)), Op::Bytes(vec![DW_OP_plus_uconst.0, 0x90, 0x01])];
    with([percpu("v", "int", 0).location(shifted)]).encode().has("DATASEC .data..percpu size=164 { v@160+4 }");
}

#[test]
fn indexed_addresses() {
    for relocatable in [false, true] {
        let profile = Profile { relocatable, ..Profile::clang() };
        let entries = [base("int", 4, SIGNED), percpu("v", "int", 8), percpu("w", "int", 12)];
        let file = file(profile).unit(unit("one.c").with(entries)).section(PERCPU, 0x8000, 0x100);
        file.encode().has("DATASEC .data..percpu size=16 { v@8+4 w@12+4 }");
    }
}

#[test]
fn definitions_of_declared_variables() {
    let definition = entry(DW_TAG_variable)
        .at(DW_AT_specification, Value::Ref("declared v".into()))
        .location(vec![Op::Addr(place(PERCPU, 8))]);
    let declared = named(DW_TAG_variable, "v").labelled("declared v").typed("int").external().declaration();
    let outcome = with([named(DW_TAG_namespace, "ns").with([declared]), definition]).encode();
    shown(&outcome, "VAR v global : int\nDATASEC .data..percpu size=12 { v@8+4 }");
}

#[test]
fn names_of_the_build_are_filtered() {
    let names = [
        "__UNIQUE_ID_x1",
        "__tpstrtab_x",
        "__exitcall_x",
        "__gendwarfksyms_ptr_x",
        "__func_stack_frame_non_standard_x",
    ];
    let entries: Vec<Entry> = names.iter().zip(1..).map(|(name, at)| percpu(name, "int", at * 4)).collect();
    let outcome = with(entries).encode();
    shown(&outcome, "");
    for name in names {
        outcome.no_variable(name, "filtered-name");
    }
}

#[test]
fn the_start_of_a_section_needs_a_symbol() {
    // Variables that the linker discarded have the address 0, which may be where a section starts.
    let file = with([percpu("v", "int", 0), percpu("w", "int", 4)]);
    let outcome = file.encode();
    outcome.no_variable("v", "no-symbol");
    shown(&outcome, "VAR w global : int\nDATASEC .data..percpu size=8 { w@4+4 }");
    shown(
        &file.clone().object("v", PERCPU, 0).encode(),
        "VAR v global : int\nVAR w global : int\nDATASEC .data..percpu size=8 { v@0+4 w@4+4 }",
    );
    for wrong in [file.clone().object("v", ".data", 0), file.symbol("v", NOTYPE, Some(place(PERCPU, 0)), 4)] {
        wrong.encode().no_variable("v", "no-symbol");
    }
}

#[test]
fn per_cpu_section_at_address_zero() {
    // As in x86-64 kernels. What the linker has not placed in memory has the address 0 too.
    let sections =
        file(Profile::default()).section(".comment", 0, 0x100).unallocated(".comment").section(PERCPU, 0, 0x100);
    let entries = [base("int", 4, SIGNED), percpu("v", "int", 8), percpu("first", "int", 0)];
    let file = sections.unit(unit("one.c").with(entries)).object("first", PERCPU, 0).object("v", PERCPU, 8);
    differs("the first section that spans the address is taken, in memory or not", || {
        shown(
            &file.encode_with("default,global_var"),
            "VAR v global : int
             VAR first global : int
             DATASEC .data..percpu size=12 { first@0+4 v@8+4 }",
        );
    });
}

#[test]
fn relocatable_files() {
    let profile = Profile::default().relocatable();
    let entries = [
        base("int", 4, SIGNED),
        percpu("v", "int", 8),
        percpu("first", "int", 0),
        variable("d", "int", place(".data", 8)),
    ];
    let file = file(profile).section(PERCPU, 0, 0x100).unit(unit("one.c").with(entries)).object("first", PERCPU, 0);
    shown(
        &file.encode(),
        "VAR v global : int
         VAR first global : int
         DATASEC .data..percpu size=12 { first@0+4 v@8+4 }",
    );
}

#[test]
fn variables_without_a_size() {
    let flexible = reference(DW_TAG_array_type, "flexible", "int").with([entry(DW_TAG_subrange_type)]);
    let entries =
        [structure("empty", 0), flexible, percpu("v", "empty", 4), percpu("w", "flexible", 8), percpu("x", "int", 12)];
    let outcome = with(entries).encode();
    outcome.no_variable("v", "zero-size").no_variable("w", "zero-size");
    shown(&outcome, "VAR x global : int\nDATASEC .data..percpu size=16 { x@12+4 }");
}

#[test]
fn an_empty_struct_shares_its_address_with_what_follows() {
    // As in the kernel's page allocator: struct pagesets is a lock, and the lock is empty without lock debugging, so
    // that the variable of no size and the one that the linker put next have one address.
    let entries = [
        structure("local_lock_t", 0),
        structure("pagesets", 0).with([member("lock", "local_lock_t", 0)]),
        percpu("pagesets", "pagesets", 0x40).without(DW_AT_external).labelled("v"),
        percpu("numa_node", "int", 0x40),
    ];
    let outcome = with(entries.clone()).encode();
    outcome.no_variable("pagesets", "zero-size");
    shown(&outcome, "VAR numa_node global : int\nDATASEC .data..percpu size=68 { numa_node@64+4 }");
    // And where the other one has no size either, nothing is left for the section.
    let entries =
        entries.into_iter().take(3).chain([percpu("numa_node", "local_lock_t", 0x40).without(DW_AT_external)]);
    let outcome = with(entries).encode();
    outcome.no_variable("pagesets", "zero-size").no_variable("numa_node", "zero-size");
    shown(&outcome, "");
}

#[test]
fn variables_in_one_place() {
    differs("both are written, and the kernel refuses sections whose variables overlap", || {
        let outcome = with([
            percpu("a", "long int", 0x40),
            percpu("b", "int", 0x40),
            percpu("c", "int", 0x44),
            percpu("d", "int", 0x48),
        ])
        .encode();
        let btf = outcome.ok();
        let section = btf.types.iter().find(|one| one.kind == 15).expect("a section");
        let ends = section.items.windows(2).all(|pair| pair[0].2 + pair[0].3 <= pair[1].2);
        assert!(ends, "{:?}", section.items);
        // Either a, or b and c: whoever is left out is so by name.
        assert!(outcome.lines().contains(&"VAR d global : int".to_owned()));
        for name in ["a", "b", "c"] {
            let there = outcome.lines().iter().any(|line| line.starts_with(&format!("VAR {name} ")));
            if !there {
                outcome.no_variable(name, "overlap");
            }
        }
        assert!(btf.count("VAR") == 2 || btf.count("VAR") == 3);
    });
}

#[test]
fn the_same_variable_in_two_units() {
    differs("both are written, and the kernel refuses sections whose variables overlap", || {
        let entries = || unit("more.c").with(bases()).with([percpu("v", "int", 0x40)]);
        let outcome = with([]).unit(entries()).unit(entries()).encode();
        shown(&outcome, "VAR v global : int\nDATASEC .data..percpu size=68 { v@64+4 }");
    });
}

#[test]
fn variables_of_type_void() {
    let entries = [
        percpu("first", "int", 4),
        named(DW_TAG_unspecified_type, "decltype(nullptr)"),
        percpu("np", "decltype(nullptr)", 8),
        percpu("last", "int", 16),
    ];
    let outcome = with(entries).encode();
    outcome.no_variable("np", "void-type");
    shown(
        &outcome,
        "VAR first global : int\nVAR last global : int\nDATASEC .data..percpu size=20 { first@4+4 last@16+4 }",
    );
}

#[test]
fn variables_of_type_void_are_refused_without_encode_force() {
    differs("the rest of the unit's variables is left out without a word", || {
        with([percpu("np", "void", 8), percpu("last", "int", 16)]).encode_with("var").failed(ANY);
    });
}

#[test]
fn variables_of_a_type_that_is_declared_only() {
    differs("a variable of a FWD is written, and the kernel refuses all", || {
        let type_ = forward(DW_TAG_structure_type, "s").at(DW_AT_byte_size, 8);
        let outcome = with([type_, percpu("v", "s", 8), percpu("w", "int", 0x20)]).encode();
        shown(&outcome, "VAR w global : int\nDATASEC .data..percpu size=36 { w@32+4 }");
    });
}

#[test]
fn more_variables_than_a_section_can_count() {
    differs("the count wraps at 65536", || {
        let names: Vec<String> = (0..66000).map(|index| format!("v{index}")).collect();
        let entries = names.iter().zip(1..).map(|(name, at)| percpu(name, "int", at * 4));
        let outcome = with(entries).encode();
        let btf = outcome.ok();
        let section = btf.types.iter().find(|one| one.kind == 15).expect("a section");
        assert_eq!(section.items.len(), 65535);
        outcome.no_variable("v65535", "too-many").no_variable("v65999", "too-many");
        assert_eq!(btf.count("VAR"), 65535);
    });
}

#[test]
fn variables_behind_functions_and_before_their_section() {
    let outcome = with([function("f", "int", 0x10), percpu("v", "int", 4)]).fun("f", 0x10).encode();
    let btf = outcome.ok();
    assert_eq!(btf.types.last().map(|one| one.name.as_str()), Some(PERCPU));
}
