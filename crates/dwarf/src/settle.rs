//! After the walk: offsets become local ids, and what only the whole group tells is filled in.
//!
//! What BTF cannot say, or what the kernel would refuse a whole BTF for, costs only the type that has it: it is described
//! as well as BTF can, with a diagnostic.

use crate::lower::{Carrier, Context, EXTRA, GnuAnnotation, Hole, Lowering, NOTHING, RawTag, UNRESOLVED, tag_kinds};
use crate::members::{BITFIELD_OFFSET_LIMIT, WIDTH_SHIFT, in_storage};
use crate::names::{FAKE_INT, INT, literal};
use crate::types::SIGNED;
use btfkit_btf::unit::{ARRAY_INDEX, Local, LocalMember, LocalType, Name, VOID};
use btfkit_btf::{Kind, MAX_VLEN};
use rustc_hash::FxHashMap;

/// In bits from the start of the aggregate.
fn offset(m: &LocalMember) -> u64 {
    m.value & 0xffff_ffff
}

fn is_bitfield(m: &LocalMember) -> bool {
    m.value >> WIDTH_SHIFT != 0 || !m.value.is_multiple_of(8)
}

/// Arrays of arrays deeper than this are not looked into: only malformed input has them.
const MAX_DEPTH: u32 = 32;

/// Where a reference led to no type, until [`Lowering::lost_references`].
const LOST: u32 = u32::MAX - 1;

/// Where members have gone, by aggregate and position: elsewhere, or nowhere.
type Moves = FxHashMap<(Local, u32), Option<u32>>;

