//! The types of a base, frozen: what units on top of it find there already.
//!
//! The problem. A kernel has thousands of modules, each of which brings a few dozen types of its own and thousands that
//! vmlinux has. What is done for a module must be in proportion to the module.
//!
//! So the base's types get their keys once, as if the base were a unit that comes before all others. A classifier that
//! stands on a base looks there for what it does not know yet; what it finds is a class without content, which nobody
//! has to read again. A base is never changed, and shared by all threads.
//!
//! A base may have several types of one key: those that use an ambiguous name with different meanings. One of them, the
//! *usual* one, stands for the key (`usual`).

use super::classes::Class;
use super::hash::Mix;
use super::lower::{lower, name_of};
use super::of_btf::DedupError;
use super::spell::{Key, NO_LEAF, Spelling, by_name};
use super::usual::{Bits, Usual};
use crate::unit::{Name, UnitTypes};
use crate::{Btf, Kind, Record, TypeId};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use rustc_hash::FxHashMap as HashMap;
use std::sync::Arc;
use std::thread;

/// What a base has of the name of a program's class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Namesakes {
    None,
    /// What the class declares, and nothing else.
    Definition,
    /// What the class may be taken for, or stand beside.
    Several,
}

/// A base that types are found in.
pub struct BaseTypes {
    btf: Arc<Btf>,
    /// By type; (0, 0) where another type stands for the key, and for what is never merged.
    pub(super) keys: Vec<Key>,
    /// By type: the type at the end of its spelling, or void.
    pub(super) leaves: Vec<u32>,
    /// The type that stands for a key.
    table: HashTable<u32>,
    /// Types that define or declare a name, by the spelling of it, which is beside: to ask a type for its own would be
    /// four misses of the cache.
    named: HashTable<(u64, u32)>,
    names: NameFilter,
    /// Of keys that several types have: all of them, the first of which stands for the key.
    alike: Vec<Vec<u32>>,
    /// By type: its set of these. Most have none, which is told by a bit of each.
    set_of: HashMap<u32, u32>,
    is_in_set: Bits,
    usual: Usual,
    /// Functions, and tags, by what makes them.
    by_target: HashTable<u32>,
    int: TypeId,
    pointer_size: Option<u8>,
}

impl BaseTypes {
    /// Functions are found by [`find_function`](Self::find_function) only, variables never.
    pub fn of(btf: Arc<Btf>) -> Result<BaseTypes, DedupError> {
        // What has nothing to do with keys is made beside them, if there can be a thread for it.
        thread::scope(|scope| {
            let aside = || {
                btf.index_strings();
                by_targets(&btf)
            };
            let aside = thread::Builder::new().name("btfkit-base".into()).spawn_scoped(scope, aside);
            let mut base = BaseTypes::with_keys(Arc::clone(&btf), false)?;
            base.by_target = match aside.map(thread::ScopedJoinHandle::join) {
                Ok(Ok(found)) => found,
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                Err(_) => by_targets(&btf),
            };
            Ok(base)
        })
    }

    /// Functions and variables have keys like all other types, for units that refer to those of the base.
    pub(super) fn with_symbols(btf: Arc<Btf>) -> Result<BaseTypes, DedupError> {
        BaseTypes::with_keys(btf, true)
    }

