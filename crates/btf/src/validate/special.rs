//! Pass F: structs with fields that the kernel itself works on: locks, lists, trees, reference counts.
//!
//! The problem: a program may have `struct s { struct bpf_spin_lock lock; struct bpf_list_head head; }`, and the kernel
//! must know where these fields are in each object. A struct that has such a field, by the name of the field's type,
//! gets a record of all of them, those of structs and arrays inside it too, and each is checked: its size, its
//! alignment, at most one lock, a tag that says what a list contains (`contains:node:link`). The kernel gives an error
//! number and no word about it.
//!
//! 1. *Which structs* (`wanted`): those with a member whose type is the first struct of a special name, or a pointer
//!    that is tagged as one to a kernel object.
//! 2. *Fields* (`inside`): the struct is walked with what it holds. Whatever came out for a struct is kept, as structs
//!    that hold one another twice would otherwise be walked 2^32 times.
//! 3. *Records* (`record`): fields in the order of the walk must not overlap; a list or tree needs a lock beside it.
//! 4. *Owners* (`owners`): what is in a list must have a record of its own, and may have lists only if its owner is in
//!    none.
//!
//! What is not decided here: a pointer tagged `kptr` may be refused by a kernel that has a struct of that name and no
//! way to let go of it. Kernels have different structs, and the file does not say.

use super::blob::{Blob, Rec};
use super::{Errno, Refusal, Release, Rules};
use crate::{Kind, TypeId};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The most fields of a struct, and the deepest that structs and arrays are looked into.
const MOST_FIELDS: usize = 11;
const DEEPEST: u32 = 32;

/// What the kernel knows fields as; the numbers are bits of a set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Special {
    SpinLock = 1,
    ResSpinLock = 1 << 1,
    ListHead = 1 << 2,
    ListNode = 1 << 3,
    RbRoot = 1 << 4,
    RbNode = 1 << 5,
    Refcount = 1 << 6,
    Pointer = 1 << 7,
}

/// A set of [`Special`].
type Set = u8;

impl Special {
    const NAMED: [(Special, &'static [u8]); 7] = [
        (Special::SpinLock, b"bpf_spin_lock"),
        (Special::ResSpinLock, b"bpf_res_spin_lock"),
        (Special::ListHead, b"bpf_list_head"),
        (Special::ListNode, b"bpf_list_node"),
        (Special::RbRoot, b"bpf_rb_root"),
        (Special::RbNode, b"bpf_rb_node"),
        (Special::Refcount, b"bpf_refcount"),
    ];

    /// Bytes of the type in the kernel's headers, and its alignment.
    fn size(self) -> (u32, u32) {
        match self {
            Special::SpinLock | Special::ResSpinLock | Special::Refcount => (4, 4),
            Special::ListHead | Special::RbRoot => (16, 8),
            Special::ListNode => (24, 8),
            Special::RbNode => (32, 8),
            Special::Pointer => (8, 8),
        }
    }

    fn is_unique(self) -> bool {
        matches!(self, Special::SpinLock | Special::ResSpinLock)
    }

    fn is_root(self) -> bool {
        matches!(self, Special::ListHead | Special::RbRoot)
    }

    /// Locks and nodes must not be in arrays.
    fn may_repeat(self) -> bool {
        self.is_root() || self == Special::Pointer
    }
}

#[derive(Clone, Copy)]
struct Field<'a> {
    special: Special,
    offset: u32,
    /// Of a root: the struct that it contains and the member by which that hangs in it.
    contains: Option<(u32, &'a [u8])>,
}

/// What a struct holds.
struct Inside<'a> {
    fields: Vec<Field<'a>>,
    /// Levels of structs below it.
    height: u32,
}

/// How far a walk may still go.
#[derive(Clone, Copy)]
struct Limits {
    level: u32,
    room: usize,
    /// Locks that this struct had before; those of structs inside it are not counted.
    seen: Set,
}

/// What the kernel keeps of a struct.
struct Record {
    has: Set,
    /// Structs that its lists and trees contain.
    contains: Vec<u32>,
}

