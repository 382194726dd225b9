//! The same tree in every version, size, byte order and form means the same.

use crate::common::*;

/// A little of everything that BTF has, so that each kind of attribute is read.
pub fn program(profile: Profile) -> File {
    let address = u64::from(profile.address);
    let machine_register = |index: usize| {
        let registers: [u8; 2] = match profile.machine {
            X86_64 => [5, 4],
            S390X => [2, 3],
            _ => [0, 1],
        };
        register(registers[index])
    };
    let list = |index| Value::List(vec![machine_register(index), entry_value(9)]);
    let entries = [
        base("int", 4, SIGNED),
        structure("s", 16).with([
            member("a", "int", 0),
            bits_of(profile, "b", 32, 3),
            bits_of(profile, "c", 35, 5),
            member("next", "ps", 8),
        ]),
        pointer("ps", "s").at(DW_AT_byte_size, address),
        enumeration("e", 4, &[("E0", 0), ("E1", 300), ("EN", -1)]),
        array("ai", "int", &[3, 5]),
        typedef("t", "ai"),
        function("f", "int", 0x10)
            .with([parameter("a", "int").location(list(0)), parameter("p", "ps").location(list(1))]),
        variable("v", "t", place(".data..percpu", 8)),
        named(DW_TAG_variable, "e").labelled("").typed("e").declaration(),
    ];
    file(profile)
        .unit(unit("before.c").with([base("char", 1, DW_ATE_unsigned_char)]))
        .unit(unit("one.c").with(entries))
        .section(".data..percpu", 0x8000, 0x100)
        .fun("f", 0x10)
        .object("v", ".data..percpu", 8)
}

fn bits_of(profile: Profile, name: &str, offset: u64, size: u64) -> Entry {
    if profile.version >= 4 {
        return bits(name, "int", offset, size);
    }
    let within = offset % 32;
    let from_top = if profile.big { within } else { 32 - within - size };
    old_bits(name, "int", offset / 32 * 4, from_top, size)
}

const PROGRAM: &str = "
    INT char size=1 bits=8
    INT int size=4 bits=32 signed
    STRUCT s size=16 kflag { a:int@0 b:int@32:3 c:int@35:5 next:*struct s@64 }
    ENUM e size=4 signed { E0=0 E1=300 EN=-1 }
    TYPEDEF t = [15]int
    FUNC f static (a:int p:*struct s) -> int
    VAR v global : t
    DATASEC .data..percpu size=68 { v@8+60 }
";

#[test]
fn every_form_means_the_same() {
    let right = |profile: &Profile| std::panic::catch_unwind(|| _ = program(*profile).encode().expect(PROGRAM)).is_ok();
    let wrong: Vec<Profile> = Profile::all().into_iter().filter(|profile| !right(profile)).collect();
    assert!(wrong.is_empty(), "with these {}: {wrong:#?}", wrong.len());
}