    fn with_keys(btf: Arc<Btf>, symbols: bool) -> Result<BaseTypes, DedupError> {
        let ids = || (1..btf.end_id().0).map(TypeId);
        let record = |id: TypeId| btf.record(id).expect("an id of the base");
        let is_int = |&id: &TypeId| {
            let record = record(id);
            record.kind() == Some(Kind::Int) && btf.string(record.name()) == Some(b"int")
        };
        let int = ids().find(is_int).unwrap_or(TypeId::VOID);
        let mut unit = UnitTypes::default();
        unit.clear();
        unit.types.reserve(btf.end_id().index());
        // More than there can be: what is not used is never touched.
        unit.references.reserve(btf.levels().map(|btf| btf.bytes().len() / 8).sum());
        for id in ids() {
            lower(&btf, id, record(id), Some(int), &mut unit).ok_or(DedupError::UnknownKind(id))?;
        }
        let mut spelling = Spelling::default();
        spelling.run(&unit);
        let mut base = BaseTypes {
            keys: vec![(0, 0); unit.types.len()],
            leaves: (0..unit.types.len() as u32).map(|id| spelling.of(id).leaf).collect(),
            table: HashTable::with_capacity(unit.types.len()),
            named: HashTable::with_capacity(unit.types.len() / 2),
            names: NameFilter::for_names(unit.types.len() / 2),
            alike: Vec::new(),
            set_of: HashMap::default(),
            is_in_set: Bits::for_each_of(unit.types.len()),
            usual: Usual::default(),
            by_target: HashTable::new(),
            int,
            pointer_size: btf.pointer_size(),
            btf,
        };
        let mut ambiguous: Vec<(u64, u32)> = Vec::new();
        for id in 1..unit.types.len() as u32 {
            let t = &unit.types[id as usize];
            let kind = t.kind.expect("every record is a type");
            if matches!(kind, Kind::Var | Kind::Datasec | Kind::Func) && !symbols {
                continue;
            }
            let key = spelling.key(&unit, id, u32::MAX);
            let keys = &mut base.keys;
            match base.table.entry(key.0, |&t| keys[t as usize] == key, |&t| keys[t as usize].0) {
                Entry::Occupied(first) => {
                    let first = *first.get();
                    let set = *base.set_of.entry(first).or_insert_with(|| {
                        base.alike.push(vec![first]);
                        base.alike.len() as u32 - 1
                    });
                    base.alike[set as usize].push(id);
                    base.set_of.insert(id, set);
                }
                Entry::Vacant(free) => {
                    free.insert(id);
                    keys[id as usize] = key;
                }
            }
            if has_name_space(kind) && !t.name.is_none() {
                let hash = spelling.of(id).hash;
                if let Some(&(_, other)) = base.named.find(hash, |&(other, _)| other == hash) {
                    ambiguous.extend([(hash, other), (hash, id)]);
                }
                base.names.add(t.name.hash);
                base.named.insert_unique(hash, (hash, id), |&(hash, _)| hash);
            }
        }
        ambiguous.sort_unstable();
        ambiguous.dedup();
        base.set_of.keys().for_each(|&id| base.is_in_set.put(id, true));
        let firsts: Vec<u32> = base.alike.iter().map(|set| set[0]).collect();
        base.usual = Usual::of(&unit, &base.leaves, &ambiguous, &mut base.alike);
        for (first, set) in firsts.into_iter().zip(&base.alike).filter(|(first, set)| set[0] != *first) {
            let key = std::mem::take(&mut base.keys[first as usize]);
            base.keys[set[0] as usize] = key;
            *base.table.find_mut(key.0, |&t| t == first).expect("it is there") = set[0];
        }
        Ok(base)
    }

    pub fn btf(&self) -> &Arc<Btf> {
        &self.btf
    }

    /// As [`Btf::pointer_size`].
    pub fn pointer_size(&self) -> Option<u8> {
        self.pointer_size
    }

    /// The index type of arrays.
    pub(super) fn int(&self) -> Option<TypeId> {
        Some(self.int).filter(|int| !int.is_void())
    }

    pub(super) fn find(&self, key: Key) -> Option<TypeId> {
        self.table.find(key.0, |&t| self.keys[t as usize] == key).map(|&t| TypeId(t))
    }

    /// Appends the types that define or declare a name, in ascending order; returns how many.
    pub(super) fn named(&self, kind: Kind, flag: bool, name: u64, into: &mut Vec<TypeId>) -> usize {
        let start = into.len();
        let hash = by_name(kind, flag, name);
        let found = self.named.iter_hash(hash).filter(|(other, _)| *other == hash);
        into.extend(found.map(|&(_, id)| TypeId(id)));
        into[start..].sort_unstable();
        into.len() - start
    }

