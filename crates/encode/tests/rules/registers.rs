//! A tracing program takes arguments from where the calling convention puts them: functions whose parameters live
//! elsewhere are left out.

use crate::common::*;

const RDI: u8 = 5;
const RSI: u8 = 4;
const RDX: u8 = 1;
const RCX: u8 = 2;
const R8: u8 = 8;
const R9: u8 = 9;
const RAX: u8 = 0;
const XMM0: u8 = 17;

const GCC: &str = "GNU C11 12.2.0 -mtune=generic -O2 -g";
const CLANG: &str = "Debian clang version 14.0.6";

fn types() -> Vec<Entry> {
    let mut types = bases();
    types.extend([
        base("double", 8, DW_ATE_float),
        base("__int128", 16, SIGNED),
        pointer("pi", "int"),
        structure("two", 16).with([member("a", "long int", 0), member("b", "long int", 8)]),
        structure("three", 24).with([
            member("a", "long int", 0),
            member("b", "long int", 8),
            member("c", "long int", 16),
        ]),
        structure("small", 8).with([member("a", "int", 0), member("b", "int", 4)]),
        union("u3", 24).with([member("a", "three", 0)]),
        typedef("two_t", "two"),
    ]);
    types
}

/// `f` with these parameters at these places; without a place they have no location.
fn taking(producer: &str, parameters: impl IntoIterator<Item = Entry>) -> File {
    let function = function("f", "int", 0x10).with(parameters);
    file(Profile::default())
        .unit(unit("one.c").producer(producer).with(types()).with([function]))
        .fun("f", 0x10)
        .fun("g", 0x40)
}

fn at(name: &str, target: &str, location: impl Into<Value>) -> Entry {
    parameter(name, target).location(location)
}

fn list(entries: impl IntoIterator<Item = Vec<Op>>) -> Value {
    Value::List(entries.into_iter().collect())
}

const KEPT: Option<&str> = None;
const UNEXPECTED: Option<&str> = Some("unexpected-register");

fn verdict(producer: &str, parameters: impl IntoIterator<Item = Entry>, reason: Option<&str>) {
    let outcome = taking(producer, parameters).encode();
    match reason {
        None => {
            assert_eq!(outcome.ok().count("FUNC"), 1, "left out: {:?}", outcome.report.map(|report| report.skipped))
        }
        Some(reason) => _ = outcome.no_function("f", reason),
    }
}

#[test]
fn the_convention_of_x86_64() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let all = [RDI, RSI, RDX, RCX, R8, R9];
    for producer in [GCC, CLANG] {
        let right = names.iter().zip(all).map(|(name, number)| at(name, "long int", register(number)));
        let stack = names[6..].iter().zip([0, 8]).map(|(name, offset)| at(name, "long int", on_stack(offset)));
        verdict(producer, right.chain(stack), KEPT);
        for wrong in 0..all.len() {
            let mut registers = all;
            registers[wrong] = RAX;
            verdict(
                producer,
                names.iter().zip(registers).map(|(name, number)| at(name, "int", register(number))),
                UNEXPECTED,
            );
        }
    }
}

#[test]
fn the_conventions_of_other_machines() {
    for (machine, registers) in
        [(AARCH64, &[0, 1, 2, 3, 4, 5, 6, 7][..]), (S390X, &[2, 3, 4, 5, 6]), (ARM, &[0, 1, 2, 3])]
    {
        for relocatable in [false, true] {
            let encode = |numbers: &[u8]| {
                let names: Vec<String> = (0..numbers.len()).map(|index| format!("p{index}")).collect();
                let parameters = names.iter().zip(numbers).map(|(name, number)| at(name, "int", register(*number)));
                let entries = [base("int", 4, SIGNED), function("f", "int", 0x10).with(parameters)];
                let profile = Profile { relocatable, ..Profile::of(machine) };
                file(profile).unit(unit("one.c").with(entries)).fun("f", 0x10).fun("g", 0x40).encode()
            };
            assert_eq!(encode(registers).ok().count("FUNC"), 1, "{machine:?}");
            for wrong in 0..registers.len() {
                let mut numbers = registers.to_vec();
                numbers[wrong] = 10;
                encode(&numbers).no_function("f", "unexpected-register");
            }
        }
    }
}

