//! A C program of real size, made from numbers: what units share, what they declare only, what has the same name and is
//! not the same, and functions as optimizers like to change them.
//!
//! It has nothing that ends the reference's encoding (atomic and complex types, nameless things): the tests of single
//! rules have that.

use std::fmt::Write;

/// Structs, unions and enums of the header that all units share.
pub const RECORDS: usize = 1600;
pub const UNITS: usize = 8;
const FUNCTIONS_OF_A_UNIT: usize = 150;
pub const FUNCTIONS: usize = UNITS * FUNCTIONS_OF_A_UNIT;

/// Files by name; all `.c` files together are one program.
pub fn files() -> Vec<(String, String)> {
    let mut random = Random(0x5eed);
    let header = header(&mut random);
    let units = (0..UNITS).map(|unit| (format!("unit{unit}.c"), self::unit(unit, &mut random)));
    let mut files: Vec<(String, String)> = units.collect();
    files.push(("types.h".to_owned(), header));
    files.push(("main.c".to_owned(), main()));
    files
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

const SCALARS: [&str; 16] = [
    "char",
    "signed char",
    "unsigned char",
    "short",
    "unsigned short",
    "int",
    "unsigned int",
    "long",
    "unsigned long",
    "long long",
    "float",
    "double",
    "_Bool",
    "size_type",
    "word_t",
    "word_alias_t",
];

/// What the record of that number is; a leaf contains no other by value.
fn tag(number: usize) -> &'static str {
    match number % 8 {
        3 => "union",
        6 => "enum",
        _ => "struct",
    }
}

fn is_leaf(number: usize) -> bool {
    number.is_multiple_of(4)
}

fn record(number: usize) -> String {
    format!("{} t{number}", tag(number))
}

fn header(random: &mut Random) -> String {
    let mut text = String::from(
        "typedef unsigned long size_type;\ntypedef unsigned int word_t;\ntypedef word_t word_alias_t;\n\
         struct only_declared;\nunion only_declared_too;\nextern volatile unsigned long sink;\n\
         void *memset(void *, int, unsigned long);\n",
    );
    for number in 0..RECORDS {
        if tag(number) == "enum" {
            enumeration(&mut text, number, random);
        } else {
            let _ = writeln!(text, "{} {{", record(number));
            for member in 0..2 + random.below(9) {
                members(&mut text, number, member, random);
            }
            if tag(number) == "struct" && number % 16 == 1 {
                text += "\tchar tail[];\n";
            }
            text += if number % 32 == 9 { "} __attribute__((packed));\n" } else { "};\n" };
        }
        if number.is_multiple_of(5) {
            let _ = writeln!(text, "typedef {} t{number}_t;", record(number));
        }
        if number.is_multiple_of(7) {
            let (one, two) = (record(random.below(number + 1)), random.pick(&SCALARS));
            let _ = writeln!(text, "typedef {two} (*callback{number})({one} *subject, {two} value, ...);");
        }
    }
    for number in 0..40 {
        let _ = writeln!(
            text,
            "static inline __attribute__((always_inline)) long inlined{number}(const {0} *p, long n)\n\
             {{ return (long)p + n * {number}; }}",
            record(number * 8),
        );
    }
    text
}

fn enumeration(text: &mut String, number: usize, random: &mut Random) {
    let _ = writeln!(text, "{} {{", record(number));
    for value in 0..1 + random.below(12) {
        let _ = match number / 8 % 4 {
            0 => writeln!(text, "\tE{number}_{value},"),
            1 => writeln!(text, "\tE{number}_{value} = {},", value as i64 * 3 - 4),
            2 => writeln!(text, "\tE{number}_{value} = 0x{:x}u,", 1u32 << (31 - value)),
            _ => writeln!(text, "\tE{number}_{value} = 0x{:x}ull,", 1u64 << (40 - value)),
        };
    }
    text.push_str("};\n");
}

/// One member, or a few that belong together.
fn members(text: &mut String, number: usize, member: usize, random: &mut Random) {
    let name = format!("m{member}");
    let scalar = random.pick(&SCALARS);
    let any = record(random.below(RECORDS / 8) * 8 + [0, 1, 2, 3, 5][random.below(5)]);
    let leaf = random.below(number / 4 + 1) * 4;
    let by_value = if is_leaf(number) || leaf == number { scalar.to_owned() } else { record(leaf) };
    let _ = match random.below(15) {
        0..4 => writeln!(text, "\t{scalar} {name};"),
        4..6 => writeln!(text, "\t{any} *{name};"),
        6 => writeln!(text, "\tconst {any} *const *{name};"),
        7 => writeln!(text, "\t{by_value} {name};"),
        8 => writeln!(text, "\t{by_value} {name}[{}][{}];", 1 + random.below(4), 1 + random.below(9)),
        9 => writeln!(text, "\t{scalar} (*{name})({any} *, volatile {scalar} *restrict, struct only_declared *);"),
        10 => writeln!(
            text,
            "\tunsigned {name}a : {};\n\tint {name}b : {};\n\tunsigned : 0;\n\tunsigned long long {name}c : {};",
            1 + random.below(31),
            2 + random.below(30),
            1 + random.below(63),
        ),
        11 => writeln!(text, "\tunion {{ {scalar} {name}a; {any} *{name}b; struct {{ int {name}c, {name}d; }}; }};"),
        12 => writeln!(text, "\tstruct {{ {scalar} a; {by_value} b; }} {name}[2];"),
        13 => writeln!(text, "\tenum {{ A{number}_{member}, B{number}_{member} = -1 }} {name};"),
        _ => writeln!(text, "\tvolatile {scalar} {name}; union only_declared_too *{name}u;"),
    };
}

