//! Which functions are candidates, how candidates of one name are grouped, and which of them is written.

use crate::common::*;

fn int() -> Entry {
    base("int", 4, SIGNED)
}

#[test]
fn functions_of_the_symbol_table() {
    let entries = [
        int(),
        function("zeta", "int", 0x10).with([parameter("a", "int"), parameter("b", "int")]),
        function("alpha", "void", 0x20).without(DW_AT_external),
        function("beta", "void", 0x30).with([parameter("fmt", "int"), variadic()]),
    ];
    let outcome = one(entries).fun("zeta", 0x10).fun("alpha", 0x20).fun("beta", 0x30).encode();
    outcome.kind(
        "FUNC",
        "FUNC alpha static () -> void
         FUNC beta static (fmt:int ...) -> void
         FUNC zeta static (a:int b:int) -> int",
    );
    let names: Vec<String> =
        outcome.ok().types.iter().filter(|one| one.kind == 12).map(|one| one.name.clone()).collect();
    assert_eq!(names, ["alpha", "beta", "zeta"], "in the order of their names");
}

#[test]
fn functions_that_no_symbol_names() {
    let entries = [int(), function("f", "int", 0x10), function("g", "int", 0x20), function("h", "int", 0x30)];
    let file = one(entries).fun("other", 0x20).symbol("g", NOTYPE, Some(place(".text", 0x20)), 8);
    let outcome = file.symbol("h", IFUNC, Some(place(".text", 0x30)), 8).encode();
    for name in ["f", "g", "h"] {
        outcome.no_function(name, "not-in-symbol-table");
    }
    outcome.kind("FUNC", "");
}

#[test]
fn no_function_symbols_at_all() {
    one([int(), function("f", "int", 0x10)]).object("x", ".data", 8).encode().no_function("f", "not-in-symbol-table");
}

#[test]
fn no_symbol_table_at_all() {
    one([int(), function("f", "int", 0x10)]).without_symtab().encode().failed("NO_SYMTAB");
}

#[test]
fn functions_that_are_only_declared() {
    let entries = || {
        [
            int(),
            function("f", "int", 0x10).without(DW_AT_low_pc).declaration(),
            function("elsewhere", "int", 0x20).without(DW_AT_low_pc).declaration(),
        ]
    };
    let outcome = one(entries()).fun("f", 0x10).encode();
    outcome.no_function("f", "only-declared");
    if let Some(report) = &outcome.report {
        // What has no symbol is no function of this program.
        assert_eq!(report.skipped.len(), 1, "{:?}", report.skipped);
    }
    // One that another unit defines is no loss.
    let file = one(entries()).unit(unit("two.c").with([int(), function("f", "int", 0x10)])).fun("f", 0x10);
    file.encode().function("f", "() -> int");
}

#[test]
fn parameters_without_names() {
    let nameless = entry(DW_TAG_formal_parameter).typed("int");
    one([int(), function("f", "int", 0x10).with([nameless, parameter("b", "int")])])
        .fun("f", 0x10)
        .encode()
        .no_function("f", "unnamed-parameter");
}

#[test]
fn function_without_a_name_is_no_candidate() {
    let nameless = function("f", "int", 0x10).without(DW_AT_name);
    one([int(), nameless]).fun("f", 0x10).encode().kind("FUNC", "");
}

#[test]
fn linkage_names_are_ignored() {
    let one_of = function("f", "int", 0x10).at(DW_AT_linkage_name, "_Z1fv");
    one([int(), one_of]).fun("_Z1fv", 0x10).encode().no_function("f", "not-in-symbol-table");
}

#[test]
fn names_prototypes_and_results_come_from_the_abstract_instance() {
    let entries = [
        int(),
        inlined("f", "int").with([parameter("a", "int").labelled("a"), parameter("b", "int").labelled("b")]),
        instance("f", 0x10).with([parameter_of("a").location(register(5)), parameter_of("b").location(register(4))]),
    ];
    one(entries).fun("f", 0x10).encode().kind("FUNC", "FUNC f static (a:int b:int) -> int");
}

