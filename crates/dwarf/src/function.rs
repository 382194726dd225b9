//! Functions: which are noted, what they are called with, and what the places of their parameters say.
//!
//! A function may have several entries in a unit: an abstract one with names and types, and concrete ones with
//! addresses and locations that refer to it. All count, each as an instance of its own; who encodes decides between them.

use crate::codes::Table;
use crate::entry::{Class, Entry};
use crate::location::Place;
use crate::lower::{Carrier, Children, Context, Frame, Lowering, NOTHING, OpenFunction};
use crate::plan::{Attr, Role};
use crate::sections::Bytes;
use crate::{Facts, Function};
use btfkit_btf::Kind;
use btfkit_btf::prefetch::prefetch;
use btfkit_btf::unit::{ARRAY_INDEX, Local, LocalMember, LocalType, Name, VOID};
use gimli::constants as dw;

/// An entry of a function, as it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawFunction {
    pub at: u32,
    pub context: u32,
    pub symbol: Option<u32>,
    pub ty: u32,
    pub address: Option<u64>,
    pub declaration: bool,
    pub inline: bool,
    /// DW_AT_calling_convention is DW_CC_nocall.
    pub no_call: bool,
    pub origin: u32,
    pub specification: u32,
    pub variadic: bool,
    pub first: u32,
    pub count: u32,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct RawParameter {
    pub at: u32,
    pub number: u32,
    pub name: Name,
    pub ty: u32,
    pub origin: u32,
    pub location: Option<(Class, u64, u32)>,
    pub constant: bool,
    /// Filled in when the function is settled.
    settled: Settled,
}

#[derive(Debug, Clone, Copy, Default)]
struct Settled {
    ty: Local,
    size: u64,
    located: bool,
    constant: bool,
    place: Place,
    optimized: bool,
    unexpected: bool,
    /// The member that is all that is passed of an aggregate.
    only_member: Option<(Name, Local)>,
}

/// Whether the function whose name is at an offset of `.debug_str` has a symbol.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownFunction {
    offset: u32,
    /// Number of the symbol + 1, or 0.
    symbol: u32,
}

const NOT_RECENT: u32 = u32::MAX;

/// Functions that are remembered: one for so many bytes of entries, and in a kernel as many as stay in the cache.
const BYTES_PER_RECENT: u64 = 256;
const MOST_RECENT: u64 = 1 << 15;

/// How far a function's name is looked for through references.
const ORIGINS: usize = 4;