fn unit(unit: usize, random: &mut Random) -> String {
    let mut text = String::from("#include \"types.h\"\n");
    let _ = writeln!(text, "struct only_in_some {{ int of_unit{}; struct only_in_some *next; }};", unit % 3);
    // In one unit only: with several definitions, which of them a declaration goes with is a matter of luck.
    if unit == 2 {
        text += "struct only_declared { struct only_in_some *link; int n; };\n";
    }
    let _ = writeln!(text, "struct roots{unit} {{\n\tstruct only_in_some *some;");
    for number in (0..RECORDS).filter(|number| !(number / 8 + unit).is_multiple_of(3)) {
        let _ = writeln!(text, "\t{} *r{number};", record(number));
        if number.is_multiple_of(5) {
            let _ = writeln!(text, "\tt{number}_t *a{number};");
        }
        if number.is_multiple_of(7) {
            let _ = writeln!(text, "\tcallback{number} c{number};");
        }
    }
    let _ = writeln!(text, "}};\nstruct roots{unit} roots{unit};");
    for number in 0..6 {
        let storage = if number % 2 == 0 { "static " } else { "" };
        let _ = writeln!(
            text,
            "{storage}__attribute__((section(\".data..percpu\"), used)) {} percpu{unit}_{number}[{}];",
            record(number * 40 + unit * 8),
            1 + number,
        );
    }
    helpers(&mut text, unit);
    let mut calls = String::new();
    for number in 0..FUNCTIONS_OF_A_UNIT {
        calls += &function(&mut text, unit, number, random);
    }
    let _ = writeln!(text, "void run{unit}(void *p)\n{{\n{calls}}}");
    text
}

/// Static functions that other units have as well: the same, with other const and names, with other types; and functions
/// that are called with the same constant everywhere.
fn helpers(text: &mut String, unit: usize) {
    let noinline = "__attribute__((noinline))";
    let (name, constant) = if unit.is_multiple_of(2) { ("left", "const ") } else { ("right", "") };
    let other = ["int", "long", "unsigned char"][unit % 3];
    let _ = writeln!(
        text,
        "static {noinline} long same(struct t0 *p, long n) {{ sink += n; return (long)p * n; }}\n\
         static {noinline} long renamed({constant}struct t0 *{name}, long n) {{ sink += n; return (long){name} + n; }}\n\
         static {noinline} long other({other} n) {{ sink += n; return n * {unit}; }}\n\
         static {noinline} long changed(int a, long unused, int b) {{ sink += a; return a * b; }}\n\
         __attribute__((weak)) long weak(struct t0 *p) {{ return (long)p + {unit}; }}\n\
         long helpers{unit}(void *p)\n\
         {{ return same(p, {unit}) + renamed(p, 1) + other(3) + changed({unit}, 1, 7) + weak(p); }}",
    );
}

/// A function and, as the result, a call of it.
fn function(text: &mut String, unit: usize, number: usize, random: &mut Random) -> String {
    let (mut parameters, mut body, mut arguments) = (Vec::new(), String::new(), Vec::new());
    for index in 0..random.below(9) {
        let leaf = record(random.below(RECORDS / 4) * 4 / 8 * 8);
        let (ty, argument) = match random.below(12) {
            0..4 => (random.pick(&SCALARS[..10]).to_owned(), "(long)p + 1".to_owned()),
            4..9 => (format!("{leaf} *"), "p".to_owned()),
            9 => ("word_alias_t".to_owned(), "2".to_owned()),
            10 if number.is_multiple_of(9) => ("double".to_owned(), "1.5".to_owned()),
            _ => (leaf.clone(), format!("*({leaf} *)p")),
        };
        let _ = writeln!(body, "\tsink += *(unsigned char *)&a{index};");
        parameters.push(format!("{ty} a{index}"));
        arguments.push(argument);
    }
    let dots = if number % 25 == 3 && !parameters.is_empty() { ", ..." } else { "" };
    let parameters = if parameters.is_empty() { "void".to_owned() } else { parameters.join(", ") };
    let storage = match number % 5 {
        0 => "static __attribute__((noinline)) ",
        1 => "static ",
        _ => "__attribute__((noinline)) ",
    };
    let name = format!("f{unit}_{number}");
    let _ = writeln!(text, "{storage}long {name}({parameters}{dots})\n{{\n{body}");
    let _ = writeln!(text, "\treturn inlined{}((const void *)&sink, sink);\n}}", number % 40);
    format!("\tsink += {name}({});\n", arguments.join(", "))
}

fn main() -> String {
    let mut text = String::from("#include \"types.h\"\nvolatile unsigned long sink;\n");
    let mut calls = String::new();
    for unit in 0..UNITS {
        let _ = writeln!(text, "void run{unit}(void *);\nlong helpers{unit}(void *);");
        let _ = writeln!(calls, "\trun{unit}(memory);\n\tsink += helpers{unit}(memory);");
    }
    text + "static char memory[1 << 20];\nint main(void)\n{\n" + &calls + "\treturn 0;\n}\n"
}