    /// Appends what a program's class, which is not of the base, has its name in common with; for a struct or a union
    /// also what the base has of the other kind.
    pub(super) fn namesakes(&self, class: &Class, into: &mut Vec<TypeId>) -> Namesakes {
        let (kind, flag, name) = (class.kind, class.flag, class.name.hash);
        if class.name.is_none() || !has_name_space(kind) || !self.names.may_have(name) {
            return Namesakes::None;
        }
        let first = into.len();
        let same = self.named(kind, flag, name, into);
        let twins = match kind {
            Kind::Struct | Kind::Union => self.named(Kind::Fwd, kind == Kind::Struct, name, into),
            Kind::Fwd => self.named(Kind::Fwd, !flag, name, into),
            _ => 0,
        };
        match (same, twins) {
            (0, 0) => Namesakes::None,
            (1, 0) if class.forward && !self.is_forward(into[first]) => Namesakes::Definition,
            _ => Namesakes::Several,
        }
    }

    /// The function of that name (by its hash), linkage and prototype.
    pub fn find_function(&self, name: u64, linkage: u32, proto: TypeId) -> Option<TypeId> {
        self.find_by_target(Kind::Func, name, proto, linkage)
    }

    /// The tag of that value (by its hash) on a type of the base, or on one of its members or parameters.
    pub fn find_tag(&self, value: u64, ty: TypeId, component: i32) -> Option<TypeId> {
        self.find_by_target(Kind::DeclTag, value, ty, component as u32)
    }

    fn find_by_target(&self, kind: Kind, name: u64, target: TypeId, word: u32) -> Option<TypeId> {
        let hash = by_target(kind, name, target.0, word);
        let is_it = |id: &TypeId| {
            let record = self.record(*id);
            // The table may give what has another hash, too: of a function, which has no fourth word.
            if record.kind() != Some(kind) || record.kind_flag() || record.size_or_type() != target.0 {
                return false;
            }
            let own = if kind == Kind::Func { record.vlen() } else { record.word(3) };
            own == word && name_of(&self.btf, record.name()).hash == name
        };
        self.by_target.iter_hash(hash).map(|&id| TypeId(id)).filter(is_it).min()
    }