#[test]
fn abstract_instance_alone_is_enough() {
    one([int(), inlined("f", "int").with([parameter("a", "int")])])
        .fun("f", 0x10)
        .encode()
        .kind("FUNC", "FUNC f static (a:int) -> int");
}

#[test]
fn names_come_from_the_specification() {
    let definition = entry(DW_TAG_subprogram)
        .at(DW_AT_specification, Value::Ref("fn f".into()))
        .at(DW_AT_low_pc, place(".text", 0x10))
        .with([parameter("a", "int")]);
    one([int(), function("f", "void", 0).without(DW_AT_low_pc).declaration(), definition])
        .fun("f", 0x10)
        .encode()
        .kind("FUNC", "FUNC f static (a:int) -> void");
}

#[test]
fn functions_of_namespaces_structs_and_functions() {
    let nested = function("inner", "int", 0x30);
    let entries = [
        int(),
        named(DW_TAG_namespace, "ns").with([function("spaced", "int", 0x10)]),
        structure("s", 4).with([function("method", "int", 0x20)]),
        function("outer", "int", 0x40).with([nested]),
    ];
    one(entries).fun("spaced", 0x10).fun("method", 0x20).fun("inner", 0x30).fun("outer", 0x40).encode().kind(
        "FUNC",
        "FUNC inner static () -> int
         FUNC method static () -> int
         FUNC outer static () -> int
         FUNC spaced static () -> int",
    );
}

#[test]
fn suffixes_of_symbols() {
    for symbol in ["f.llvm.123", "f.cfi_jt", "f.isra.0", "f.constprop.0", "f.whatever"] {
        one([int(), function("f", "int", 0x10)]).fun(symbol, 0x10).encode().kind("FUNC", "FUNC f static () -> int");
    }
    for symbol in ["f.cold", "f.part.0", "f.constprop.0.cold", "f.isra.0.part.1"] {
        one([int(), function("f", "int", 0x10)])
            .fun("g", 0x20)
            .fun(symbol, 0x10)
            .encode()
            .no_function("f", "not-in-symbol-table");
    }
}

#[test]
fn cold_and_partial_pieces_do_not_make_a_name_ambiguous() {
    let file = one([int(), function("f", "int", 0x10)]).fun("f", 0x10).fun("f.cold", 0x100).fun("f.part.0", 0x200);
    file.encode().kind("FUNC", "FUNC f static () -> int");
}

#[test]
fn aliases() {
    let entries = [int(), function("f", "int", 0x10)];
    one(entries)
        .fun("f", 0x10)
        .fun("alias", 0x10)
        .fun("f.alias", 0x10)
        .encode()
        .kind("FUNC", "FUNC f static () -> int");
}

fn two_of(first: [Entry; 2], second: [Entry; 2]) -> File {
    file(Profile::default()).unit(unit("one.c").with(first)).unit(unit("two.c").with(second))
}

#[test]
fn one_name_at_two_addresses() {
    let entries = |offset| [int(), function("f", "int", offset)];
    let file = two_of(entries(0x10), entries(0x20)).fun("f", 0x10).fun("f", 0x20).fun("g", 0x30);
    file.encode().no_function("f", "ambiguous-address");
}

#[test]
fn the_last_name_of_all_at_two_addresses() {
    differs("the name that comes last in the alphabet is never tested", || {
        let entries = |offset| [int(), function("zzz", "int", offset)];
        let file = two_of(entries(0x10), entries(0x20)).fun("zzz", 0x10).fun("zzz", 0x20).fun("g", 0x30);
        file.encode().no_function("zzz", "ambiguous-address");
    });
}

#[test]
fn a_plain_and_a_suffixed_symbol_at_two_addresses() {
    let file = one([int(), function("f", "int", 0x10)]).fun("f", 0x10).fun("f.isra.0", 0x20).fun("g", 0x30);
    file.encode().no_function("f", "ambiguous-address");
}

#[test]
fn one_name_twice_at_one_address() {
    let file = one([int(), function("f", "int", 0x10)]).fun("f", 0x10).fun("f", 0x10).fun("g", 0x30);
    file.encode().kind("FUNC", "FUNC f static () -> int");
}

