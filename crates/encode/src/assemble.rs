//! The last stages: types, functions, variables and sections as records of one BTF.

use crate::place::Section;
use crate::scratch::Spare;
use crate::select::Selected;
use btfkit_btf::dedup::{BadName, BaseTypes, Emitted, Meaning, NodeId, TypeGraph, emit};
use btfkit_btf::unit::{NameRef, name_hash};
use btfkit_btf::{Endian, Kind, Param, SecVar, Type, TypeId, WriteError, Writer, linkage};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Flags of a kfunc (`include/linux/btf.h`).
const KF_FASTCALL: u32 = 1 << 12;
const KF_ARENA_RET: u32 = 1 << 13;
const KF_ARENA_ARG1: u32 = 1 << 14;
const KF_ARENA_ARG2: u32 = 1 << 15;

pub(crate) struct Assembled {
    pub bytes: Vec<u8>,
    pub types: u32,
    /// By kind, in the order of the kinds' numbers; kinds that do not occur are absent.
    pub counts: Vec<(Kind, u32)>,
    pub bad_names: Vec<BadName>,
    /// Kfuncs that say they take or give an arena pointer where their prototype has none.
    pub no_arena_pointers: Vec<String>,
}

pub(crate) struct Layout {
    pub endian: Endian,
    pub attributes: bool,
    pub layout: bool,
}

pub(crate) fn assemble<'n>(
    mut graph: TypeGraph,
    functions: &[Selected<'_, '_>],
    sections: &[Section<'_>],
    name_of: impl Fn(NameRef) -> &'n [u8] + Sync,
    layout: &Layout,
    spare: &Spare,
) -> Result<Assembled, WriteError> {
    // Everything that is referred to must have its node before the types are written.
    let protos: Vec<_> = functions.iter().map(|f| graph.node(f.proto)).collect();
    let variables: Vec<Vec<_>> = sections
        .iter()
        .map(|section| {
            let meaning = |ty: Option<u32>, group| ty.map(|ty| graph.anchor(group, ty));
            section.variables.iter().map(|v| meaning(v.variable.ty, v.group)).collect::<Vec<Option<Meaning>>>()
        })
        .collect();
    let variables: Vec<Vec<_>> =
        variables.into_iter().map(|list| list.into_iter().map(|m| m.map(|m| graph.node(m))).collect()).collect();
    let base = graph.base().map(Arc::clone);
    let mut writer = match &base {
        Some(base) => Writer::split(base.btf()),
        None => Writer::new(layout.endian),
    };
    // Those that the base has are known later, and their names are not needed.
    let named = if base.is_some() { &[] } else { functions };
    let names = |writer: &mut Writer| -> Result<Vec<u32>, WriteError> {
        writer.reserve_strings(named.len());
        named.iter().map(|function| writer.hashed_string(function.name, function.hash)).collect()
    };
    let (emitted, names) = emit(&mut graph, &mut writer, &name_of, names)?;
    let names = names?;
    let mut no_arena_pointers = Vec::new();
    let mut arena_types = ArenaTypes::default();
    for (number, (function, &proto)) in functions.iter().zip(&protos).enumerate() {
        let arena = function
            .kfunc
            .filter(|flags| layout.attributes && flags & (KF_ARENA_RET | KF_ARENA_ARG1 | KF_ARENA_ARG2) != 0);
        let proto_id = match arena {
            Some(flags) => {
                let (wrong, made) = (&mut no_arena_pointers, &mut arena_types);
                arena_prototype(function, flags, &mut graph, proto, &emitted, &mut writer, &name_of, wrong, made)?
            }
            None => emitted.id(proto),
        };
        let known = base.as_ref().and_then(|base| base.find_function(function.hash, linkage::STATIC, proto_id));
        let id = match known {
            Some(id) => id,
            None => {
                let name = match names.get(number) {
                    Some(&name) => name,
                    None => writer.hashed_string(function.name, function.hash)?,
                };
                writer.push(&Type::Func { name, linkage: linkage::STATIC, proto: proto_id })?
            }
        };
        let base = base.as_ref().filter(|_| known.is_some());
        for &(component, text) in function.tags {
            if component < graph.count(proto) as i32 {
                tag(&mut writer, base, name_of(text.at), id, component)?;
            }
        }
        if let Some(flags) = function.kfunc {
            tag(&mut writer, base, b"bpf_kfunc", id, -1)?;
            if flags & KF_FASTCALL != 0 {
                tag(&mut writer, base, b"bpf_fastcall", id, -1)?;
            }
        }
    }
    for (section, nodes) in sections.iter().zip(&variables) {
        let mut vars = Vec::with_capacity(nodes.len());
        for (v, node) in section.variables.iter().zip(nodes) {
            let ty = node.map_or(TypeId::VOID, |node| emitted.id(node));
            if ty == TypeId::VOID {
                continue;
            }
            let name = writer.string(v.name)?;
            let linkage = if v.variable.external { linkage::GLOBAL } else { linkage::STATIC };
            let var = writer.push(&Type::Var { name, ty, linkage })?;
            for text in &v.variable.tags {
                tag(&mut writer, None, name_of(text.at), var, -1)?;
            }
            vars.push(SecVar { var, offset: v.offset, size: v.size });
        }
        if let Some(last) = vars.last() {
            let size = last.offset + last.size;
            let name = writer.string(section.name)?;
            writer.push(&Type::Datasec { name, size, vars })?;
        }
    }
    spare.recycle(graph);
    let (types, counts) = (writer.len() as u32, writer.counts().collect());
    let bytes = writer.finish(layout.layout);
    Ok(Assembled { bytes, types, counts, bad_names: emitted.bad_names, no_arena_pointers })
}