#[test]
fn arm_has_four_argument_registers() {
    differs("eight are counted", || {
        // The fifth argument is on the stack; here the function has moved it to a register at once.
        let names = ["a", "b", "c", "d", "e"];
        let parameters = names.iter().zip([0, 1, 2, 3, 7]).map(|(name, number)| at(name, "int", register(number)));
        let entries = [base("int", 4, SIGNED), function("f", "int", 0x10).with(parameters)];
        let file = file(Profile::of(ARM)).unit(unit("one.c").with(entries)).fun("f", 0x10).fun("g", 0x40);
        file.encode().function("f", "(a:int b:int c:int d:int e:int) -> int");
    });
}

#[test]
fn machines_without_argument_registers() {
    let entries = [
        base("int", 4, SIGNED),
        function("f", "int", 0x10).with([at("a", "int", register(2)), at("b", "int", on_stack(4))]),
    ];
    let file = file(Profile::of(I386)).unit(unit("one.c").with(entries)).fun("f", 0x10).fun("g", 0x40);
    file.encode().function("f", "(a:int b:int) -> int");
}

#[test]
fn machines_whose_registers_are_only_counted() {
    let names = ["a", "b", "c"];
    let parameters = names.iter().zip([10, 11, 12]).map(|(name, number)| at(name, "int", register(number)));
    let entries = [base("int", 4, SIGNED), function("f", "int", 0x10).with(parameters)];
    let file = file(Profile::of(RISCV64)).unit(unit("one.c").with(entries)).fun("f", 0x10).fun("g", 0x40);
    file.encode().function("f", "(a:int b:int c:int) -> int");
}

#[test]
fn without_a_location_nothing_is_known() {
    verdict(GCC, [parameter("a", "int"), at("b", "int", register(RSI))], KEPT);
    verdict(CLANG, [parameter("a", "int"), at("b", "int", register(RSI))], KEPT);
    verdict(GCC, [at("a", "int", on_stack(-20)), at("b", "int", register(RSI))], KEPT);
    verdict(GCC, [at("a", "int", bytes(&[])), at("b", "int", register(RSI))], KEPT);
    verdict(GCC, [at("a", "int", list([])), at("b", "int", register(RSI))], KEPT);
}

#[test]
fn constants_are_no_registers() {
    verdict(GCC, [at("a", "int", bytes(&[DW_OP_lit5.0, DW_OP_stack_value.0])), at("b", "int", register(RSI))], KEPT);
    verdict(GCC, [parameter("a", "int").at(DW_AT_const_value, 7), at("b", "int", register(RSI))], KEPT);
}

#[test]
fn the_first_place_of_a_list_counts() {
    verdict(GCC, [at("a", "int", list([register(RDI), register(3)]))], KEPT);
    verdict(GCC, [at("a", "int", list([register(3), register(RDI)]))], UNEXPECTED);
    verdict(GCC, [at("a", "int", list([on_stack(-8), register(3)]))], KEPT);
    verdict(CLANG, [at("a", "int", list([register(RDI), register(3)]))], KEPT);
}

#[test]
fn lists_in_all_their_forms() {
    for version in [2, 3, 4, 5] {
        for base in [Profile::default(), Profile::clang()] {
            let profile = base.version(version);
            let encode = |number| {
                let parameters = [at("a", "int", list([register(number), register(3)]))];
                let entries = [base_int(), function("f", "int", 0x10).with(parameters)];
                file(profile).unit(unit("one.c").producer(CLANG).with(entries)).fun("f", 0x10).fun("g", 0x40).encode()
            };
            encode(RDI).function("f", "(a:int) -> int");
            encode(RSI).no_function("f", "unexpected-register");
        }
    }
}

fn base_int() -> Entry {
    base("int", 4, SIGNED)
}

#[test]
fn entry_values_tell_the_register_wherever_they_are() {
    verdict(GCC, [at("a", "int", list([on_stack(-8), entry_value(RDI)]))], KEPT);
    verdict(GCC, [at("a", "int", list([on_stack(-8), entry_value(RSI)]))], UNEXPECTED);
    verdict(GCC, [at("a", "int", entry_value(RSI))], UNEXPECTED);
    let gnu = |number: u8| bytes(&[DW_OP_GNU_entry_value.0, 1, DW_OP_reg0.0 + number, DW_OP_stack_value.0]);
    verdict(GCC, [at("a", "int", gnu(RDI))], KEPT);
    verdict(GCC, [at("a", "int", gnu(RSI))], UNEXPECTED);
}

#[test]
fn the_value_of_a_base_register_counts() {
    let value = |number: u8| bytes(&[DW_OP_breg0.0 + number, 0, DW_OP_stack_value.0]);
    verdict(GCC, [at("a", "int", value(RDI))], KEPT);
    verdict(GCC, [at("a", "int", value(RSI))], UNEXPECTED);
    let memory = |number: u8| bytes(&[DW_OP_breg0.0 + number, 8]);
    verdict(GCC, [at("a", "int", memory(RSI))], KEPT);
}