#[test]
fn the_linked_definition_wins() {
    let entries = |name: &str, offset| [int(), function("f", "int", offset).with([parameter(name, "int")])];
    let mut file = two_of(entries("of_the_weak", 0x10), entries("of_the_strong", 0x20)).fun("f", 0x20).fun("g", 0x30);
    file.encode().kind("FUNC", "FUNC f static (of_the_strong:int) -> int");
    file.profile = Profile::clang();
    file.encode().kind("FUNC", "FUNC f static (of_the_strong:int) -> int");
}

#[test]
fn without_an_address_that_fits_the_first_wins() {
    let entries = |name: &str, offset| [int(), function("f", "int", offset).with([parameter(name, "int")])];
    let file = two_of(entries("first", 0x10), entries("second", 0x20)).fun("f", 0x40).fun("g", 0x30);
    file.encode().kind("FUNC", "FUNC f static (first:int) -> int");
}

/// The same function in two units, linked once: two candidates at one address.
fn twice(first: impl IntoIterator<Item = Entry>, second: impl IntoIterator<Item = Entry>) -> File {
    let mut types = bases();
    types.extend([
        structure("s", 4),
        typedef("u32", "unsigned int"),
        pointer("pi", "int"),
        pointer("pu", "u32"),
        pointer("pc", "ci"),
        constant("ci", "int"),
        pointer("ps", "s"),
        array("a3", "int", &[3]),
        array("a4", "int", &[4]),
        pointer("pa3", "a3"),
        pointer("pa4", "a4"),
        prototype("f0", "int", &["int"]),
        prototype("f1", "int", &["unsigned int"]),
        pointer("pf0", "f0"),
        pointer("pf1", "f1"),
        enumeration("e", 4, &[("A", 1)]),
        structure("", 4).labelled("anon4"),
        structure("", 8).labelled("anon8"),
        pointer("pn4", "anon4"),
        pointer("pn8", "anon8"),
        pointer("pv", "void"),
        reference(DW_TAG_volatile_type, "vi", "int"),
        pointer("pvi", "vi"),
        pointer("pti", "int").tagged("btf_type_tag", "user"),
    ]);
    let one = unit("one.c").with(types.clone()).with(first);
    let two = unit("two.c").with(types).with(second);
    file(Profile::default()).unit(one).unit(two).fun("f", 0x10).fun("g", 0x30)
}

fn taking(names: &[&str]) -> [Entry; 1] {
    let parameters = names.iter().map(|name| parameter("p", name));
    [function("f", "int", 0x10).with(parameters)]
}

#[test]
fn equal_prototypes() {
    for (first, second) in [
        (["int"], ["int"]),
        (["pi"], ["pi"]),
        // Not looked at: const on either side, members of structs, contents of what has no name.
        (["pi"], ["pc"]),
        (["ci"], ["int"]),
        (["pn4"], ["pn8"]),
        (["pf0"], ["pf0"]),
        (["pa3"], ["pa3"]),
    ] {
        let outcome = twice(taking(&first), taking(&second)).encode();
        assert_eq!(outcome.ok().count("FUNC"), 1, "{first:?} and {second:?}");
    }
}

#[test]
fn names_of_parameters_are_not_compared() {
    let with = |name: &str| [function("f", "int", 0x10).with([parameter(name, "int")])];
    twice(with("a"), with("b")).encode().kind("FUNC", "FUNC f static (a:int) -> int");
}

#[test]
fn different_prototypes() {
    for (first, second) in [
        (&["int"][..], &["unsigned int"][..]),
        (&["int"], &["long int"]),
        (&["int"], &["int", "int"]),
        (&["u32"], &["unsigned int"]),
        (&["pu"], &["pi"]),
        (&["pi"], &["ps"]),
        (&["pi"], &["pv"]),
        (&["pa3"], &["pa4"]),
        (&["pf0"], &["pf1"]),
        (&["int"], &["e"]),
        (&["pi"], &["pvi"]),
        (&["pi"], &["pti"]),
    ] {
        let file = twice(taking(first), taking(second));
        let outcome = file.encode();
        outcome.no_function("f", "inconsistent-prototype");
        // Without the feature the first of them is written.
        assert_eq!(file.encode_with("var,float").ok().count("FUNC"), 1, "{first:?} and {second:?}");
    }
}

