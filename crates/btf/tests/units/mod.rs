//! The product's deduplication as the encoder runs it: unit by unit, on several classifiers.

use crate::oracle;
use crate::vectors::dedup::parse_like;
use crate::{meaning, notation};
use btfkit_btf::dedup::{BaseTypes, Classifier, Describer, NodeId, TypeGraph, emit};
use btfkit_btf::unit::{ARRAY_INDEX, Local, LocalMember, LocalType, Members, Name, NameRef, UnitTypes, name_hash};
use btfkit_btf::{Btf, Endian, Kind, Type, TypeId, Writer};
use std::convert::Infallible;
use std::ops::Range;
use std::sync::Arc;

/// How the units are put together.
#[derive(Clone, Copy)]
enum Way {
    Usual,
    /// Without a thought of which types could be told apart by their classes.
    ByComparing,
}

/// What came out.
#[derive(PartialEq, Eq)]
struct Deduplicated {
    blob: Vec<u8>,
    /// By id of the input: the id that its unit is given for it.
    ids: Vec<TypeId>,
}

/// Deduplicates a BTF whose units are these ranges of ids, in ascending order; every reference stays inside its unit. The
/// units are dealt out to so many classifiers in turn. Split BTF is put on what its base has.
fn dedup(btf: &Btf, units: &[Range<u32>], classifiers: usize, way: Way) -> Deduplicated {
    dedup_and_count(btf, units, classifiers, way).0
}

/// With how many units had to be described.
fn dedup_and_count(btf: &Btf, units: &[Range<u32>], classifiers: usize, way: Way) -> (Deduplicated, usize) {
    let base = btf.base().map(|base| Arc::new(BaseTypes::of(Arc::clone(base)).unwrap()));
    let classifier = |number| match &base {
        Some(base) => Classifier::on(number, Arc::clone(base)),
        None => Classifier::new(number),
    };
    let mut tables: Vec<_> = (0..classifiers as u32).map(classifier).collect();
    let mut summaries = Vec::new();
    for (number, unit) in units.iter().enumerate() {
        let (types, mut members) = lower(btf, unit);
        summaries.push(tables[number % classifiers].classify(number as u32, &types, &types.order, &mut members));
    }
    let mut described = 0;
    let describe = |describer: Describer<'_>, numbers: &[u32]| {
        described += numbers.len();
        let one = |&number: &u32| {
            let (types, _) = lower(btf, &units[number as usize]);
            describer.describe(number, &types, &types.order)
        };
        Ok::<_, Infallible>(numbers.iter().map(one).collect())
    };
    let Ok(mut graph) = match way {
        Way::Usual => TypeGraph::build(&mut tables, summaries, describe),
        Way::ByComparing => TypeGraph::build_by_comparing(&mut tables, summaries, describe),
    };
    let types = own(&graph);
    let mut nodes = vec![NodeId::VOID; btf.start_id().index()];
    for (number, unit) in units.iter().enumerate() {
        nodes.extend((0..unit.len()).map(|anchor| graph.node(graph.anchor(number as u32, anchor as u32))));
    }
    // Each type that a unit lists has its node already.
    assert_eq!(types, own(&graph));
    let mut writer = btf.base().map_or_else(|| Writer::new(btf.endian()), Writer::split);
    let name = |at: NameRef| btf.string(at.btf_offset().unwrap()).unwrap();
    let (emitted, ()) = emit(&mut graph, &mut writer, name, |_| ()).unwrap();
    assert_eq!(types, own(&graph));
    let ids = nodes.into_iter().map(|node| emitted.id(node)).collect();
    (Deduplicated { blob: writer.finish(false), ids }, described)
}

/// How many types the graph has that a base has not.
fn own(graph: &TypeGraph) -> usize {
    (1..graph.len() as u32).filter(|&node| graph.in_base(NodeId(node)).is_none()).count()
}

/// Whether the program becomes what the oracle makes of it, and each type of each unit the same type there; in both
/// ways, and on any number of classifiers in the same bytes.
pub fn compare_with_oracle(input: &Btf, units: &[Range<u32>]) -> Result<(), String> {
    let (oracle, became) = oracle::dedup_and_map(input).map_err(|error| format!("{error:?}"))?;
    let oracle = parse_like(input, oracle);
    let one = dedup(input, units, 1, Way::Usual);
    for classifiers in [2, 3] {
        if dedup(input, units, classifiers, Way::Usual) != one {
            return Err(format!("{classifiers} classifiers give something else"));
        }
    }
    for found in [one, dedup(input, units, 2, Way::ByComparing)] {
        let output = parse_like(input, found.blob);
        meaning::compare(&output, &oracle)?;
        let rounds = output.end_id().index();
        let [ours, theirs] = [&output, &oracle].map(|btf| meaning::meanings(btf, rounds));
        let alike = |id: &TypeId| ours[found.ids[id.index()].index()] == theirs[became[id.index()].index()];
        if let Some(id) = input.types().map(|(id, _)| id).find(|id| !alike(id)) {
            return Err(format!("type {id} of the input has become another type"));
        }
    }
    Ok(())
}

