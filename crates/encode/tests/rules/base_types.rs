use crate::common::*;

fn line(name: &str, size: u64, encoding: DwAte) -> Outcome {
    one([base(name, size, encoding)]).encode()
}

#[test]
fn encodings() {
    for (encoding, text) in [
        (DW_ATE_signed, " signed"),
        (DW_ATE_signed_char, " signed"),
        (DW_ATE_boolean, " bool"),
        (DW_ATE_unsigned, ""),
        (DW_ATE_unsigned_char, ""),
        (DW_ATE_UTF, ""),
        (DW_ATE_address, ""),
        (DW_ATE_decimal_float, ""),
        (DW_ATE_unsigned_fixed, ""),
    ] {
        line("x", 4, encoding).expect(&format!("INT x size=4 bits=32{text}"));
    }
}

#[test]
fn sizes_that_are_powers_of_two_up_to_16() {
    for size in [1, 2, 4, 8, 16] {
        line("x", size, UNSIGNED).expect(&format!("INT x size={size} bits={}", size * 8));
    }
}

#[test]
fn other_sizes_are_sanitized_and_keep_their_encoding() {
    for size in [0, 3, 5, 24, 32, 8192] {
        line("x", size, SIGNED).expect("INT __SANITIZED_FAKE_INT__ size=4 bits=32 signed");
    }
    one([named(DW_TAG_base_type, "x").at(DW_AT_encoding, 7)])
        .encode()
        .expect("INT __SANITIZED_FAKE_INT__ size=4 bits=32");
}

#[test]
fn bit_size_of_a_base_type_is_ignored() {
    let type_ = base("_BitInt(12)", 2, SIGNED).at(DW_AT_bit_size, 12).at(DW_AT_data_bit_offset, 2);
    one([type_]).encode().expect("INT _BitInt(12) size=2 bits=16 signed");
}

#[test]
fn floats_with_the_feature() {
    for size in [2, 4, 8, 12, 16] {
        line("f", size, DW_ATE_float).expect(&format!("FLOAT f size={size}"));
    }
}

#[test]
fn floats_without_the_feature_are_integers() {
    let types = [base("double", 8, DW_ATE_float), base("long double", 12, DW_ATE_float)];
    one(types).encode_with("var").expect("INT double size=8 bits=64\nINT __SANITIZED_FAKE_INT__ size=4 bits=32");
}

#[test]
fn float_of_a_size_that_btf_has_not() {
    differs("libbpf refuses it and all is lost", || {
        let outcome = one([base("x87", 10, DW_ATE_float), base("int", 4, SIGNED)]).encode();
        outcome.has("INT int size=4 bits=32 signed").lacks("FLOAT");
    });
}

#[test]
fn complex_is_an_integer_without_float() {
    let types = [
        base("complex float", 8, DW_ATE_complex_float),
        base("complex double", 16, DW_ATE_complex_float),
        base("complex long double", 32, DW_ATE_complex_float),
    ];
    one(types).encode_with("var").expect(
        "INT complex float size=8 bits=64
         INT complex double size=16 bits=128
         INT __SANITIZED_FAKE_INT__ size=4 bits=32",
    );
}

#[test]
fn complex_is_an_integer_with_float_too() {
    differs("a complex type ends the encoding when floats are wanted", || {
        let types = [
            base("complex double", 16, DW_ATE_complex_float),
            base("complex long double", 32, DW_ATE_complex_float),
            base("imaginary float", 4, DW_ATE_imaginary_float),
            base("double", 8, DW_ATE_float),
        ];
        one(types).encode().expect(
            "INT complex double size=16 bits=128
             INT __SANITIZED_FAKE_INT__ size=4 bits=32
             INT imaginary float size=4 bits=32
             FLOAT double size=8",
        );
    });
}

#[test]
fn base_type_without_a_name() {
    differs("libbpf refuses it and all is lost", || {
        let nameless = entry(DW_TAG_base_type).at(DW_AT_byte_size, 4).at(DW_AT_encoding, 5);
        one([nameless, base("long int", 8, SIGNED)]).encode().has("INT long int size=8 bits=64 signed");
    });
}

#[test]
fn members_of_a_type_without_a_size_have_no_room() {
    // Rust's `()`: an integer of four bytes to BTF, at the end of a struct of one byte.
    let entries = [
        base("u8", 1, DW_ATE_unsigned),
        base("()", 0, DW_ATE_unsigned),
        structure("Ok", 1).with([member("tag", "u8", 0), member("__0", "()", 1)]),
    ];
    one(entries).encode().has("STRUCT Ok size=1 { tag:u8@0 }").diagnostic("bad-members");
}
