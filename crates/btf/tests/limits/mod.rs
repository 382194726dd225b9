//! What BTF has no room for gives an error that says so; nothing wraps.

use btfkit_btf::{Aggregate, Btf, Endian, Kind, Member, Param, SecVar, Type, TypeId, WriteError, Writer};
use btfkit_btf::{MAX_STRING_OFFSET, MAX_TYPE_ID};
use std::sync::Arc;

#[test]
fn elements_of_a_record() {
    let members = |count| Aggregate { members: vec![Member::default(); count], ..Aggregate::default() };
    let types: [(Kind, &dyn Fn(usize) -> Type); 6] = [
        (Kind::Struct, &|count| Type::Struct(members(count))),
        (Kind::Union, &|count| Type::Union(members(count))),
        (Kind::Enum, &|count| Type::Enum { name: 0, size: 4, signed: false, values: vec![(0, 0); count] }),
        (Kind::Enum64, &|count| Type::Enum64 { name: 0, size: 8, signed: false, values: vec![(0, 0); count] }),
        (Kind::FuncProto, &|count| Type::FuncProto { ret: TypeId::VOID, params: vec![Param::default(); count] }),
        (Kind::Datasec, &|count| Type::Datasec { name: 0, size: 1, vars: vec![SecVar::default(); count] }),
    ];
    for (kind, make) in types {
        let mut writer = Writer::new(Endian::Little);
        assert_eq!(writer.push(&make(0xffff)), Ok(TypeId(1)));
        let error = WriteError::TooManyElements { id: TypeId(2), kind, count: 0x1_0000 };
        assert_eq!(writer.push(&make(0x1_0000)), Err(error));
        // What was refused has left no trace.
        assert_eq!(writer.push(&Type::Ptr(TypeId(1))), Ok(TypeId(2)));
        let btf = Btf::parse(writer.finish(false)).unwrap();
        assert_eq!((btf.len(), btf.get(TypeId(1))), (2, Some(make(0xffff))));
    }
}

#[test]
fn fields_of_a_record() {
    let mut writer = Writer::new(Endian::Little);
    let func = Type::Func { name: 0, linkage: 0x1_0000, proto: TypeId(1) };
    assert_eq!(writer.push(&func), Err(WriteError::LinkageTooLarge { id: TypeId(1), linkage: 0x1_0000 }));
    let int = Type::Int { name: 0, size: 4, encoding: 0x11, offset: 0, bits: 32 };
    assert_eq!(writer.push(&int), Err(WriteError::EncodingTooLarge { id: TypeId(1), encoding: 0x11 }));
    assert!(writer.is_empty());
}

#[test]
fn type_ids() {
    let mut writer = Writer::new(Endian::Little);
    for _ in 0..MAX_TYPE_ID {
        writer.push(&Type::Ptr(TypeId::VOID)).unwrap();
    }
    assert_eq!((writer.len(), writer.next_id()), (0xf_ffff, TypeId(0x10_0000)));
    let error = WriteError::TooManyTypes { id: 0x10_0000, limit: MAX_TYPE_ID };
    assert_eq!(writer.push(&Type::Ptr(TypeId::VOID)), Err(error));
}

#[test]
fn strings() {
    let mut writer = Writer::new(Endian::Little);
    assert_eq!(writer.string(b"a\0b"), Err(WriteError::NulInString { position: 1 }));
    // One NUL comes first; the last of this string's bytes is the last that an offset can point to.
    let long = vec![b'x'; MAX_STRING_OFFSET as usize - 3];
    assert_eq!(writer.string(&long), Ok(1));
    let limit = MAX_STRING_OFFSET as usize + 1;
    assert_eq!(writer.string(b"yy"), Err(WriteError::StringsTooLong { size: limit + 1, limit }));
    assert_eq!(writer.string(b"y"), Ok(MAX_STRING_OFFSET - 1));
    assert_eq!(writer.string(b"z"), Err(WriteError::StringsTooLong { size: limit + 2, limit }));
    assert_eq!(
        (writer.string(b""), writer.string(b"y"), writer.string(&long)),
        (Ok(0), Ok(MAX_STRING_OFFSET - 1), Ok(1))
    );
    let base = Arc::new(Btf::parse(writer.finish(false)).unwrap());
    // In split BTF the base's strings take up room, too.
    let mut writer = Writer::split(&base);
    assert_eq!(writer.string(b"y"), Ok(MAX_STRING_OFFSET - 1));
    assert_eq!(writer.string(b"z"), Err(WriteError::StringsTooLong { size: limit + 2, limit }));
}

#[test]
fn strings_are_kept_once_in_the_order_of_first_use() {
    let mut writer = Writer::new(Endian::Big);
    let offsets = ["b", "a", "", "b", "ab", "a"].map(|text| writer.string(text.as_bytes()).unwrap());
    assert_eq!(offsets, [1, 3, 0, 1, 5, 3]);
    let btf = Btf::parse(writer.finish(false)).unwrap();
    assert_eq!(btf.string_section(), b"\0b\0a\0ab\0");
    // An offset into the middle of a string is the rest of it, but not what a look-up gives.
    assert_eq!((btf.string(6), btf.find_string(b"b"), btf.find_string(b"")), (Some(&b"b"[..]), Some(1), Some(0)));
    assert_eq!((btf.string(7), btf.string(8)), (Some(&b""[..]), None));
}