/// One table has both, by hashes of which a look-up compares only some bits: it meets many that are neither of its kind nor
/// of its name.
#[test]
fn functions_and_tags_of_a_base_are_found_among_one_another() {
    const COUNT: u32 = 600;
    let functions = (0..COUNT).map(|n| format!("[{}] FUNC 'f{n}' static -> 2\n", 3 + n));
    let tags = (0..COUNT).map(|n| format!("[{}] DECL_TAG 't{n}' -> {} idx=-1\n", 3 + COUNT + n, 3 + n));
    let text = ["[1] INT 'int' size=4 bits=32 signed\n", "[2] FUNC_PROTO ret=1 ('p':1)\n"].map(str::to_owned);
    let text: String = text.into_iter().chain(functions.chain(tags)).collect();
    let btf = Btf::parse(notation::blob(&text, Endian::Little, None)).unwrap();
    let base = BaseTypes::of(Arc::new(btf)).unwrap();
    let hash = |letter: char, n: u32| name_hash(format!("{letter}{n}").as_bytes());
    for n in 0..4 * COUNT {
        let function = (n < COUNT).then_some(TypeId(3 + n));
        assert_eq!(base.find_function(hash('f', n), 0, TypeId(2)), function, "{n}");
        assert_eq!(base.find_function(hash('f', n), 1, TypeId(2)), None, "{n}");
        let tagged = TypeId(3 + n % COUNT);
        let tag = (n < COUNT).then_some(TypeId(3 + COUNT + n));
        assert_eq!(base.find_tag(hash('t', n), tagged, -1), tag, "{n}");
        assert_eq!(base.find_tag(hash('t', n), tagged, 0), None, "{n}");
    }
}

#[test]
fn what_a_unit_lists_is_enough_unless_it_has_two_types_of_a_name() {
    let base = "[1] INT 'int' size=4 bits=32 signed\n[2] FWD 'node' struct\n[3] PTR -> 2\n\
        [4] STRUCT 'list' size=8 { 'head':3@0 }\n";
    let own = "[5] INT 'int' size=4 bits=32 signed\n[6] STRUCT 'node' size=4 { 'm':5@0 }\n[7] PTR -> 6\n\
        [8] STRUCT 'list' size=8 { 'head':7@0 }\n";
    let second = "[9] FWD 'node' struct\n";
    let base = Arc::new(Btf::parse(notation::blob(base, Endian::Little, None)).unwrap());
    for (own, end, expected) in [(own.to_owned(), 9, 0), (own.to_owned() + second, 10, 1)] {
        let input = Btf::parse_split(notation::blob(&own, Endian::Little, Some(&base)), Arc::clone(&base)).unwrap();
        let unit = 5..end;
        let units = std::slice::from_ref(&unit);
        let (_, described) = dedup_and_count(&input, units, 1, Way::Usual);
        assert_eq!(described, expected, "{own}");
        assert_eq!(compare_with_oracle(&input, units), Ok(()));
    }
}

#[test]
fn what_a_unit_lists_is_enough_where_it_declares_what_the_base_defines_twice() {
    let base = "[1] INT 'int' size=4 bits=32 signed\n[2] STRUCT 'node' size=4 { 'm':1@0 }\n[3] PTR -> 2\n\
        [4] STRUCT 'list' size=8 { 'head':3@0 }\n[5] STRUCT 'node' size=8 { 'm':1@0 'n':1@32 }\n";
    let own = "[6] INT 'int' size=4 bits=32 signed\n[7] FWD 'node' struct\n[8] PTR -> 7\n\
        [9] STRUCT 'list' size=8 { 'head':8@0 }\n[10] STRUCT 'own' size=8 { 'of':8@0 }\n";
    let base = Arc::new(Btf::parse(notation::blob(base, Endian::Little, None)).unwrap());
    let input = Btf::parse_split(notation::blob(own, Endian::Little, Some(&base)), Arc::clone(&base)).unwrap();
    let unit = 6..11;
    let units = std::slice::from_ref(&unit);
    assert_eq!(dedup_and_count(&input, units, 1, Way::Usual).1, 0);
    assert_eq!(compare_with_oracle(&input, units), Ok(()));
}