struct Finder<'b, 'a> {
    rules: &'b Rules,
    blob: &'b Blob<'a>,
    /// The first struct of each name.
    structs: FxHashMap<&'a [u8], u32>,
    /// What the tag of a struct's member says that it contains; `None` where there are two.
    contents: FxHashMap<(u32, u32), Option<&'a [u8]>>,
    known: FxHashMap<u32, Rc<Inside<'a>>>,
    /// Whether a struct can hang in a list or tree by a member of this name.
    links: FxHashMap<(u32, &'a [u8], Set), Result<(), Errno>>,
}

pub(super) fn check(rules: &Rules, blob: &Blob) -> Result<(), Refusal> {
    let mut finder = Finder {
        rules,
        blob,
        structs: FxHashMap::default(),
        contents: FxHashMap::default(),
        known: FxHashMap::default(),
        links: FxHashMap::default(),
    };
    let wanted = finder.wanted();
    if wanted.is_empty() {
        return Ok(());
    }
    finder.index();
    let refuse = |id, errno| Refusal { type_id: Some(TypeId(id)), ..Refusal::plain(errno, "") };
    let mut records = BTreeMap::new();
    for id in 1..blob.end_id() {
        let Some(rec) = blob.get(id).filter(|rec| rec.is(Kind::Struct)) else { continue };
        if (0..rec.vlen()).any(|index| wanted.contains(&rec.member(index).ty)) {
            records.insert(id, finder.record(id, &rec).map_err(|errno| refuse(id, errno))?);
        }
    }
    records.iter().try_for_each(|(&id, record)| owners(record, &records).map_err(|errno| refuse(id, errno)))
}

/// Owners without end would be let go of by a recursion without end.
fn owners(record: &Record, records: &BTreeMap<u32, Record>) -> Result<(), Errno> {
    let roots = Special::ListHead as Set | Special::RbRoot as Set;
    let nodes = Special::ListNode as Set | Special::RbNode as Set;
    for contained in &record.contains {
        let contained = records.get(contained).ok_or(Errno::EFAULT)?;
        if record.has & nodes != 0 && contained.has & roots != 0 {
            return Err(Errno::ELOOP);
        }
    }
    Ok(())
}

impl<'a> Finder<'_, 'a> {
    fn name(&self, rec: &Rec<'a>) -> &'a [u8] {
        self.blob.string(rec.name).unwrap_or_default()
    }

    fn index(&mut self) {
        for id in 1..self.blob.end_id() {
            let Some(rec) = self.blob.get(id) else { continue };
            if rec.is(Kind::Struct) {
                self.structs.entry(self.name(&rec)).or_insert(id);
            } else if rec.is(Kind::DeclTag)
                && let Some(contents) = self.name(&rec).strip_prefix(b"contains:")
            {
                let tagged = self.contents.entry((rec.word, rec.body(0)));
                tagged.and_modify(|known| *known = None).or_insert(Some(contents));
            }
        }
    }

    /// Types by which a struct is known to need a record.
    fn wanted(&self) -> FxHashSet<u32> {
        let mut wanted = FxHashSet::default();
        let mut open: Vec<&[u8]> = Special::NAMED.iter().map(|(_, name)| *name).collect();
        // For this one alone the kernel makes no record.
        open.retain(|name| *name != b"bpf_res_spin_lock");
        for id in 1..self.blob.end_id() {
            let Some(rec) = self.blob.get(id) else { continue };
            if rec.is(Kind::Struct) {
                let name = self.name(&rec);
                if let Some(at) = open.iter().position(|open| *open == name) {
                    open.swap_remove(at);
                    wanted.insert(id);
                }
            } else if self.is_kernel_pointer(rec) == Ok(true) {
                wanted.insert(id);
            }
        }
        wanted
    }

    /// The field that a type is by its name, or as a pointer may be.
    fn special(&self, rec: &Rec<'a>) -> Option<Special> {
        let name = self.name(rec);
        let named = Special::NAMED.iter().find(|(_, special)| *special == name).map(|(special, _)| *special);
        let named = named.filter(|s| *s != Special::ResSpinLock || self.rules.release >= Release::V6_15);
        named.or((!rec.is(Kind::Struct)).then_some(Special::Pointer))
    }

    /// Whether this is a pointer to a tagged struct, whose tag says that it lies in the kernel.
    fn is_kernel_pointer(&self, mut rec: Rec<'a>) -> Result<bool, Errno> {
        if rec.is(Kind::Volatile) {
            rec = self.blob.get(rec.word).ok_or(Errno::EINVAL)?;
        }
        if !rec.is(Kind::Ptr) {
            return Ok(false);
        }
        let tag = self.blob.get(rec.word).ok_or(Errno::EINVAL)?;
        if !tag.is(Kind::TypeTag) || tag.kind_flag() {
            return Ok(false);
        }
        let mut end = self.blob.get(tag.word).ok_or(Errno::EINVAL)?;
        if end.is(Kind::TypeTag) {
            return Err(Errno::EINVAL);
        }
        match self.name(&tag) {
            b"kptr_untrusted" | b"kptr" | b"percpu_kptr" => {}
            // Of maps, not of objects.
            b"uptr" if self.rules.release >= Release::V6_15 => return Ok(false),
            _ => return Err(Errno::EINVAL),
        }
        // Pass E has seen the end of each chain.
        while end.is_modifier() {
            end = self.blob.get(end.word).ok_or(Errno::EINVAL)?;
        }
        if end.is(Kind::Struct) { Ok(true) } else { Err(Errno::EINVAL) }
    }

    fn inside(&mut self, id: u32, rec: &Rec<'a>, limits: Limits) -> Result<Rc<Inside<'a>>, Errno> {
        if let Some(known) = self.known.get(&id) {
            // It went well before, so that nothing but what was left could make a difference.
            let fits = limits.level + known.height < DEEPEST && known.fields.len() <= limits.room;
            return if fits { Ok(Rc::clone(known)) } else { Err(Errno::E2BIG) };
        }
        let mut inside = Inside { fields: Vec::new(), height: 0 };
        let mut seen = 0;
        for index in 0..rec.vlen() {
            let member = rec.member(index);
            let offset = if rec.kind_flag() { member.offset & 0xff_ffff } else { member.offset };
            if !offset.is_multiple_of(8) {
                return Err(Errno::EINVAL);
            }
            let left = Limits { room: limits.room - inside.fields.len(), level: limits.level, seen };
            seen |= self.member(id, index, member.ty, offset / 8, left, &mut inside)?;
        }
        let inside = Rc::new(inside);
        self.known.insert(id, Rc::clone(&inside));
        Ok(inside)
    }

    /// Adds the fields that a member is or holds, and says which lock it is.
    fn member(
        &mut self,
        owner: u32,
        index: u32,
        mut ty: u32,
        offset: u32,
        limits: Limits,
        inside: &mut Inside<'a>,
    ) -> Result<Set, Errno> {
        let mut rec = self.blob.get(ty).ok_or(Errno::EINVAL)?;
        let mut count = 1u32;
        let mut arrays = 0;
        while rec.is(Kind::Array) {
            arrays += 1;
            if arrays == DEEPEST {
                return Err(Errno::E2BIG);
            }
            count = count.wrapping_mul(rec.body(2));
            ty = rec.body(0);
            rec = self.blob.get(ty).ok_or(Errno::EINVAL)?;
        }
        if count == 0 {
            return Ok(0);
        }
        let Some(special) = self.special(&rec) else {
            self.nested(ty, &rec, offset, count, limits, inside)?;
            return Ok(0);
        };
        let lock = if special.is_unique() { special as Set } else { 0 };
        if limits.seen & lock != 0 {
            return Err(Errno::E2BIG);
        }
        let (size, alignment) = special.size();
        if !offset.is_multiple_of(alignment) {
            return Ok(lock);
        }
        let contains = match special {
            Special::Pointer if !self.is_kernel_pointer(rec)? => return Ok(lock),
            Special::Pointer => None,
            _ if !rec.is(Kind::Struct) || rec.word != size => return Ok(lock),
            root if root.is_root() => Some(self.contained(owner, index)?),
            _ => None,
        };
        if limits.room == 0 {
            return Err(Errno::E2BIG);
        }
        let first = inside.fields.len();
        inside.fields.push(Field { special, offset, contains });
        repeat(&mut inside.fields, first, count, size, limits.room)?;
        Ok(lock)
    }

    fn nested(
        &mut self,
        ty: u32,
        rec: &Rec<'a>,
        offset: u32,
        count: u32,
        limits: Limits,
        inside: &mut Inside<'a>,
    ) -> Result<(), Errno> {
        let level = limits.level + 1;
        if level >= DEEPEST {
            return Err(Errno::E2BIG);
        }
        let below = self.inside(ty, rec, Limits { level, ..limits })?;
        inside.height = inside.height.max(1 + below.height);
        let first = inside.fields.len();
        inside
            .fields
            .extend(below.fields.iter().map(|field| Field { offset: field.offset.wrapping_add(offset), ..*field }));
        if inside.fields.len() == first {
            return Ok(());
        }
        repeat(&mut inside.fields, first, count, rec.word, limits.room)
    }

    /// What the tag of a list or tree says that it contains.
    fn contained(&self, owner: u32, index: u32) -> Result<(u32, &'a [u8]), Errno> {
        let value = self.contents.get(&(owner, index)).copied().flatten().ok_or(Errno::EINVAL)?;
        let colon = value.iter().position(|byte| *byte == b':').ok_or(Errno::EINVAL)?;
        let (name, member) = (&value[..colon], &value[colon + 1..]);
        let id = *self.structs.get(name).ok_or(Errno::ENOENT)?;
        if member.is_empty() { Err(Errno::EINVAL) } else { Ok((id, member)) }
    }

    fn record(&mut self, id: u32, rec: &Rec<'a>) -> Result<Record, Errno> {
        let inside = self.inside(id, rec, Limits { level: 0, room: MOST_FIELDS, seen: 0 })?;
        if inside.fields.is_empty() {
            return Err(Errno::EFAULT);
        }
        let mut record = Record { has: 0, contains: Vec::new() };
        let mut end = 0;
        for field in &inside.fields {
            let field_end = field.offset.wrapping_add(field.special.size().0);
            if field_end > rec.word {
                return Err(Errno::EFAULT);
            }
            if field.offset < end {
                return Err(Errno::EEXIST);
            }
            end = field_end;
            record.has |= field.special as Set;
            if let Some((contained, link)) = field.contains {
                match self.links.get(&(contained, link, field.special as Set)) {
                    Some(known) => (*known)?,
                    None => {
                        let good = self.link(field.special, contained, link);
                        self.links.insert((contained, link, field.special as Set), good);
                        good?;
                    }
                }
                record.contains.push(contained);
            }
        }
        let has = |special: Special| record.has & special as Set != 0;
        let locked = has(Special::SpinLock) || has(Special::ResSpinLock);
        if has(Special::SpinLock) && has(Special::ResSpinLock)
            || (has(Special::ListHead) || has(Special::RbRoot)) && !locked
            || has(Special::ListNode) && has(Special::RbNode) && !has(Special::Refcount)
        {
            return Err(Errno::EINVAL);
        }
        Ok(record)
    }

    /// The member by which something hangs in a list or tree must be a node of it.
    fn link(&self, root: Special, contained: u32, link: &[u8]) -> Result<(), Errno> {
        let rec = self.blob.get(contained).ok_or(Errno::EINVAL)?;
        let wanted: &[u8] = if root == Special::ListHead { b"bpf_list_node" } else { b"bpf_rb_node" };
        let mut found = false;
        for member in (0..rec.vlen()).map(|index| rec.member(index)) {
            if self.blob.string(member.name) != Some(link) {
                continue;
            }
            let node = self.blob.get(member.ty).filter(|node| node.is(Kind::Struct)).ok_or(Errno::EINVAL)?;
            // The kernel asks the node whether the struct around it has bitfields.
            let offset = if node.kind_flag() { member.offset & 0xff_ffff } else { member.offset };
            if found || self.name(&node) != wanted || !offset.is_multiple_of(64) {
                return Err(Errno::EINVAL);
            }
            found = true;
        }
        if found { Ok(()) } else { Err(Errno::ENOENT) }
    }
}

/// The fields from `first` on again for each further element of an array. `room` is what was left before the first.
fn repeat(fields: &mut Vec<Field>, first: usize, count: u32, size: u32, room: usize) -> Result<(), Errno> {
    if count == 1 {
        return Ok(());
    }
    if !fields[first..].iter().all(|field| field.special.may_repeat()) {
        return Err(Errno::EINVAL);
    }
    let each = fields.len() - first;
    if each as u64 * u64::from(count) > room as u64 {
        return Err(Errno::E2BIG);
    }
    for element in 1..count {
        for at in first..first + each {
            let field = fields[at];
            fields.push(Field { offset: field.offset.wrapping_add(element.wrapping_mul(size)), ..field });
        }
    }
    Ok(())
}
