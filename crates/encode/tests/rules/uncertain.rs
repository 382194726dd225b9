//! Parameters on the stack whose place depends on an alignment that BTF cannot say.

use crate::common::*;

fn types() -> Vec<Entry> {
    let mut types = bases();
    types.extend([
        base("__int128", 16, SIGNED),
        structure("packed", 9).with([member("a", "char", 0), member("b", "long int", 1)]),
        structure("plain", 16).with([member("a", "char", 0), member("b", "long int", 8)]),
        structure("holes", 24).with([member("a", "char", 0), member("b", "long int", 8), member("c", "char", 16)]),
        structure("aligned", 32)
            .with([
                member("a", "long int", 0),
                member("b", "long int", 8),
                member("c", "long int", 16),
                member("d", "long int", 24),
            ])
            .at(DW_AT_alignment, 64),
        structure("aligned_member", 32).with([
            member("a", "long int", 0).at(DW_AT_alignment, 32),
            member("b", "long int", 8),
            member("c", "long int", 16),
            member("d", "long int", 24),
        ]),
        structure("", 9).labelled("nameless").with([member("a", "char", 0), member("b", "long int", 1)]),
        typedef("packed_t", "packed"),
        typedef("aligned_t", "aligned"),
        constant("c_packed", "packed"),
        reference(DW_TAG_volatile_type, "v_packed_t", "packed_t"),
        typedef("nameless_t", "nameless"),
        structure("outer", 16).with([member("p", "packed", 0), member("tail", "char", 9)]),
        pointer("p_packed", "packed"),
    ]);
    types
}

const NAMES: [&str; 7] = ["a", "b", "c", "d", "e", "f", "p"];

/// Six integers in registers, then one of this type on the stack.
fn seventh(target: &str) -> Outcome {
    let six = NAMES[..6].iter().map(|name| parameter(name, "long int"));
    after(six.collect(), target)
}

fn after(mut parameters: Vec<Entry>, target: &str) -> Outcome {
    parameters.push(parameter("p", target));
    let function = function("f", "int", 0x10).with(parameters);
    one(types()).unit(unit("two.c").with(types()).with([function])).fun("f", 0x10).fun("g", 0x40).encode()
}

#[test]
fn packed_struct() {
    seventh("packed").no_function("f", "uncertain-location");
}

#[test]
fn what_has_its_natural_place() {
    for target in ["plain", "holes", "int", "p_packed"] {
        let outcome = seventh(target);
        assert_eq!(outcome.ok().count("FUNC"), 1, "{target}");
    }
}

#[test]
fn packed_struct_in_registers() {
    let outcome = after(vec![parameter("a", "int")], "packed");
    assert_eq!(outcome.ok().count("FUNC"), 1);
}

#[test]
fn packed_struct_behind_typedefs_and_qualifiers() {
    differs("only a struct that is named directly is seen", || {
        for target in ["packed_t", "c_packed", "v_packed_t", "nameless_t"] {
            seventh(target).no_function("f", "uncertain-location");
        }
    });
}

#[test]
fn struct_with_an_alignment_of_its_own() {
    differs("declared alignment is not looked at", || {
        for target in ["aligned", "aligned_t", "aligned_member"] {
            seventh(target).no_function("f", "uncertain-location");
        }
    });
}

#[test]
fn int128_on_the_stack() {
    differs("only structs are looked at", || {
        seventh("__int128").no_function("f", "uncertain-location");
        // One register is left, and it takes two.
        let five = NAMES[..5].iter().map(|name| parameter(name, "long int"));
        after(five.collect(), "__int128").no_function("f", "uncertain-location");
    });
}

#[test]
fn int128_in_registers() {
    let outcome = after(vec![parameter("a", "int")], "__int128");
    assert_eq!(outcome.ok().count("FUNC"), 1);
}

#[test]
fn registers_count_rather_than_parameters() {
    differs("parameters are counted, not registers", || {
        // Three times two registers: the fourth parameter is on the stack.
        let wide = ["x", "y", "z"].iter().map(|name| parameter(name, "plain"));
        after(wide.collect(), "packed").no_function("f", "uncertain-location");
    });
}

#[test]
fn unions_are_never_packed() {
    let mut types = types();
    types.extend([
        union("narrow", 1).with([bits("a", "int", 0, 5)]),
        union("odd", 9).with([member("a", "packed", 0), member("b", "long int", 0)]),
    ]);
    for target in ["narrow", "odd"] {
        let mut parameters: Vec<Entry> = NAMES[..6].iter().map(|name| parameter(name, "long int")).collect();
        parameters.push(parameter("p", target));
        let function = function("f", "int", 0x10).with(parameters);
        let outcome =
            one(types.clone()).unit(unit("two.c").with(types.clone()).with([function])).fun("f", 0x10).encode();
        assert_eq!(outcome.ok().count("FUNC"), 1, "{target}");
    }
}

/// Functions of a machine that has no registers for parameters, each with one of a struct; values of eight bytes are
/// aligned to four there.
fn on_i386(structs: Vec<Entry>, targets: &[&str]) -> Outcome {
    let bases = [
        base("int", 4, SIGNED),
        base("char", 1, SIGNED),
        base("double", 8, DW_ATE_float),
        base("long long int", 8, SIGNED),
    ];
    let functions = (1..)
        .zip(targets)
        .map(|(number, target)| function(&format!("f_{target}"), "int", 0x10 * number).with([parameter("p", target)]));
    let mut file = file(Profile::of(I386))
        .unit(unit("one.c").with(bases.into_iter().chain(structs)).with(functions.collect::<Vec<_>>()));
    for (number, target) in (1..).zip(targets) {
        file = file.fun(&format!("f_{target}"), 0x10 * number);
    }
    file.encode()
}

#[test]
fn struct_with_an_eight_byte_value_in_another_struct() {
    differs("inside of another struct at an offset that 8 does not divide, it is taken for packed", || {
        let inner =
            structure("inner", 16).with([member("a", "char", 0), member("b", "double", 4), member("c", "int", 12)]);
        let outer =
            structure("outer", 24).with([member("a", "int", 0), member("b", "inner", 4), member("c", "char", 20)]);
        assert_eq!(on_i386(vec![inner, outer], &["outer", "inner"]).ok().count("FUNC"), 2);
    });
}

#[test]
fn bits_that_no_field_uses_at_the_end() {
    differs("they count as used, so that the size is no multiple of the alignment", || {
        let tail = structure("tail", 4).with([bits("a", "long long int", 0, 19)]);
        assert_eq!(on_i386(vec![tail], &["tail"]).ok().count("FUNC"), 1);
    });
}

#[test]
fn bits_that_no_field_uses_before_another() {
    differs("they count as used, so that the size is no multiple of the alignment", || {
        let between = structure("between", 12).with([bits("a", "int", 0, 20), bits("b", "long long int", 32, 60)]);
        assert_eq!(on_i386(vec![between], &["between"]).ok().count("FUNC"), 1);
    });
}
