//! With `true_signature`, functions that the compiler changed are written as what they have become.

use crate::common::*;

const RDI: u8 = 5;
const RSI: u8 = 4;
const CLANG: &str = "clang version 22.1";
const GCC: &str = "GNU C11 15.1.0 -O2 -g";
const FEATURES: &str = "default,true_signature";

fn at(name: &str, target: &str, location: impl Into<Value>) -> Entry {
    parameter(name, target).location(location)
}

fn with(producer: &str, function: Entry) -> File {
    let pair = structure("pair", 16).with([member("x", "long int", 0), member("y", "int", 8)]);
    file(Profile::default()).unit(unit("one.c").producer(producer).with(bases()).with([pair, function])).fun("g", 0x40)
}

fn plain(parameters: impl IntoIterator<Item = Entry>) -> Entry {
    function("f", "int", 0x10).with(parameters)
}

fn changed(parameters: impl IntoIterator<Item = Entry>) -> Entry {
    plain(parameters).at(DW_AT_calling_convention, 3)
}

#[test]
fn suffixed_functions_have_their_own_name() {
    for symbol in ["f.constprop.0", "f.isra.0", "f.llvm.123"] {
        let file = with(GCC, plain([at("a", "int", register(RDI)), at("b", "int", register(RSI))])).fun(symbol, 0x10);
        file.encode_with(FEATURES).kind("FUNC", &format!("FUNC {symbol} static (a:int b:int) -> int"));
        file.encode().kind("FUNC", "FUNC f static (a:int b:int) -> int");
    }
}

#[test]
fn functions_that_were_not_changed_stay() {
    let file = with(GCC, plain([at("a", "int", register(RDI))])).fun("f", 0x10);
    file.encode_with(FEATURES).kind("FUNC", "FUNC f static (a:int) -> int");
}

#[test]
fn flaws_count_all_the_same() {
    let file = with(GCC, plain([at("a", "int", register(RSI))])).fun("f.constprop.0", 0x10);
    file.encode_with(FEATURES).kind("FUNC", "");
}

#[test]
fn parameters_that_clang_removed() {
    let file = with(CLANG, changed([parameter("a", "int"), at("b", "int", register(RDI))])).fun("f", 0x10);
    file.encode_with(FEATURES).kind("FUNC", "FUNC f static (b:int) -> int");
    let constant = at("a", "int", bytes(&[DW_OP_lit3.0, DW_OP_stack_value.0]));
    let file = with(CLANG, changed([constant, at("b", "int", register(RDI))])).fun("f", 0x10);
    file.encode_with(FEATURES).kind("FUNC", "FUNC f static (b:int) -> int");
}

#[test]
fn parameters_that_clang_left_alone() {
    let file = with(CLANG, changed([at("a", "int", register(RDI)), at("b", "int", register(RSI))])).fun("f", 0x10);
    file.encode_with(FEATURES).kind("FUNC", "FUNC f static (a:int b:int) -> int");
    // Without a location, yet the next one is where it would be if this one were still there.
    let file = with(CLANG, changed([parameter("a", "int"), at("b", "int", register(RSI))])).fun("f", 0x10);
    file.encode_with(FEATURES).kind("FUNC", "FUNC f static (a:int b:int) -> int");
}

#[test]
fn structs_that_clang_reduced_to_a_member() {
    let second = bytes(&[DW_OP_piece.0, 8, DW_OP_reg0.0 + RDI, DW_OP_piece.0, 4]);
    let file = with(CLANG, changed([at("p", "pair", second), at("b", "int", register(RSI))])).fun("f", 0x10);
    file.encode_with(FEATURES).kind("FUNC", "FUNC f static (p__y:int b:int) -> int");
    let first = bytes(&[DW_OP_reg0.0 + RDI, DW_OP_piece.0, 8]);
    let file = with(CLANG, changed([at("p", "pair", first), at("b", "int", register(RSI))])).fun("f", 0x10);
    file.encode_with(FEATURES).kind("FUNC", "FUNC f static (p__x:long int b:int) -> int");
}

#[test]
fn structs_that_clang_left_whole() {
    let both = bytes(&[DW_OP_reg0.0 + RDI, DW_OP_piece.0, 8, DW_OP_reg0.0 + RSI, DW_OP_piece.0, 4]);
    let file = with(CLANG, changed([at("p", "pair", both), at("b", "int", register(1))])).fun("f", 0x10);
    file.encode_with(FEATURES).kind("FUNC", "FUNC f static (p:struct pair b:int) -> int");
}

#[test]
fn without_the_feature_they_are_left_out() {
    let file = with(CLANG, changed([parameter("a", "int"), at("b", "int", register(RDI))])).fun("f", 0x10);
    file.encode().no_function("f", "optimized-parameters");
}

#[test]
fn reordered_functions_never_have_parameters_without_a_place() {
    let entries = [
        inlined("f", "int").with([
            parameter("a", "int").labelled("a"),
            parameter("b", "int").labelled("b"),
            parameter("c", "int").labelled("c"),
        ]),
        instance("f", 0x10).with([
            parameter_of("b").location(register(RDI)),
            parameter_of("c").location(register(RSI)),
            parameter_of("a"),
        ]),
    ];
    let file =
        file(Profile::default()).unit(unit("one.c").with(bases()).with(entries)).fun("f.isra.0", 0x10).fun("g", 0x40);
    // Left out or with its real signature, but not with one that would misplace arguments.
    let real = "FUNC f.isra.0 static (b:int c:int) -> int";
    assert!(file.encode_with(FEATURES).ok().lines(&["FUNC"]).iter().all(|line| line == real));
    file.encode().no_function("f", "optimized-parameters");
}

#[test]
fn a_plain_function_beside_its_clone() {
    differs("the clone hides the plain function", || {
        let clone = function("f", "int", 0x20).with([at("a", "int", register(RDI)), parameter("b", "int")]);
        let file = with(GCC, plain([at("a", "int", register(RDI)), at("b", "int", register(RSI))]))
            .unit(unit("two.c").with(bases()).with([clone]))
            .fun("f", 0x10)
            .fun("f.constprop.0", 0x20);
        // Two addresses: a program that attaches by the plain name could mean either.
        let outcome = file.encode_with(FEATURES);
        assert!(
            outcome.lines().iter().all(|line| !line.starts_with("FUNC f.constprop.0 "))
                || outcome.lines().iter().any(|line| line.starts_with("FUNC f "))
        );
    });
}

#[test]
fn in_modules() {
    differs("symbols of relocatable files never match the addresses in DWARF", || {
        let mut file = with(GCC, plain([at("a", "int", register(RDI))])).fun("f.constprop.0", 0x10);
        file.profile.relocatable = true;
        file.encode_with(FEATURES).kind("FUNC", "FUNC f.constprop.0 static (a:int) -> int");
    });
}
