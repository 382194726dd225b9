//! Blobs byte for byte, as libbpf makes them (but with the header of 24 bytes where nothing needs a longer one).

use btfkit_btf::dump::Dump;
use btfkit_btf::{Aggregate, Btf, Endian, Member, Type, TypeId, Writer, encoding};
use std::sync::Arc;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: String = hex.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn int(writer: &mut Writer) -> Type {
    let name = writer.string(b"int").unwrap();
    Type::Int { name, size: 4, encoding: encoding::SIGNED, offset: 0, bits: 32 }
}

fn aggregate(writer: &mut Writer, name: &str, size: u32, kind_flag: bool, members: &[(&str, u32, u32)]) -> Aggregate {
    let name = writer.string(name.as_bytes()).unwrap();
    let member = |&(name, ty, offset): &(&str, u32, u32)| Member {
        name: writer.string(name.as_bytes()).unwrap(),
        ty: TypeId(ty),
        offset,
    };
    Aggregate { name, size, kind_flag, members: members.iter().map(member).collect() }
}

/// An int and a struct with a bitfield.
fn two_types(endian: Endian) -> Vec<u8> {
    let mut writer = Writer::new(endian);
    let int = int(&mut writer);
    assert_eq!(writer.push(&int), Ok(TypeId(1)));
    let members = [("a", 1, Member::bitfield_offset(0, 0)), ("b", 1, Member::bitfield_offset(32, 3))];
    let body = aggregate(&mut writer, "s", 8, true, &members);
    assert_eq!(writer.push(&Type::Struct(body)), Ok(TypeId(2)));
    writer.finish(false)
}

#[test]
fn two_types_in_little_endian() {
    let expected = "
        9feb0100 18000000 00000000 34000000 34000000 0b000000
        01000000 00000001 04000000 20000001 05000000 02000084 08000000 07000000
        01000000 00000000 09000000 01000000 20000003 00696e74 00730061 006200";
    assert_eq!(two_types(Endian::Little), bytes(expected));
}

#[test]
fn two_types_in_big_endian() {
    let expected = "
        eb9f0100 00000018 00000000 00000034 00000034 0000000b
        00000001 01000000 00000004 01000020 00000005 84000002 00000008 00000007
        00000001 00000000 00000009 00000001 03000020 00696e74 00730061 006200";
    assert_eq!(two_types(Endian::Big), bytes(expected));
}

#[test]
fn an_int_with_a_layout_section() {
    let mut writer = Writer::new(Endian::Little);
    let int = int(&mut writer);
    writer.push(&int).unwrap();
    let expected = "
        9feb0100 20000000 00000000 10000000 60000000 05000000 10000000 50000000
        01000000 00000001 04000000 20000001 00000000 04000000 00000000 0c000000
        000c0000 000c0000 00080000 00000000 00000000 00000000 00000000 00000000
        00000000 00080000 04000000 000c0000 00000000 04000000 00000000 000c0000
        00696e74 00";
    let blob = writer.finish(true);
    assert_eq!(blob, bytes(expected));
    assert_eq!(Dump(&Btf::parse(blob).unwrap()).to_string(), "[1] INT 'int' size=4 bits=32 signed\n");
}

#[test]
fn three_levels_of_split_btf() {
    let mut writer = Writer::new(Endian::Little);
    let int = int(&mut writer);
    writer.push(&int).unwrap();
    writer.push(&Type::Ptr(TypeId(1))).unwrap();
    let body = aggregate(&mut writer, "s1", 4, false, &[("f1", 1, 0)]);
    writer.push(&Type::Struct(body)).unwrap();
    let blob = writer.finish(false);
    let expected = "
        9feb0100 18000000 00000000 34000000 34000000 0b000000
        01000000 00000001 04000000 20000001 00000000 00000002 01000000 05000000
        01000004 04000000 08000000 01000000 00000000 00696e74 00733100 663100";
    assert_eq!(blob, bytes(expected));
    let base = Arc::new(Btf::parse(blob).unwrap());

    let mut writer = Writer::split(&base);
    let body = aggregate(&mut writer, "s2", 16, false, &[("f1", 3, 0), ("f2", 1, 32), ("f3", 2, 64)]);
    assert_eq!(writer.push(&Type::Struct(body)), Ok(TypeId(4)));
    let blob = writer.finish(false);
    let expected = "
        9feb0100 18000000 00000000 30000000 30000000 09000000
        0b000000 03000004 10000000 08000000 03000000 00000000 0e000000 01000000
        20000000 11000000 02000000 40000000 73320066 32006633 00";
    assert_eq!(blob, bytes(expected));
    let split = Arc::new(Btf::parse_split(blob, Arc::clone(&base)).unwrap());

    let mut writer = Writer::split(&split);
    let body = aggregate(&mut writer, "u1", 16, false, &[("f1", 4, 0), ("uf2", 1, 0)]);
    assert_eq!(writer.push(&Type::Union(body)), Ok(TypeId(5)));
    let blob = writer.finish(false);
    let expected = "
        9feb0100 18000000 00000000 24000000 24000000 07000000
        14000000 02000005 10000000 08000000 04000000 00000000 17000000 01000000
        00000000 75310075 663200";
    assert_eq!(blob, bytes(expected));
    let third = Btf::parse_split(blob, Arc::clone(&split)).unwrap();
    assert_eq!(Dump(&third).to_string(), "[5] UNION 'u1' size=16 { 'f1':4@0, 'uf2':1@0 }\n");
    // The base knows nothing of what stands on it; what stands on it knows all of the base.
    assert_eq!(base.get(TypeId(4)), None);
    assert_eq!(third.get(TypeId(1)), base.get(TypeId(1)));
    assert_eq!(third.find_string(b"int"), Some(1));
    assert_eq!((third.find_string(b"s2"), third.find_string(b"uf2")), (Some(0x0b), Some(0x17)));
    assert_eq!(third.find_string(b"f"), None);
}