/// The unit's structs without a name are of one class; what the base has for them matches both, as `struct b` is only
/// declared. The first one is met in `struct d`, the second one by itself.
#[test]
fn structs_without_a_name_may_become_different_ones() {
    let base = "[1] INT 'int' size=4 bits=32 signed\n\
        [2] STRUCT 'd' size=128 { 'm':3@0 }\n[3] PTR -> 4\n[4] STRUCT size=128 { 'm':5@0 }\n[5] PTR -> 6\n\
        [6] STRUCT 'f' size=256 { 'm':7@0 'n':8@1024 }\n[7] PTR -> 9\n[8] ARRAY elem=4 index=1 n=1\n\
        [9] STRUCT 'b' size=4 { 'm':1@0 }\n\
        [10] STRUCT 'f' size=256 { 'm':11@0 'n':12@1024 }\n[11] PTR -> 13\n[12] ARRAY elem=14 index=1 n=1\n\
        [13] STRUCT 'b' size=8 { 'm':1@0 'n':1@32 }\n[14] STRUCT size=128 { 'm':15@0 }\n[15] PTR -> 10\n";
    let own = "[16] INT 'int' size=4 bits=32 signed\n\
        [17] STRUCT 'd' size=128 { 'm':18@0 }\n[18] PTR -> 19\n[19] STRUCT size=128 { 'm':20@0 }\n[20] PTR -> 21\n\
        [21] STRUCT 'f' size=256 { 'm':22@0 'n':23@1024 }\n[22] PTR -> 24\n[23] ARRAY elem=25 index=16 n=1\n\
        [24] FWD 'b' struct\n[25] STRUCT size=128 { 'm':20@0 }\n";
    let base = Arc::new(Btf::parse(notation::blob(base, Endian::Little, None)).unwrap());
    let input = Btf::parse_split(notation::blob(own, Endian::Little, Some(&base)), Arc::clone(&base)).unwrap();
    let unit = 16..26;
    assert_eq!(compare_with_oracle(&input, std::slice::from_ref(&unit)), Ok(()));
}

/// The members of a unit's types, each type's from where its references are.
struct AllMembers(Vec<LocalMember>);

impl Members for AllMembers {
    fn members(&mut self, unit: &UnitTypes, local: Local, into: &mut Vec<LocalMember>) {
        let t = &unit.types[local as usize];
        into.extend_from_slice(&self.0[t.first as usize..][..t.count as usize]);
    }
}

fn lower(btf: &Btf, unit: &Range<u32>) -> (UnitTypes, AllMembers) {
    let mut types = UnitTypes::default();
    types.clear();
    let local = |id: TypeId| {
        assert!(id.is_void() || unit.contains(&id.0));
        if id.is_void() { 0 } else { id.0 - unit.start + 1 }
    };
    let name = |offset: u32| match btf.string(offset).unwrap() {
        [] => Name::NONE,
        text => Name { hash: name_hash(text), at: NameRef::in_btf(offset) },
    };
    let member = |text: u32, value: u64, ty: TypeId| LocalMember { name: name(text), value, ty: local(ty) };
    let mut members = Vec::new();
    for id in unit.clone() {
        let ty = btf.get(TypeId(id)).unwrap();
        let first = members.len() as u32;
        let mut new = LocalType { kind: ty.kind(), name: name(ty.name()), first, at: id, ..LocalType::default() };
        match &ty {
            Type::Int { size, encoding, offset, bits, .. } => {
                new.size = *size;
                new.word = u32::from(*encoding) << 24 | u32::from(*offset) << 16 | u32::from(*bits);
            }
            Type::Ptr(target) | Type::Const(target) | Type::Volatile(target) => new.target = local(*target),
            Type::Typedef { ty, .. } => new.target = local(*ty),
            Type::Array { elem, index, nelems } => {
                (new.target, new.size) = (local(*elem), *nelems);
                let mut index = member(0, 0, *index);
                // A base does not say which of a unit's types that is.
                if btf.base().is_some() {
                    index.ty = ARRAY_INDEX;
                }
                members.push(index);
            }
            Type::Struct(body) | Type::Union(body) => {
                (new.size, new.flag) = (body.size, body.kind_flag);
                members.extend(body.members.iter().map(|one| member(one.name, one.offset.into(), one.ty)));
            }
            Type::Enum { size, signed, values, .. } => {
                (new.size, new.flag) = (*size, *signed);
                members.extend(values.iter().map(|(text, value)| member(*text, u64::from(*value), TypeId::VOID)));
            }
            Type::Fwd { union, .. } => new.flag = *union,
            Type::Func { linkage, proto, .. } => (new.word, new.target) = (*linkage, local(*proto)),
            Type::FuncProto { ret, params } => {
                new.target = local(*ret);
                members.extend(params.iter().map(|one| member(one.name, 0, one.ty)));
            }
            other => unreachable!("programs have no {other:?}"),
        }
        new.count = members.len() as u32 - first;
        for m in &members[first as usize..] {
            if new.kind != Some(Kind::Array) {
                new.content.add(m.name.hash, m.value);
            }
            types.references.push(m.ty);
        }
        types.types.push(new);
        types.order.push(id - unit.start + 1);
    }
    (types, AllMembers(members))
}