#[test]
fn registers_with_pieces() {
    let pieces = |first: u8, second: u8| bytes(&[0x50 + first, DW_OP_piece.0, 8, 0x50 + second, DW_OP_piece.0, 8]);
    verdict(GCC, [at("s", "two", pieces(RDI, RSI)), at("b", "int", register(RDX))], KEPT);
    verdict(GCC, [at("s", "__int128", pieces(RDI, RSI)), at("b", "int", register(RDX))], KEPT);
    verdict(GCC, [at("s", "__int128", pieces(RDX, RCX)), at("b", "int", register(RDX))], UNEXPECTED);
    verdict(GCC, [at("s", "__int128", pieces(RDI, RSI)), at("b", "int", register(RSI))], UNEXPECTED);
}

#[test]
fn wide_parameters_take_two_registers() {
    // By gcc and by clang alike.
    for producer in [GCC, CLANG] {
        verdict(producer, [parameter("s", "__int128"), at("b", "int", register(RDX))], KEPT);
        verdict(producer, [parameter("s", "__int128"), at("b", "int", register(RSI))], UNEXPECTED);
    }
}

#[test]
fn functions_that_take_structs_by_value_are_trusted() {
    for target in ["two", "two_t", "three"] {
        verdict(GCC, [parameter("s", target), at("b", "int", register(RAX))], KEPT);
    }
    verdict(GCC, [at("s", "small", register(RAX))], KEPT);
}

#[test]
fn structs_in_memory_take_no_register() {
    verdict(GCC, [at("s", "three", on_stack(0)), at("b", "int", register(RDI))], KEPT);
    verdict(CLANG, [at("u", "u3", on_stack(0)), at("b", "int", register(RDI))], KEPT);
}

#[test]
fn unions_in_memory_take_no_register() {
    differs("gcc's unions in memory count for a register", || {
        verdict(GCC, [at("u", "u3", on_stack(0)), at("b", "int", register(RDI))], KEPT);
    });
}

#[test]
fn floating_point_arguments_have_registers_of_their_own() {
    differs("they are counted as integers", || {
        verdict(GCC, [at("d", "double", register(XMM0)), at("i", "int", register(RDI))], KEPT);
        verdict(
            GCC,
            [at("i", "int", register(RDI)), at("d", "double", register(XMM0)), at("p", "pi", register(RSI))],
            KEPT,
        );
    });
}

#[test]
fn a_producer_that_is_not_named_counts_as_gcc() {
    let entries = types().into_iter().chain([function("f", "int", 0x10).with([at("a", "int", register(RSI))])]);
    let mut unit = unit("one.c").with(entries);
    unit.root = unit.root.without(DW_AT_producer);
    file(Profile::default()).unit(unit).fun("f", 0x10).fun("g", 0x40).encode().no_function("f", "unexpected-register");
}

#[test]
fn parameters_of_other_functions_do_not_matter() {
    // The places of an inlined copy's parameters, inside the body of its caller.
    let copy = entry(DW_TAG_inlined_subroutine).origin("fn small").with([parameter_of("x").location(register(RAX))]);
    let entries = [
        base_int(),
        inlined("small", "int").with([parameter("x", "int").labelled("x")]),
        function("f", "int", 0x10).with([at("a", "int", register(RDI)), copy]),
    ];
    one(entries).fun("f", 0x10).fun("small", 0x40).encode().kind(
        "FUNC",
        "FUNC f static (a:int) -> int
         FUNC small static (x:int) -> int",
    );
}

// Functions that the compiler changed.

fn changed(symbol: &str, parameters: impl IntoIterator<Item = Entry>) -> File {
    let function = function("f", "int", 0x10).with(parameters);
    file(Profile::default()).unit(unit("one.c").with(types()).with([function])).fun(symbol, 0x10).fun("g", 0x40)
}

#[test]
fn parameters_that_a_changed_function_does_not_have() {
    for symbol in ["f.constprop.0", "f.isra.0", "f.constprop.0.isra.0"] {
        changed(symbol, [parameter("a", "int"), at("b", "int", register(RSI))])
            .encode()
            .no_function("f", "optimized-parameters");
        let constant = parameter("a", "int").at(DW_AT_const_value, 3);
        changed(symbol, [constant, at("b", "int", register(RSI))]).encode().no_function("f", "optimized-parameters");
        let all = [at("a", "int", register(RDI)), at("b", "int", register(RSI))];
        changed(symbol, all).encode().function("f", "(a:int b:int) -> int");
    }
    for symbol in ["f", "f.llvm.7"] {
        changed(symbol, [parameter("a", "int"), at("b", "int", register(RSI))])
            .encode()
            .function("f", "(a:int b:int) -> int");
    }
}

