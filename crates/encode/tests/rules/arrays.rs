use crate::common::*;

fn elements(bounds: impl IntoIterator<Item = Entry>) -> Outcome {
    let array = reference(DW_TAG_array_type, "a", "int").with(bounds);
    one([base("int", 4, SIGNED), array, typedef("t", "a")]).encode()
}

fn bound(name: DwAt, value: impl Into<Value>) -> Entry {
    entry(DW_TAG_subrange_type).at(name, value)
}

#[test]
fn upper_bound_is_one_less_than_the_count() {
    elements([bound(DW_AT_upper_bound, 9)]).has("TYPEDEF t = [10]int");
}

#[test]
fn count() {
    elements([bound(DW_AT_count, 9)]).has("TYPEDEF t = [9]int");
}

#[test]
fn upper_bound_wins_over_count_even_unreadable() {
    elements([bound(DW_AT_count, 9).at(DW_AT_upper_bound, 3)]).has("TYPEDEF t = [4]int");
    elements([bound(DW_AT_count, 9).at(DW_AT_upper_bound, on_stack(-8))]).has("TYPEDEF t = [0]int");
}

#[test]
fn dimensions_are_multiplied() {
    elements([bound(DW_AT_upper_bound, 2), bound(DW_AT_upper_bound, 3), bound(DW_AT_count, 5)])
        .has("TYPEDEF t = [60]int");
}

#[test]
fn flexible_and_zero_length() {
    elements([entry(DW_TAG_subrange_type)]).has("TYPEDEF t = [0]int");
    elements([bound(DW_AT_count, 0)]).has("TYPEDEF t = [0]int");
    elements([bound(DW_AT_upper_bound, -1)]).has("TYPEDEF t = [0]int");
    elements([bound(DW_AT_upper_bound, 0xffff_ffffu64)]).has("TYPEDEF t = [0]int");
    elements([bound(DW_AT_upper_bound, u64::MAX)]).has("TYPEDEF t = [0]int");
    elements([bound(DW_AT_count, 0), bound(DW_AT_count, 5)]).has("TYPEDEF t = [0]int");
}

#[test]
fn variable_length() {
    let length = named(DW_TAG_variable, "n").labelled("n").typed("int");
    let by_reference = bound(DW_AT_upper_bound, Value::Ref("n".into()));
    let array = reference(DW_TAG_array_type, "a", "int").with([by_reference]);
    one([base("int", 4, SIGNED), length, array, typedef("t", "a")]).encode().has("TYPEDEF t = [0]int");
    elements([bound(DW_AT_upper_bound, on_stack(-8))]).has("TYPEDEF t = [0]int");
}

#[test]
fn no_subrange_is_one_element() {
    elements([]).has("TYPEDEF t = [1]int");
}

#[test]
fn vectors() {
    let vector = array("a", "int", &[4]).at(DW_AT_GNU_vector, true);
    one([base("int", 4, SIGNED), vector, typedef("t", "a")]).encode().has("TYPEDEF t = [4]int");
}

#[test]
fn arrays_of_arrays_stay_two() {
    one([base("int", 4, SIGNED), array("a", "b", &[3]), array("b", "int", &[5]), typedef("t", "a")])
        .encode()
        .has("TYPEDEF t = [3][5]int");
}

#[test]
fn index_is_int() {
    let outcome = one([base("char", 1, SIGNED), array("a", "char", &[3]), base("int", 4, SIGNED)]).encode();
    outcome
        .array_index("INT int size=4 bits=32 signed")
        .kind("INT", "INT char size=1 bits=8 signed\nINT int size=4 bits=32 signed");
}

#[test]
fn index_is_made_when_there_is_no_int() {
    let outcome = one([base("char", 1, SIGNED), array("a", "char", &[3])]).encode();
    outcome
        .array_index("INT int size=4 bits=32 signed")
        .kind("INT", "INT char size=1 bits=8 signed\nINT int size=4 bits=32 signed");
}

#[test]
fn no_index_without_arrays() {
    one([base("char", 1, SIGNED)]).encode().expect("INT char size=1 bits=8 signed");
}

#[test]
fn one_index_for_all_units() {
    let later = unit("two.c").with([base("int", 4, SIGNED), array("a", "int", &[3])]);
    one([base("char", 1, SIGNED), array("a", "char", &[3])])
        .unit(later)
        .encode()
        .array_index("INT int size=4 bits=32 signed")
        .kind(
            "INT",
            "INT char size=1 bits=8 signed
         INT int size=4 bits=32 signed",
        );
}

#[test]
fn equal_arrays_are_one() {
    let more = unit("two.c").with([base("int", 4, SIGNED), array("a", "int", &[3]), array("b", "int", &[4])]);
    let outcome = one([base("int", 4, SIGNED), array("a", "int", &[3])]).unit(more).encode();
    assert_eq!(outcome.ok().count("ARRAY"), 2);
}

#[test]
fn array_of_nothing_ruins_nothing() {
    let entries = [
        base("int", 4, SIGNED),
        array("a", "void", &[3]),
        structure("s", 3).with([member("m", "a", 0)]),
        typedef("t", "int"),
    ];
    differs("it comes out as an array of void, and the kernel refuses all", || {
        let outcome = one(entries).encode();
        outcome.has("TYPEDEF t = int");
        let btf = outcome.ok();
        assert!(btf.types.iter().filter(|one| one.kind == 3).all(|one| one.array[0] != 0), "an array of void");
    });
}