    pub(super) fn record(&self, id: TypeId) -> Record<'_> {
        self.btf.record(id).expect("an id of the base")
    }

    pub(super) fn kind(&self, id: TypeId) -> Kind {
        self.record(id).kind().expect("only known kinds are taken")
    }

    /// What a type refers to beside its members; of an array the element.
    pub(super) fn target(&self, id: TypeId) -> TypeId {
        let record = self.record(id);
        match self.kind(id) {
            Kind::Array => TypeId(record.word(3)),
            kind if kind.shape().head_is_reference => TypeId(record.size_or_type()),
            _ => TypeId::VOID,
        }
    }

    pub(super) fn name_of(&self, id: TypeId) -> Name {
        name_of(&self.btf, self.record(id).name())
    }

    /// The class of a type, as if no unit had met it.
    pub(super) fn class_of(&self, id: TypeId, name: Name) -> Class {
        let record = self.record(id);
        let kind = self.kind(id);
        Class {
            kind,
            flag: record.kind_flag(),
            vertex: self.leaves[id.index()] == id.0,
            leafy: self.leaves[id.index()] != NO_LEAF,
            forward: self.is_forward(id),
            name,
            base: id,
            ..Class::VOID
        }
    }

    /// Whether a type declares a name that others may define.
    pub(super) fn is_forward(&self, id: TypeId) -> bool {
        match self.kind(id) {
            Kind::Enum | Kind::Enum64 => self.record(id).vlen() == 0,
            kind => kind == Kind::Fwd,
        }
    }

    /// The type that stands for the key of this one.
    pub(super) fn stands(&self, id: TypeId) -> TypeId {
        self.set(id).map_or(id, |set| TypeId(set[0]))
    }

    /// Whether there are others of its key.
    #[inline]
    pub(super) fn has_alike(&self, id: TypeId) -> bool {
        self.is_in_set.has(id.0)
    }

    /// The types of its key, if there are others.
    #[inline]
    fn set(&self, id: TypeId) -> Option<&[u32]> {
        self.has_alike(id).then(|| &*self.alike[self.set_of[&id.0] as usize])
    }

    /// A type and all others of its key.
    pub(super) fn alike(&self, id: TypeId) -> impl Iterator<Item = TypeId> + Clone {
        let others = self.set(id).unwrap_or_default();
        let alone = others.is_empty().then_some(id);
        others.iter().map(|&id| TypeId(id)).chain(alone)
    }

    /// Whether types that look like this one may mean something else than most.
    pub(super) fn is_special(&self, id: TypeId) -> bool {
        self.usual.is_unusual(id.0) || self.is_astray(id)
    }

    /// Whether a type refers to one that is not usual; void does not.
    pub(super) fn is_astray(&self, id: TypeId) -> bool {
        let refers = |is_unusual: &dyn Fn(u32) -> bool| match self.leaf(id) {
            leaf if leaf != id => is_unusual(leaf.0),
            _ => {
                let mut any = false;
                self.record(id).references(|to| any |= is_unusual(self.leaf(to).0));
                any
            }
        };
        !id.is_void() && self.usual.is_astray(id.0, refers)
    }

    pub(super) fn usual(&self) -> &Usual {
        &self.usual
    }

    /// Calls for what a type refers to: the vertices at the ends of the spellings.
    pub(super) fn edges(&self, id: TypeId, mut see: impl FnMut(TypeId)) {
        self.record(id).references(|to| {
            let leaf = self.leaf(to);
            if !leaf.is_void() {
                see(leaf);
            }
        });
    }

    pub(super) fn leaf(&self, id: TypeId) -> TypeId {
        match self.leaves.get(id.index()) {
            None | Some(&NO_LEAF) => TypeId::VOID,
            Some(&leaf) => TypeId(leaf),
        }
    }
}

/// Tells of most names that a base has them not, with one look at what stays near the processor: a bit for each name, by
/// its hash. Most names that a module brings end here.
struct NameFilter(Vec<u64>);

impl NameFilter {
    fn for_names(count: usize) -> NameFilter {
        NameFilter(vec![0; (count * BITS_PER_NAME / 64).next_power_of_two()])
    }

    fn place(&self, hash: u64) -> (usize, u64) {
        // The lowest bit is set in the hashes of all names.
        let place = (hash >> 1) as usize;
        ((place / 64) & (self.0.len() - 1), 1 << (place % 64))
    }

    fn add(&mut self, hash: u64) {
        let (word, bit) = self.place(hash);
        self.0[word] |= bit;
    }

    fn may_have(&self, hash: u64) -> bool {
        let (word, bit) = self.place(hash);
        self.0[word] & bit != 0
    }
}

/// One in about as many names that a base has not is still looked for there.
const BITS_PER_NAME: usize = 8;

fn by_targets(btf: &Btf) -> HashTable<u32> {
    let found = |id: u32| {
        let record = btf.record(TypeId(id))?;
        let word = match record.kind()? {
            Kind::Func => record.vlen(),
            Kind::DeclTag => record.word(3),
            _ => return None,
        };
        Some(by_target(record.kind()?, name_of(btf, record.name()).hash, record.size_or_type(), word))
    };
    let mut table = HashTable::with_capacity(btf.end_id().index() / 2);
    for (id, hash) in (1..btf.end_id().0).filter_map(|id| Some((id, found(id)?))) {
        table.insert_unique(hash, id, |&id| found(id).expect("it has been found before"));
    }
    table
}

fn by_target(kind: Kind, name: u64, target: u32, word: u32) -> u64 {
    Mix::of(kind as u64, name).with((target as u64) << 32 | word as u64).get()
}

/// Kinds whose names may be defined and declared more than once.
pub(super) fn has_name_space(kind: Kind) -> bool {
    matches!(kind, Kind::Struct | Kind::Union | Kind::Fwd | Kind::Enum | Kind::Enum64 | Kind::Typedef)
}