/// Tags a type, unless it is one of the base that is tagged so already.
fn tag(
    writer: &mut Writer,
    base: Option<&Arc<BaseTypes>>,
    text: &[u8],
    ty: TypeId,
    component: i32,
) -> Result<(), WriteError> {
    if base.is_some_and(|base| base.find_tag(name_hash(text), ty, component).is_some()) {
        return Ok(());
    }
    let value = writer.string(text)?;
    writer.push(&Type::DeclTag { value, ty, component, attribute: false })?;
    Ok(())
}

/// Types that were made for arena pointers, so that equal ones are made once.
#[derive(Default)]
struct ArenaTypes {
    /// By pointee.
    pointers: FxHashMap<TypeId, TypeId>,
    prototypes: FxHashMap<Type, TypeId>,
}

#[expect(clippy::too_many_arguments, reason = "all that a record depends on, for one rare kind of record")]
/// A prototype of its own for a kfunc with pointers into an arena: the pointee gets an address space attribute.
fn arena_prototype<'n>(
    function: &Selected<'_, '_>,
    flags: u32,
    graph: &mut TypeGraph,
    proto: NodeId,
    emitted: &Emitted,
    writer: &mut Writer,
    name_of: &impl Fn(NameRef) -> &'n [u8],
    wrong: &mut Vec<String>,
    made: &mut ArenaTypes,
) -> Result<TypeId, WriteError> {
    let base = graph.base().map(|base| Arc::clone(base.btf()));
    let in_base = |id: TypeId| base.as_ref().and_then(|btf| btf.get(id));
    // Result and parameters, and for each what it points to.
    let (mut ids, mut names, mut pointees) = (Vec::new(), Vec::new(), Vec::new());
    let pointee = |ty: Option<Type>| match ty {
        Some(Type::Ptr(to)) => Some(to),
        _ => None,
    };
    if let Some(Type::FuncProto { ret, params }) = graph.in_base(proto).and_then(in_base) {
        ids.push(ret);
        ids.extend(params.iter().map(|p| p.ty));
        names.extend(params.iter().map(|p| p.name));
        pointees.extend(ids.iter().map(|&id| pointee(in_base(id))));
    } else {
        let (mut members, mut none) = (Vec::new(), Vec::new());
        let ret = graph.view(proto, &mut members).target;
        for node in std::iter::once(ret).chain(members.iter().map(|m| m.ty)) {
            ids.push(emitted.id(node));
            pointees.push(match graph.in_base(node) {
                Some(id) => pointee(in_base(id)),
                None if node == NodeId::VOID => None,
                None => {
                    let view = graph.view(node, &mut none);
                    (view.kind == Kind::Ptr).then(|| emitted.id(view.target))
                }
            });
        }
        for m in &members {
            names.push(if m.name.is_none() { 0 } else { writer.string(name_of(m.name.at))? });
        }
    }
    for (flag, place) in [(KF_ARENA_RET, 0), (KF_ARENA_ARG1, 1), (KF_ARENA_ARG2, 2)] {
        if flags & flag == 0 {
            continue;
        }
        let Some(pointee) = pointees.get(place).copied().flatten() else {
            let which = if place == 0 { "result".to_owned() } else { format!("parameter {place}") };
            let name = String::from_utf8_lossy(function.name);
            wrong.push(format!("kfunc {name} is flagged to have an arena pointer as its {which}, which is no pointer"));
            continue;
        };
        ids[place] = match made.pointers.get(&pointee) {
            Some(&pointer) => pointer,
            None => {
                let value = writer.string(b"address_space(1)")?;
                let space = writer.push(&Type::TypeTag { value, ty: pointee, attribute: true })?;
                let pointer = writer.push(&Type::Ptr(space))?;
                made.pointers.insert(pointee, pointer);
                pointer
            }
        };
    }
    let params = names.into_iter().zip(&ids[1..]).map(|(name, &ty)| Param { name, ty }).collect();
    let proto = Type::FuncProto { ret: ids[0], params };
    if let Some(&known) = made.prototypes.get(&proto) {
        return Ok(known);
    }
    let id = writer.push(&proto)?;
    made.prototypes.insert(proto, id);
    Ok(id)
}