impl Lowering<'_> {
    pub(crate) fn subprogram(&mut self, context: &Context, entry: &Entry, offset: u32) -> Children {
        let (name, symbol) = self.function_name(context, entry);
        let declaration = entry.has(Attr::Declaration);
        if let (true, Some(symbol)) = (declaration, symbol) {
            self.program.declares(symbol);
        }
        let address = self.address(context, entry, Attr::LowPc);
        let function = RawFunction {
            at: offset,
            context: self.contexts.len() as u32 - 1,
            symbol,
            ty: self.reference(context, entry, Attr::Type),
            address,
            declaration,
            inline: entry.number(Attr::Inline).is_some_and(|v| v != 0),
            no_call: entry.number(Attr::CallingConvention) == Some(dw::DW_CC_nocall.0 as u64),
            origin: self.reference(context, entry, Attr::Origin),
            specification: self.reference(context, entry, Attr::Specification),
            variadic: false,
            first: 0,
            count: 0,
        };
        let refers = function.origin != NOTHING || function.specification != NOTHING;
        // Whoever has neither a symbol nor the name of another entry is of no use.
        let kept = symbol.is_some() || name.is_none() && refers;
        if !kept && !declaration && !name.is_none() && address.is_some() {
            self.lowered.unlisted.push(name);
        }
        if kept {
            self.gnu_chain(context, entry, Carrier::Function(offset, -1));
        }
        let first = self.pending_parameters().len() as u32;
        self.open_functions.push(OpenFunction { function, first, count: 0 });
        Children::Frame(Frame::Function { kept })
    }

    /// Name and symbol. Units include the same inline functions: what was looked up lately is likely to come again.
    fn function_name(&mut self, context: &Context, entry: &Entry) -> (Name, Option<u32>) {
        let Some((Class::Str, offset)) = entry.get(Attr::Name) else {
            let name = self.name_by_bytes(context, entry, Attr::Name);
            return (name, self.symbol_of(name));
        };
        if self.recent_functions.is_empty() {
            let count = (self.info_len / BYTES_PER_RECENT).clamp(1, MOST_RECENT).next_power_of_two();
            self.recent_functions.resize(count as usize, KnownFunction { offset: NOT_RECENT, symbol: 0 });
        }
        let slot = self.recent_slot(offset as u32);
        if let Some(known) = self.recent_functions.get(slot)
            && known.offset == offset as u32
            && offset < NOT_RECENT as u64
        {
            return (crate::names::at_str_offset(offset), known.symbol.checked_sub(1));
        }
        let name = self.name_by_bytes(context, entry, Attr::Name);
        let symbol = self.symbol_of(name);
        if !name.is_none() && offset < NOT_RECENT as u64 {
            let symbol = symbol.map_or(0, |symbol| symbol + 1);
            self.recent_functions[slot] = KnownFunction { offset: offset as u32, symbol };
        }
        (name, symbol)
    }

    fn recent_slot(&self, offset: u32) -> usize {
        offset.wrapping_mul(0x9e37_79b9) as usize >> 16 & self.recent_functions.len().wrapping_sub(1)
    }

    /// Calls for what will be asked of the name of the function at `at`, if there is one. Functions stand side by side,
    /// and their names in no order: each was waited for.
    pub(crate) fn call_for_function(&self, table: &Table<'_>, bytes: Bytes<'_>, mut at: usize) {
        if let Ok(code) = bytes.uleb(&mut at)
            && let Some(plan) = table.get(code).filter(|plan| plan.role == Role::Function)
            && let Some(offset) = plan.name_at.and_then(|name_at| bytes.u32(at + name_at as usize).ok())
        {
            prefetch(&self.recent_functions, self.recent_slot(offset) as u64);
            prefetch(self.sections.str.data, offset as u64);
        }
    }

    fn symbol_of(&self, name: Name) -> Option<u32> {
        if name.is_none() { None } else { self.program.function(name.hash) }
    }

    /// An address in one of its forms.
    fn address(&mut self, context: &Context, entry: &Entry, attr: Attr) -> Option<u64> {
        match entry.get(attr)? {
            (Class::Address, value) => Some(value),
            (Class::AddressIndex, index) => self.indexed_address(context, index),
            _ => None,
        }
    }

    /// An entry of the unit's part of `.debug_addr`.
    pub(crate) fn indexed_address(&mut self, context: &Context, index: u64) -> Option<u64> {
        let size = context.unit.encoding.address_size;
        let at = context.addr_base.checked_add(index.checked_mul(size as u64)?)?;
        let bytes = crate::sections::Bytes::new(self.sections.addr.data, self.sections.big_endian);
        let raw = bytes.sized(usize::try_from(at).ok()?, size).ok()?;
        match &mut self.addr {
            None => Some(raw),
            Some(relocations) => relocations.value(at, size, raw).ok(),
        }
    }

    pub(crate) fn formal_parameter(&mut self, context: &Context, entry: &Entry, offset: u32) -> Children {
        let (of, number) = match (self.parent(), self.open_functions.last()) {
            (Some(Frame::Function { .. }), Some(open)) => (open.function.at, open.count),
            (Some(Frame::Prototype), _) => {
                let name = self.name(context, entry, Attr::Name);
                let ty = self.reference(context, entry, Attr::Type);
                self.add_parameter(name, ty);
                return Children::None;
            }
            _ => return Children::None,
        };
        let location = entry.get(Attr::Location).map(|(class, value)| match entry.block(Attr::Location) {
            Some((at, length)) => (class, at as u64, length as u32),
            None => (class, value, 0),
        });
        let parameter = RawParameter {
            at: offset,
            number,
            name: self.name(context, entry, Attr::Name),
            ty: self.reference(context, entry, Attr::Type),
            origin: self.reference(context, entry, Attr::Origin),
            location,
            constant: entry.has(Attr::ConstValue),
            settled: Settled::default(),
        };
        self.pending_parameters().push(parameter);
        if let Some(open) = self.open_functions.last_mut() {
            open.count += 1;
        }
        let carrier = Carrier::Function(of, number as i32);
        self.gnu_chain(context, entry, carrier);
        Children::Frame(Frame::Annotated(carrier))
    }

    pub(crate) fn unspecified_parameters(&mut self) {
        match (self.parent().copied(), self.open_functions.last_mut()) {
            (Some(Frame::Function { .. }), Some(open)) => open.function.variadic = true,
            (Some(Frame::Prototype), _) => self.add_parameter(Name::NONE, NOTHING),
            _ => {}
        }
    }

    pub(crate) fn close_function(&mut self, kept: bool) {
        let Some(open) = self.open_functions.pop().filter(|_| kept) else { return };
        let first = self.parameters.len() as u32;
        let mut pending = std::mem::take(self.pending_parameters());
        self.parameters.extend_from_slice(&pending[open.first as usize..]);
        pending.truncate(open.first as usize);
        *self.pending_parameters() = pending;
        let count = self.parameters.len() as u32 - first;
        self.functions.push(RawFunction { first, count, ..open.function });
    }

    pub(crate) fn settle_functions(&mut self) {
        let mut functions = std::mem::take(&mut self.functions);
        let mut parameters = std::mem::take(&mut self.parameters);
        let mut by_entry: Vec<(u32, u32)> = functions.iter().zip(0..).map(|(f, i)| (f.at, i)).collect();
        by_entry.sort_unstable();
        let mut parameter_by_entry: Vec<(u32, u32)> = parameters.iter().zip(0..).map(|(p, i)| (p.at, i)).collect();
        parameter_by_entry.sort_unstable();
        let find = |list: &[(u32, u32)], at: u32| {
            list.binary_search_by_key(&at, |&(at, _)| at).ok().map(|found| list[found].1 as usize)
        };
        for f in &mut functions {
            f.ty = self.local(f.ty, f.at);
        }
        for k in 0..functions.len() {
            self.settle_parameters(k, &functions, &mut parameters, &|at| find(&parameter_by_entry, at));
        }
        for k in 0..functions.len() {
            let chain = origins(&functions, k, &|at| find(&by_entry, at));
            let f = functions[k];
            let Some(symbol) = chain.iter().flatten().find_map(|&o| functions[o].symbol) else { continue };
            if f.declaration {
                continue;
            }
            // What an instance does not say, its origin does.
            let ty = chain.iter().flatten().map(|&o| functions[o].ty).find(|&ty| ty != VOID).unwrap_or(VOID);
            let origin_no_call = chain[1].map(|o| functions[o].no_call);
            let context = self.contexts[f.context as usize];
            let changed =
                context.clang && !f.inline && origin_no_call.filter(|_| f.origin != NOTHING).unwrap_or(f.no_call);
            let reordered = self.reordered(&f, &parameters, &|at| find(&parameter_by_entry, at));
            let own = &mut parameters[f.first as usize..][..f.count as usize];
            self.analyze(&context, own, changed);
            let facts =
                Facts { wide_enums: self.wide_enums_in(ty, own), ..self.facts(&context, own, changed, reordered) };
            self.function(&f, chain, &functions, symbol, ty, own, facts);
        }
        (self.functions, self.parameters) = (functions, parameters);
    }

    /// Types, names and places of an instance's parameters; places are also noted at the parameters' origins.
    fn settle_parameters(
        &mut self,
        k: usize,
        functions: &[RawFunction],
        parameters: &mut [RawParameter],
        find: &dyn Fn(u32) -> Option<usize>,
    ) {
        let f = functions[k];
        let context = self.contexts[f.context as usize];
        for i in f.first as usize..(f.first + f.count) as usize {
            let p = parameters[i];
            let origin = if p.ty == NOTHING && p.origin != NOTHING { find(p.origin) } else { None };
            let (mut name, mut raw) = (p.name, p.ty);
            if let Some(origin) = origin {
                raw = parameters[origin].ty;
                name = parameters[origin].name;
            }
            let ty = self.local(raw, p.at);
            let size = self.size_of(ty, &context);
            let place = match p.location {
                Some((class, value, length)) => self.place(&context, class, value, length, size),
                None => Place::default(),
            };
            let only_member = match place.only_piece(context.unit.encoding.address_size as u64) {
                Some(offset) => self.member_at(ty, offset),
                None => None,
            };
            let had = p.settled;
            parameters[i].name = name;
            let settled = &mut parameters[i].settled;
            // An instance seen before may have noted its places here.
            settled.ty = ty;
            settled.size = size;
            settled.located = had.located || p.location.is_some();
            settled.constant = had.constant || p.constant;
            settled.place = join(had.place, place);
            settled.only_member = had.only_member.or(only_member);
            if let Some(origin) = origin {
                let shared = parameters[i].settled;
                let at_origin = &mut parameters[origin].settled;
                at_origin.located |= shared.located;
                at_origin.constant |= shared.constant;
                at_origin.place = join(at_origin.place, shared.place);
                if shared.place.register.is_some() {
                    at_origin.place.register = shared.place.register;
                }
                at_origin.only_member = at_origin.only_member.or(shared.only_member);
            }
        }
    }

    /// The member of a struct that starts at that byte.
    fn member_at(&mut self, ty: Local, offset: u64) -> Option<(Name, Local)> {
        let local = self.bare(ty);
        let t = self.types.types.get(local as usize)?;
        if t.kind != Some(Kind::Struct) {
            return None;
        }
        let members = self.members_of_local(local);
        let member = members.iter().find(|m| m.value & 0xffff_ffff == offset * 8)?;
        (!member.name.is_none() && member.ty != VOID).then_some((member.name, member.ty))
    }

    /// Without typedefs and qualifiers.
    pub(crate) fn bare(&self, mut ty: Local) -> Local {
        // Chains were cut to a length that ends.
        while ty != VOID && ty != ARRAY_INDEX {
            let t = &self.types.types[ty as usize];
            match t.kind {
                Some(Kind::Typedef | Kind::Const | Kind::Volatile | Kind::Restrict | Kind::TypeTag) => ty = t.target,
                _ => return ty,
            }
        }
        VOID
    }

    fn reordered(&self, f: &RawFunction, parameters: &[RawParameter], find: &dyn Fn(u32) -> Option<usize>) -> bool {
        let own = &parameters[f.first as usize..][..f.count as usize];
        own.iter().any(|p| {
            p.ty == NOTHING && p.origin != NOTHING && find(p.origin).is_some_and(|o| parameters[o].number != p.number)
        })
    }

    /// Compares the places of parameters with those that the calling convention gives them.
    fn analyze(&self, context: &Context, parameters: &mut [RawParameter], changed: bool) {
        let convention = self.settings.convention;
        let registers = convention.registers as u32;
        let word = context.unit.encoding.address_size as u64;
        let true_signature = self.settings.true_signature && changed;
        let mut next = 0u32;
        let slots_of = |size: u64| match size {
            size if size <= word || !convention.two_registers => 1,
            size => size.div_ceil(word).min(1 << 16) as u32,
        };
        let in_memory = |size: u64| size > if convention.two_registers { 2 * word } else { word };
        for i in 0..parameters.len() {
            let following = parameters.get(i + 1).and_then(|p| p.settled.place.register);
            let p = &mut parameters[i].settled;
            let (slots, memory) = (slots_of(p.size), in_memory(p.size));
            let free = next < registers;
            // Floating point numbers are passed in registers of their own, or on the stack.
            if self.is_float(p.ty) && p.located {
                continue;
            }
            if context.clang && !changed {
                if memory {
                    continue;
                }
                if !free {
                    break;
                }
                let window = (next..next + slots).take_while(|&n| n < registers);
                if let Some(register) = p.place.register {
                    p.unexpected |= !window.map(|n| convention.number(n)).any(|n| n.is_none() || n == Some(register));
                }
                next += slots;
                continue;
            }
            let keeps_slots =
                following.is_some() && next + slots < registers && convention.number(next + slots) == following;
            // What does not fit is copied to the stack, or a pointer to it is passed.
            let mut consumed = match memory {
                true if convention.large_on_stack => 0,
                true => 1,
                false => slots,
            };
            if p.located {
                if true_signature && p.place.constant {
                    p.optimized = true;
                    continue;
                }
                if !free {
                    continue;
                }
                if true_signature && p.place.stack {
                    if memory {
                        continue;
                    }
                    p.unexpected = true;
                } else if p.place.register.is_none() {
                    if true_signature { p.unexpected = true } else { p.optimized = true }
                } else if convention.number(next).is_some_and(|n| Some(n) != p.place.register) {
                    p.unexpected = true;
                } else if true_signature && p.place.pieces() {
                    if p.place.whole_aggregate() {
                        consumed = slots;
                    } else if keeps_slots {
                        p.only_member = None;
                        consumed = slots;
                    } else if let Some((_, ty)) = p.only_member {
                        p.ty = ty;
                        consumed = 1;
                    }
                }
            } else if p.constant && !context.clang {
                p.optimized = true;
            } else if true_signature {
                if free && keeps_slots {
                    consumed = slots;
                } else {
                    p.optimized = true;
                    continue;
                }
            }
            next += consumed;
        }
    }

    fn is_float(&self, ty: Local) -> bool {
        !self.floats.is_empty() && self.floats.binary_search(&self.bare(ty)).is_ok()
    }

    /// Which parameters end in an ENUM64. Spellings do not tell it from an ENUM of that name, prototypes do.
    fn wide_enums_in(&self, ret: Local, parameters: &[RawParameter]) -> u64 {
        if self.wide_enums.is_empty() {
            return 0;
        }
        let ends_wide = |mut ty: Local| {
            // Pointers to pointers, as deep as prototypes are compared.
            for _ in 0..64 {
                ty = self.bare(ty);
                let t = &self.types.types[ty as usize];
                match t.kind {
                    Some(Kind::Ptr | Kind::Array) => ty = t.target,
                    kind => return kind == Some(Kind::Enum64),
                }
            }
            false
        };
        let types = std::iter::once(ret).chain(parameters.iter().map(|p| p.settled.ty));
        types.enumerate().filter(|&(_, ty)| ends_wide(ty)).fold(0, |bits, (i, _)| bits | 1 << (i % 64))
    }

    fn facts(&mut self, context: &Context, parameters: &[RawParameter], changed: bool, reordered: bool) -> Facts {
        let by_value = |ty: Local| {
            let kind = self.types.types[self.bare(ty) as usize].kind;
            kind == Some(Kind::Struct)
        };
        let unexpected = parameters.iter().any(|p| p.settled.unexpected);
        Facts {
            // Structs may take registers in ways that the analysis does not know.
            unexpected_register: unexpected && !parameters.iter().any(|p| by_value(p.settled.ty)),
            optimized_parameters: parameters.iter().any(|p| p.settled.optimized || !p.settled.located),
            reordered_parameters: reordered,
            uncertain_location: self.uncertain(context, parameters),
            signature_changed: changed,
            unnamed_parameter: parameters.iter().any(|p| p.name.is_none()),
            wide_enums: 0,
        }
    }

    /// Is a parameter on the stack whose place there BTF cannot tell?
    ///
    /// Those who read parameters take the stack to be packed with values aligned to a word. What is aligned otherwise
    /// (packed, or to more than a word) is elsewhere.
    fn uncertain(&mut self, context: &Context, parameters: &[RawParameter]) -> bool {
        let convention = self.settings.convention;
        let word = context.unit.encoding.address_size as u64;
        let registers = convention.registers as u64;
        let mut next = 0;
        let mut uncertain = false;
        for (i, p) in parameters.iter().enumerate() {
            let size = p.settled.size;
            let slots = if size <= word || !convention.two_registers { 1 } else { size.div_ceil(word) };
            let large = size > if convention.two_registers { 2 * word } else { word };
            // By reference, where large aggregates are not copied to the stack.
            let by_reference = large && !convention.large_on_stack;
            let needed = if by_reference { 1 } else { slots };
            let on_stack = i as u64 >= registers || next + needed > registers || large && convention.large_on_stack;
            if on_stack && !by_reference || i as u64 >= registers {
                uncertain |= self.oddly_aligned(p.settled.ty, word);
            } else {
                next += needed;
            }
        }
        uncertain
    }

    /// One instance of a function, with its prototypes.
    #[expect(clippy::too_many_arguments, reason = "all of one instance; a struct would be made for this call only")]
    fn function(
        &mut self,
        f: &RawFunction,
        chain: [Option<usize>; ORIGINS],
        functions: &[RawFunction],
        symbol: u32,
        ty: Local,
        parameters: &[RawParameter],
        facts: Facts,
    ) {
        // A parameter that was moved and is nowhere now is not passed.
        let passed = |p: &RawParameter| !facts.reordered_parameters || p.settled.located && !p.settled.optimized;
        let true_proto = (self.settings.true_signature && facts.signature_changed).then(|| {
            let mut real = Vec::new();
            for p in parameters.iter().filter(|p| passed(p) && !p.settled.optimized) {
                match p.settled.only_member {
                    Some((member, ty)) => real.push((self.joined(p.name, member), ty)),
                    None => real.push((p.name, p.settled.ty)),
                }
            }
            self.prototype(f, ty, real.into_iter())
        });
        let source = parameters.iter().filter(|p| passed(p)).map(|p| (p.name, p.settled.ty));
        let proto = self.prototype(f, ty, source);
        // Tags may stand at any entry of the function.
        let mut tags = Vec::new();
        for at in chain.iter().flatten().map(|&o| functions[o].at) {
            for tag in self.tags_on(|on| match on {
                Carrier::Function(on, component) if on == at => Some(component),
                _ => None,
            }) {
                if !tags.contains(&tag) {
                    tags.push(tag);
                }
            }
        }
        self.lowered.functions.push(Function { symbol, address: f.address, proto, true_proto, facts, tags });
    }

    /// `<parameter>__<member>`, for a parameter of which one member is passed.
    fn joined(&mut self, parameter: Name, member: Name) -> Name {
        // Both stand in the source: neither was put together.
        let bytes = |name: Name| crate::names::bytes_of(&self.sections, name.at, |_, _| b"");
        let joined = [bytes(parameter), b"__", bytes(member)].concat();
        let name = crate::names::made(&joined, self.group, self.lowered.made_names.len());
        self.lowered.made_names.push(joined);
        name
    }

    /// A prototype that no entry has, so that no unit lists it.
    fn prototype(&mut self, f: &RawFunction, ret: Local, parameters: impl Iterator<Item = (Name, Local)>) -> u32 {
        let first = self.members.len() as u32;
        self.members.extend(parameters.map(|(name, ty)| LocalMember { name, value: 0, ty }));
        if f.variadic {
            self.members.push(LocalMember::default());
        }
        let count = self.members.len() as u32 - first;
        let local = self.types.types.len() as Local;
        self.made.insert(local, first);
        self.types.types.push(LocalType {
            kind: Some(Kind::FuncProto),
            target: ret,
            count,
            at: f.at,
            ..LocalType::default()
        });
        self.seal_one(local);
        self.lowered.anchors.push(local);
        self.lowered.anchors.len() as u32 - 1
    }
}

fn join(a: Place, b: Place) -> Place {
    Place {
        register: a.register.or(b.register),
        stack: a.stack || b.stack,
        constant: a.constant || b.constant,
        first_pieces: a.first_pieces | b.first_pieces,
        second_pieces: a.second_pieces | b.second_pieces,
    }
}

/// The instance itself and those it refers to, nearest first.
fn origins(functions: &[RawFunction], start: usize, find: &dyn Fn(u32) -> Option<usize>) -> [Option<usize>; ORIGINS] {
    let mut chain = [None; ORIGINS];
    let mut at = Some(start);
    for slot in &mut chain {
        *slot = at;
        at = at.and_then(|k| {
            let f = &functions[k];
            [f.origin, f.specification].into_iter().filter(|&r| r != NOTHING).find_map(find)
        });
    }
    chain
}