#[test]
fn parameters_that_a_changed_function_of_a_module_does_not_have() {
    differs("symbols of relocatable files never match the addresses in DWARF", || {
        let mut file = changed("f.constprop.0", [parameter("a", "int"), at("b", "int", register(RSI))]);
        file.profile.relocatable = true;
        file.encode().no_function("f", "optimized-parameters");
    });
}

#[test]
fn ambiguity_in_modules_is_of_real_addresses() {
    // At one offset, but of two sections.
    let entries = |section: &str| {
        [base_int(), function("f", "int", 0).at(DW_AT_low_pc, place(section, 0x10)).without(DW_AT_high_pc)]
    };
    let module = |sections: [&str; 2]| {
        file(Profile::default().relocatable())
            .section(".init.text", 0x2000, 0x100)
            .unit(unit("one.c").with(entries(sections[0])))
            .unit(unit("two.c").with(entries(sections[1])))
            .symbol("f", FUNC, Some(place(sections[0], 0x10)), 8)
            .symbol("f", FUNC, Some(place(sections[1], 0x10)), 8)
            .fun("g", 0x40)
    };
    module([".text", ".text"]).encode().function("f", "() -> int");
    differs("offsets of different sections are compared", || {
        module([".text", ".init.text"]).encode().no_function("f", "ambiguous-address");
    });
}

#[test]
fn the_start_of_a_section_is_an_address_like_any_other() {
    differs("0 counts as no address", || {
        let entries = |offset| [base_int(), function("f", "int", offset)];
        let module = file(Profile::default().relocatable())
            .unit(unit("one.c").with(entries(0)))
            .unit(unit("two.c").with(entries(0x20)))
            .fun("f", 0)
            .fun("f", 0x20)
            .fun("g", 0x40);
        module.encode().no_function("f", "ambiguous-address");
    });
}

#[test]
fn the_linked_definition_wins_in_modules_too() {
    differs("symbols of relocatable files never match the addresses in DWARF", || {
        let entries = |name: &str, section: &str| {
            let function = function("f", "int", 0).at(DW_AT_low_pc, place(section, 0x10)).without(DW_AT_high_pc);
            [base_int(), function.with([parameter(name, "int")])]
        };
        let module = file(Profile::default().relocatable())
            .section(".text.weak", 0x2000, 0x100)
            .unit(unit("one.c").with(entries("of_the_weak", ".text.weak")))
            .unit(unit("two.c").with(entries("of_the_strong", ".text")))
            .fun("f", 0x10)
            .fun("g", 0x40);
        module.encode().function("f", "(of_the_strong:int) -> int");
    });
}

#[test]
fn reordered_parameters() {
    let with = |first: &str, second: &str| {
        [
            base_int(),
            inlined("f", "int").with([parameter("a", "int").labelled("a"), parameter("b", "int").labelled("b")]),
            instance("f", 0x10).with([parameter_of(first), parameter_of(second)]),
        ]
    };
    one(with("b", "a")).fun("f", 0x10).fun("g", 0x40).encode().no_function("f", "reordered-parameters");
    one(with("a", "b")).fun("f", 0x10).fun("g", 0x40).encode().function("f", "(a:int b:int) -> int");
}

#[test]
fn clang_says_when_it_changed_a_signature() {
    const NOCALL: u64 = 3;
    let changed = |convention: u64, parameters: Vec<Entry>| {
        let function = function("f", "int", 0x10).at(DW_AT_calling_convention, convention).with(parameters);
        file(Profile::clang())
            .unit(unit("one.c").producer(CLANG).with(types()).with([function]))
            .fun("f", 0x10)
            .fun("g", 0x40)
    };
    let dead = || vec![parameter("a", "int"), at("b", "int", register(RDI))];
    changed(NOCALL, dead()).encode().lacks("FUNC f ");
    changed(1, vec![parameter("a", "int"), at("b", "int", register(RSI))])
        .encode()
        .function("f", "(a:int b:int) -> int");
    changed(NOCALL, vec![at("a", "int", register(RDI)), at("b", "int", register(RSI))])
        .encode()
        .function("f", "(a:int b:int) -> int");
    // The real signature, where it is wanted.
    changed(NOCALL, dead()).encode_with("default,true_signature").lacks("FUNC f static (a:int b:int)");
}