impl Lowering<'_> {
    pub(crate) fn settle(&mut self) {
        self.index.count();
        self.follow_gnu_chains();
        let real = self.types.types.len() as u32;
        let extra = std::mem::take(&mut self.extra);
        self.types.types.extend_from_slice(&extra);
        self.extra = extra;
        self.resolve(real);
        self.fill_holes();
        self.array_index();
        self.cut_chains();
        self.wide_enums();
        self.copied_names();
        self.unseal();
        self.old_bitfields();
        self.void_parameters();
        self.give_up_large_types();
        let moves = self.aggregates();
        self.decl_tags(&moves);
        self.seal();
        self.settle_variables();
        self.settle_functions();
        self.lowered.types = std::mem::take(&mut self.types);
    }

    /// The local id of a type by the offset of its entry; void where there is none.
    pub(crate) fn local(&mut self, reference: u32, from: u32) -> Local {
        match reference {
            NOTHING => VOID,
            ARRAY_INDEX => ARRAY_INDEX,
            UNRESOLVED => self.unresolved(from),
            offset => match self.index.local(offset) {
                Some(local) => self.stands_for(local),
                None => self.unresolved(from),
            },
        }
    }

    fn unresolved(&mut self, from: u32) -> Local {
        let message = "a reference leads to no type; it is taken as void".to_owned();
        self.diagnose_type(from, "unresolved-reference", message);
        VOID
    }

    fn resolve(&mut self, real: u32) {
        let mut types = std::mem::take(&mut self.types);
        let mut lost = false;
        let mut other = |reference: u32| match reference {
            NOTHING => VOID,
            ARRAY_INDEX => ARRAY_INDEX,
            extra if extra & EXTRA != 0 => real + (extra & !EXTRA),
            _ => {
                lost = true;
                LOST
            }
        };
        self.index.locals(types.references.iter_mut(), &mut other);
        self.chains.clear(types.types.len());
        self.index.targets(&mut types.types, &mut self.chains, &mut other);
        if !self.extra.is_empty() {
            for local in types.order.iter_mut().filter(|local| **local & EXTRA != 0) {
                *local = real + (*local & !EXTRA);
            }
        }
        self.types = types;
        if lost {
            self.lost_references();
        }
        for k in 0..self.holes.len() {
            let hole = self.holes[k];
            let at = self.types.types[hole.local as usize].at;
            self.holes[k].target = match hole.target {
                NOTHING => VOID,
                offset => self.index.local(offset).unwrap_or_else(|| self.unresolved(at)),
            };
        }
        // Where something is wrong, everything is looked at.
        if !self.holes.is_empty()
            || !self.lowered.diagnostics.is_empty()
            || !self.too_large.is_empty()
            || !self.sizeless.is_empty()
        {
            self.care_for_all();
        }
        // Types came in the order in which they ended.
        self.care.sort_unstable();
        self.care.dedup();
    }

    fn care_for_all(&mut self) {
        self.care.clear();
        self.care.extend(1..self.types.types.len() as Local);
    }

    /// Puts void where references lead to no type.
    fn lost_references(&mut self) {
        for local in 1..self.types.types.len() {
            let t = self.types.types[local];
            let mut lost = 0;
            if t.target == LOST {
                self.types.types[local].target = VOID;
                lost += 1;
            }
            let count = self.types.references_of(&t).len();
            for reference in &mut self.types.references[t.first as usize..][..count] {
                if *reference == LOST {
                    *reference = VOID;
                    lost += 1;
                }
            }
            (0..lost).for_each(|_| _ = self.unresolved(t.at));
        }
    }

    /// What an entry that is no type stands for.
    fn stands_for(&self, mut local: Local) -> Local {
        for _ in 0..=self.holes.len() {
            if local == VOID || local == ARRAY_INDEX || self.types.types[local as usize].kind.is_some() {
                return local;
            }
            local = match self.holes.binary_search_by_key(&local, |h| h.local) {
                Ok(found) => self.holes[found].target,
                Err(_) => VOID,
            };
        }
        VOID
    }

    fn fill_holes(&mut self) {
        loop {
            if !self.holes.is_empty() {
                for i in 1..self.types.types.len() {
                    self.types.types[i].target = self.stands_for(self.types.types[i].target);
                }
                for k in 0..self.types.references.len() {
                    self.types.references[k] = self.stands_for(self.types.references[k]);
                }
            }
            // An array of void is no type of BTF: void, too.
            let mut more = false;
            for k in 0..self.care.len() {
                let local = self.care[k];
                let t = self.types.types[local as usize];
                if t.kind == Some(Kind::Array) && t.target == VOID {
                    self.diagnose_type(t.at, "array-of-void", "an array of void is described as void".to_owned());
                    self.types.types[local as usize].kind = None;
                    let place = self.holes.partition_point(|h| h.local < local);
                    self.holes.insert(place, Hole { local, target: VOID });
                    more = true;
                }
            }
            if more {
                self.care_for_all();
            }
            if !more {
                break;
            }
            let types = &self.types.types;
            self.types.order.retain(|&l| types[l as usize].kind.is_some());
        }
    }

    /// The index type of arrays is the program's `int`. A unit in a language without one brings it along.
    fn array_index(&mut self) {
        if self.has_array && !self.has_int {
            let int = crate::types::integer(literal(INT), 4, SIGNED);
            self.types.order.push(self.types.types.len() as Local);
            self.types.types.push(int);
        }
    }

    fn wide_enums(&mut self) {
        for k in 0..self.wide_enums.len() {
            let (local, of) = self.wide_enums[k];
            let of = self.local(of, self.types.types[local as usize].at);
            let underlying = &self.types.types[of as usize];
            let signed = underlying.kind == Some(Kind::Int) && underlying.word & SIGNED != 0;
            self.types.types[local as usize].flag = signed;
        }
    }

    /// A class that is defined away from its declaration has its name there.
    fn copied_names(&mut self) {
        for k in 0..self.copied_names.len() {
            let (local, from) = self.copied_names[k];
            if let Some(declaration) = self.index.local(from) {
                self.types.types[local as usize].name = self.types.types[declaration as usize].name;
            }
        }
    }

    fn old_bitfields(&mut self) {
        for k in 0..self.old_bitfields.len() {
            let old = self.old_bitfields[k];
            let t = self.types.types[old.aggregate as usize];
            let place = (t.first + old.member) as usize;
            let m = self.members[place];
            let width = m.value >> WIDTH_SHIFT;
            let offset = match self.storage_size(m.ty) {
                0 => offset(&m),
                size => in_storage(offset(&m), size, old.bit_offset, width, self.sections.big_endian),
            };
            self.members[place].value = offset | width << WIDTH_SHIFT;
        }
    }

    fn storage_size(&self, ty: Local) -> u64 {
        let end = self.end_of_chain(ty);
        let t = &self.types.types[if end == ARRAY_INDEX { VOID } else { end } as usize];
        match t.kind {
            Some(Kind::Int | Kind::Enum | Kind::Enum64) => t.size as u64,
            _ => 0,
        }
    }

    /// A parameter must have a type; one that is not there counts as an integer. (The last one may stand for dots.)
    fn void_parameters(&mut self) {
        let mut stand_in = None;
        for k in 0..self.care.len() {
            let t = self.types.types[self.care[k] as usize];
            if t.kind != Some(Kind::FuncProto) {
                continue;
            }
            for i in 0..t.count {
                let place = (t.first + i) as usize;
                let m = self.members[place];
                if m.ty != VOID || i + 1 == t.count && m.name.is_none() {
                    continue;
                }
                let ty = *stand_in.get_or_insert_with(|| {
                    let local = self.types.types.len() as Local;
                    self.types.types.push(crate::types::integer(literal(FAKE_INT), 4, 0));
                    self.types.order.push(local);
                    local
                });
                self.members[place].ty = ty;
                self.diagnose_type(
                    t.at,
                    "void-parameter",
                    "a parameter without a type is taken as an integer".to_owned(),
                );
            }
        }
    }

    /// Types with more elements, or elements farther away, than BTF has room for.
    fn give_up_large_types(&mut self) {
        let mut given_up = false;
        for local in std::mem::take(&mut self.too_large) {
            let message = "BTF cannot describe members beyond 512 MiB".to_owned();
            self.give_up(local, "struct-too-large", message);
            given_up = true;
        }
        for k in 0..self.care.len() {
            let local = self.care[k];
            let t = self.types.types[local as usize];
            let aggregate = matches!(t.kind, Some(Kind::Struct | Kind::Union));
            if t.count > MAX_VLEN {
                let what = match t.kind {
                    Some(Kind::Enum | Kind::Enum64) => "values",
                    Some(Kind::FuncProto) => "parameters",
                    _ => "members",
                };
                let message = format!("{} {what} are more than BTF has room for ({MAX_VLEN})", t.count);
                self.give_up(local, "too-many-members", message);
                given_up |= aggregate;
            } else if aggregate {
                let members = self.members_of(&t);
                if members.iter().any(|m| offset(m) >= BITFIELD_OFFSET_LIMIT) && members.iter().any(is_bitfield) {
                    let message = "with bitfields in it, BTF cannot describe members beyond 2 MiB".to_owned();
                    self.give_up(local, "struct-too-large", message);
                    given_up = true;
                }
            }
        }
        if given_up {
            self.care_for_all();
            self.unseal();
            self.void_unsized_members();
        }
    }

    /// Nothing may hold what is only declared, itself or in an array.
    fn void_unsized_members(&mut self) {
        for local in 1..self.types.types.len() {
            let t = self.types.types[local];
            if !matches!(t.kind, Some(Kind::Struct | Kind::Union)) {
                continue;
            }
            for k in t.first..t.first + t.count {
                let mut end = self.end_of_chain(self.members[k as usize].ty);
                for _ in 0..MAX_DEPTH {
                    if self.types.types[end as usize].kind == Some(Kind::Array) {
                        end = self.end_of_chain(self.types.types[end as usize].target);
                    }
                }
                if self.types.types[end as usize].kind == Some(Kind::Fwd) {
                    self.members[k as usize].ty = VOID;
                }
            }
        }
        loop {
            let mut more = false;
            for local in 1..self.types.types.len() {
                let t = self.types.types[local];
                if t.kind == Some(Kind::Array) {
                    let end = self.end_of_chain(t.target);
                    if end == VOID || matches!(self.types.types[end as usize].kind, None | Some(Kind::Fwd)) {
                        self.types.types[local].kind = Some(Kind::Const);
                        (self.types.types[local].target, self.types.types[local].count) = (VOID, 0);
                        self.types.types[local].size = 0;
                        more = true;
                    }
                }
            }
            if !more {
                break;
            }
        }
    }

    /// The members of a type that is unsealed.
    fn members_of(&self, t: &LocalType) -> &[LocalMember] {
        &self.members[t.first as usize..][..t.count as usize]
    }

    fn aggregates(&mut self) -> Moves {
        let mut moves = Moves::default();
        // Typedefs that end in void are looked for only where something has already turned out to be wrong.
        let damaged = !self.lowered.diagnostics.is_empty() || !self.sizeless.is_empty();
        let word = self.contexts.first().map_or(8, |c| u64::from(c.unit.encoding.address_size));
        let mut kept: Vec<(u32, LocalMember)> = Vec::new();
        for k in 0..self.care.len() {
            let local = self.care[k];
            let t = self.types.types[local as usize];
            if !matches!(t.kind, Some(Kind::Struct | Kind::Union)) {
                continue;
            }
            let union = t.kind == Some(Kind::Union);
            let members = self.members_of(&t);
            let inside = |m: &LocalMember| {
                let end = match damaged && m.value >> WIDTH_SHIFT == 0 {
                    true => offset(m).div_ceil(8).saturating_add(self.size_with_word(m.ty, word)),
                    false => offset(m).div_ceil(8),
                };
                end <= t.size as u64
            };
            let sized = |m: &LocalMember| m.ty != VOID && (!damaged || self.has_size(m.ty));
            let good = |m: &LocalMember| sized(m) && inside(m) && (!union || offset(m) == 0);
            let bitfields = members.iter().any(|m| good(m) && is_bitfield(m));
            let ascending = union || members.is_sorted_by_key(offset);
            let all_good = members.iter().all(good);
            if all_good && ascending && !bitfields {
                continue;
            }
            kept.clear();
            kept.extend(members.iter().enumerate().filter(|(_, m)| good(m)).map(|(i, m)| (i as u32, *m)));
            if !all_good {
                let lost = t.count as usize - kept.len();
                let message = format!(
                    "{lost} members are left out: without a type, outside of the aggregate, or at an offset in a union"
                );
                self.diagnose_type(t.at, "bad-members", message);
            }
            // Some languages declare fields in another order than they lay them out.
            kept.sort_by_key(|(_, m)| if union { 0 } else { offset(m) });
            if !(all_good && ascending) {
                moves.extend((0..t.count).map(|i| ((local, i), None)));
                moves.extend(kept.iter().zip(0..).map(|(&(from, _), to)| ((local, from), Some(to))));
            }
            for (to, (_, m)) in kept.iter().enumerate() {
                self.members[t.first as usize + to] = *m;
            }
            let t = &mut self.types.types[local as usize];
            t.count = kept.len() as u32;
            t.flag = bitfields;
        }
        moves
    }

    /// Can a value have this type?
    fn has_size(&self, ty: Local) -> bool {
        let end = self.end_of_chain(ty);
        end != VOID && !matches!(self.types.types[end as usize].kind, None | Some(Kind::Fwd | Kind::FuncProto))
    }

    /// A type whose content BTF cannot hold is only declared.
    fn give_up(&mut self, local: Local, code: &'static str, message: String) {
        let t = &mut self.types.types[local as usize];
        let at = t.at;
        t.count = 0;
        t.flag = false;
        if !t.name.is_none() && matches!(t.kind, Some(Kind::Struct | Kind::Union)) {
            t.flag = t.kind == Some(Kind::Union);
            t.kind = Some(Kind::Fwd);
            t.size = 0;
        }
        self.diagnose_type(at, code, message);
    }

    fn follow_gnu_chains(&mut self) {
        for k in 0..self.gnu_carriers.len() {
            let (on, first) = self.gnu_carriers[k];
            let chain = self.chain(first);
            match on {
                Carrier::Pointer(pointer) => {
                    // Annotations in entries below the pointer come first, and then the chain says nothing new.
                    if self.types.types[pointer as usize].target & EXTRA != 0 {
                        continue;
                    }
                    let tags = chain.iter().take_while(|a| a.kind.hash == tag_kinds().type_tag).count();
                    chain[..tags].iter().rev().for_each(|a| self.annotate(on, a.kind, a.text));
                }
                on => chain.iter().for_each(|a| self.annotate(on, a.kind, a.text)),
            }
        }
    }

    fn chain(&self, mut at: u32) -> Vec<GnuAnnotation> {
        let mut chain = Vec::new();
        while let Ok(found) = self.gnu_annotations.binary_search_by_key(&at, |a| a.at) {
            chain.push(self.gnu_annotations[found]);
            at = self.gnu_annotations[found].next;
            if chain.len() > self.gnu_annotations.len() {
                break;
            }
        }
        chain
    }

    /// Tags on types become types themselves.
    fn decl_tags(&mut self, moves: &Moves) {
        for k in 0..self.tags.len() {
            let RawTag { on, text } = self.tags[k];
            let Carrier::Type(local, component) = on else { continue };
            let carrier = self.types.types[local as usize];
            if !matches!(carrier.kind, Some(Kind::Struct | Kind::Union | Kind::Typedef)) {
                continue;
            }
            let moved = |c: u32| moves.get(&(local, c)).copied().unwrap_or(Some(c));
            let component = match u32::try_from(component) {
                Err(_) => -1,
                Ok(c) => match moved(c) {
                    Some(c) => c as i32,
                    None => continue,
                },
            };
            let tag = self.types.types.len() as Local;
            self.types.types.push(LocalType {
                kind: Some(Kind::DeclTag),
                name: text,
                target: local,
                word: component as u32,
                at: carrier.at,
                ..LocalType::default()
            });
            self.types.order.push(tag);
        }
    }

    /// Texts of the tags on a function or variable.
    pub(crate) fn tags_on(&self, is: impl Fn(Carrier) -> Option<i32>) -> Vec<(i32, Name)> {
        if self.tags.is_empty() {
            return Vec::new();
        }
        self.tags.iter().filter_map(|tag| is(tag.on).map(|component| (component, tag.text))).collect()
    }

    /// Bytes of a value of that type; 0 where it has no size.
    pub(crate) fn size_of(&self, ty: Local, context: &Context) -> u64 {
        self.size_with_word(ty, context.unit.encoding.address_size as u64)
    }

    pub(crate) fn size_with_word(&self, ty: Local, word: u64) -> u64 {
        let (mut local, mut factor) = (ty, 1u64);
        for _ in 0..=self.types.types.len() {
            if local == VOID || local == ARRAY_INDEX {
                return 0;
            }
            let t = &self.types.types[local as usize];
            match t.kind {
                Some(Kind::Ptr) => return factor.saturating_mul(word),
                Some(Kind::Array) => factor = factor.saturating_mul(t.size as u64),
                Some(Kind::Typedef | Kind::Const | Kind::Volatile | Kind::Restrict | Kind::TypeTag) => {}
                Some(Kind::Int | Kind::Float | Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64) => {
                    return factor.saturating_mul(t.size as u64);
                }
                _ => return 0,
            }
            local = t.target;
        }
        0
    }
}