#[test]
fn other_reasons_need_no_feature() {
    let unexpected = [function("f", "int", 0x10).with([parameter("p", "int").location(register(4))])];
    twice(taking(&["int"]), unexpected).encode_with("var").no_function("f", "unexpected-register");
    let ambiguous = twice(taking(&["int"]), taking(&["int"])).fun("f", 0x20);
    ambiguous.encode_with("var").no_function("f", "ambiguous-address");
}

#[test]
fn different_results_and_variadic_functions() {
    let with = |result: &str| [function("f", result, 0x10)];
    twice(with("int"), with("void")).encode().no_function("f", "inconsistent-prototype");
    twice(with("int"), with("u32")).encode().no_function("f", "inconsistent-prototype");
    let more = [function("f", "int", 0x10).with([parameter("p", "int"), variadic()])];
    twice(taking(&["int"]), more).encode().no_function("f", "inconsistent-prototype");
}

#[test]
fn a_forward_matches_its_struct() {
    let first = [
        forward(DW_TAG_structure_type, "q"),
        pointer("pq", "q"),
        function("f", "int", 0x10).with([parameter("p", "pq")]),
    ];
    let second = [structure("q", 8), pointer("pq", "q"), function("f", "int", 0x10).with([parameter("p", "pq")])];
    twice(first, second).encode().kind("FUNC", "FUNC f static (p:*struct q) -> int");
}

#[test]
fn an_enum_does_not_match_an_enum64() {
    let first = [enumeration("q", 4, &[("B", 1)]), function("f", "int", 0x10).with([parameter("p", "q")])];
    let second = [enumeration("q", 8, &[("B", 1)]), function("f", "int", 0x10).with([parameter("p", "q")])];
    twice(first, second).encode().no_function("f", "inconsistent-prototype");
}

#[test]
fn structs_match_by_name_alone() {
    let first = [structure("q", 4), pointer("pq", "q"), function("f", "int", 0x10).with([parameter("p", "pq")])];
    let second = [structure("q", 8), pointer("pq", "q"), function("f", "int", 0x10).with([parameter("p", "pq")])];
    twice(first, second).encode().kind("FUNC", "FUNC f static (p:*struct q) -> int");
}

#[test]
fn abstract_instances_take_part() {
    let abstract_one = [inlined("f", "int").with([parameter("p", "long int")])];
    twice(taking(&["int"]), abstract_one).encode().no_function("f", "inconsistent-prototype");
}

#[test]
fn flaws_of_any_candidate_count() {
    // The second one takes its parameter in another register than the calling convention says.
    let with = |number: u8| [function("f", "int", 0x10).with([parameter("p", "int").location(register(number))])];
    twice(with(5), with(4)).encode().no_function("f", "unexpected-register");
    twice(with(4), with(5)).encode().no_function("f", "unexpected-register");
}

#[test]
fn many_parameters() {
    differs("parameters are counted in a byte: those from the 257th on come first", || {
        let names: Vec<String> = (0..300).map(|index| format!("p{index}")).collect();
        let parameters = names.iter().map(|name| parameter(name, "int"));
        let outcome = one([int(), function("f", "int", 0x10).with(parameters)]).fun("f", 0x10).encode();
        let prototype = outcome.ok().types.iter().find(|one| one.kind == 13).expect("a prototype");
        let had: Vec<&String> = prototype.items.iter().map(|(name, ..)| name).collect();
        assert_eq!(had, names.iter().collect::<Vec<_>>());
    });
}

#[test]
fn parameters_of_types_that_are_not_there() {
    differs("they are written as void, and the kernel refuses all", || {
        let bad = function("bad", "int", 0x10).with([parameter("a", "@0xffffff"), parameter("b", "int")]);
        let outcome = one([int(), bad, function("good", "int", 0x20)]).fun("bad", 0x10).fun("good", 0x20).encode();
        outcome.function("good", "() -> int").diagnostic(ANY);
    });
}
