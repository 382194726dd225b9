//! Pass D: what records refer to.
//!
//! The problem: a struct may hold a pointer to itself but not itself, `typedef a b; typedef b a;` means nothing, and
//! an array needs the size of an element that may be defined later. So every type is resolved: visited depth first,
//! each reference before the type itself, with a stack of at most 32. Meeting a type that is on the stack is a loop.
//!
//! What counts as a reference to follow depends on what the walk is about. Once a pointer was pushed only chains of
//! pointers and modifiers are followed (a loop of them alone is an error); once a struct or array was pushed only
//! what lies inside it by value; before that, everything. Example: `struct s { struct s *next; }` is resolved as an
//! aggregate, the pointer ends the walk there and is resolved later on its own, with the struct as its end.
//!
//! For each resolved type there is the id that it resolves to (a modifier's end, an array's element) and, for arrays,
//! the size. Both are 0 for a type that is not resolved yet; like the kernel, the checks may look at such types.

use super::blob::{Blob, Rec};
use super::members::End;
use super::sound::Prover;
use super::{Errno, Pass, Refusal, Rules, members};
use crate::Kind;
use rustc_hash::{FxHashMap, FxHashSet};
use std::ops::Range;

/// The deepest walk.
pub(super) const DEEPEST: usize = 32;

#[derive(Clone, Copy, PartialEq, Default)]
enum State {
    #[default]
    NotVisited,
    Visited,
    Resolved,
}

/// What is known of a type: what it resolves to, and the size of an array.
#[derive(Clone, Copy, Default)]
struct Resolution {
    state: State,
    target: u32,
    size: u32,
}

/// By type. Where only own types are asked about, those of the base are a map of the few that they lead to: a table
/// would be as large as the base for each module.
struct Resolutions {
    /// The first one that is in the table.
    first: u32,
    table: Vec<Resolution>,
    below: FxHashMap<u32, Resolution>,
}

impl Resolutions {
    fn of(types: Range<u32>) -> Resolutions {
        let table = vec![Resolution::default(); types.len()];
        Resolutions { first: types.start, table, below: FxHashMap::default() }
    }

    fn get(&self, id: u32) -> Resolution {
        match id.checked_sub(self.first) {
            Some(place) => self.table[place as usize],
            None => self.below.get(&id).copied().unwrap_or_default(),
        }
    }

    fn at(&mut self, id: u32) -> &mut Resolution {
        match id.checked_sub(self.first) {
            Some(place) => &mut self.table[place as usize],
            None => self.below.entry(id).or_default(),
        }
    }
}

/// What the current walk follows.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Undetermined,
    Pointer,
    Aggregate,
}

/// What became of a type that is at the top of the stack.
enum Step {
    /// It is resolved to a type and, if it is an array, has a size.
    Done { target: u32, size: u32 },
    /// This one must be resolved first. A struct or data section goes on with the given element afterwards.
    Follow { target: u32, next: u32 },
}

/// Why a walk ends early: its root is refused, or the type at the top of the stack.
enum Stop {
    TooDeep,
    Loop,
    Refused(Refusal),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Stop {
        Stop::Refused(refusal)
    }
}

struct Frame {
    id: u32,
    /// The element to go on with.
    next: u32,
}

pub(super) struct Resolver<'b, 'a> {
    pub blob: &'b Blob<'a>,
    pub pointer_size: u32,
    types: Resolutions,
    stack: Vec<Frame>,
    mode: Mode,
}

pub(super) fn check(rules: &Rules, blob: &Blob) -> Result<(), Refusal> {
    let mut resolver = Resolver::new(rules, blob, 0);
    // A base's types come first, as if they were one blob with the split's.
    for id in 1..blob.end_id() {
        if let Some(rec) = blob.get(id) {
            resolver.settle(id, rec)?;
        }
    }
    Ok(())
}

/// Whether nothing is wrong with own types, which is nearly always so. Then all that they refer to is there, too. Two
/// threads take a half each of many types; the few that both come to cost less than a tenth more.
pub(super) fn is_sound(rules: &Rules, blob: &Blob) -> bool {
    let are_sound = |mut ids: Range<u32>| {
        let mut prover = Prover::new(rules, blob);
        let mut resolver = None;
        ids.all(|id| {
            let Some(rec) = blob.get(id) else { return true };
            prover.as_mut().is_some_and(|prover| prover.holds(id, &rec)) || {
                let resolver = resolver.get_or_insert_with(|| Resolver::new(rules, blob, blob.start_id));
                resolver.settle(id, rec).is_ok()
            }
        })
    };
    let (start, end) = (blob.start_id, blob.end_id());
    if end - start < LARGE {
        return are_sound(start..end);
    }
    let middle = start.midpoint(end);
    rayon::join(|| are_sound(start..middle), || are_sound(middle..end)) == (true, true)
}

/// So many types are worth two threads.
const LARGE: u32 = 1 << 14;

/// Everything that is wrong with own types, up to `limit`, not only the first. A type that refers to a wrong one is not
/// told again.
pub(super) fn survey(rules: &Rules, blob: &Blob, limit: usize) -> Vec<Refusal> {
    let mut resolver = Resolver::new(rules, blob, blob.start_id);
    let mut wrong = FxHashSet::default();
    let mut found = Vec::new();
    for id in blob.start_id..blob.end_id() {
        let Some(rec) = blob.get(id) else { continue };
        // Each refusal settles one more type, so that this ends.
        while let Err(refusal) = resolver.settle(id, rec) {
            let at = refusal.type_id.map_or(id, |id| id.0);
            let follows = blob.get(at).is_some_and(|rec| {
                // A function is judged by its prototype's words, not by whether that is sound.
                let looks_at = |target: u32| !rec.is(Kind::Func) && wrong.contains(&target);
                rec.references().any(|target| target >= blob.end_id() || looks_at(target))
            });
            resolver.give_up(at, refusal.errno == Errno::EEXIST, &mut wrong);
            if at >= blob.start_id && !follows {
                found.push(Refusal { pass: Pass::References, ..refusal });
            }
            if found.len() == limit {
                return found;
            }
            if at == id {
                break;
            }
        }
    }
    found
}

fn needs_resolving(rec: &Rec) -> bool {
    rec.is_modifier()
        || rec.is_aggregate()
        || matches!(rec.kind, Some(Kind::Ptr | Kind::Array | Kind::Var | Kind::Func | Kind::DeclTag | Kind::Datasec))
}

/// Kinds that nothing but a tag or a data section may refer to.
fn is_source_only(rec: &Rec) -> bool {
    matches!(rec.kind, Some(Kind::Var | Kind::DeclTag | Kind::Datasec))
}

/// Void, and kinds that are no objects.
fn is_unsized(rec: &Rec) -> bool {
    matches!(rec.kind, None | Some(Kind::Fwd | Kind::Func | Kind::FuncProto | Kind::DeclTag))
}

/// The end of a chain for whom no size is known: may it be pointed to and qualified?
fn may_be_incomplete(rec: &Rec) -> bool {
    matches!(rec.kind, None | Some(Kind::Fwd | Kind::FuncProto))
}

impl<'b, 'a> Resolver<'b, 'a> {
    /// To be asked about most types from `first` on.
    fn new(rules: &Rules, blob: &'b Blob<'a>, first: u32) -> Resolver<'b, 'a> {
        Resolver {
            blob,
            pointer_size: rules.pointer_size.into(),
            types: Resolutions::of(first..blob.end_id()),
            stack: Vec::with_capacity(DEEPEST),
            mode: Mode::Undetermined,
        }
    }

    /// All that the kernel does when it comes to a type.
    fn settle(&mut self, id: u32, rec: Rec) -> Result<(), Refusal> {
        if needs_resolving(&rec) && !self.is_resolved(id) {
            self.resolve(id, rec)?;
        }
        if rec.is(Kind::FuncProto) { self.prototype(id, &rec) } else { Ok(()) }
    }

    /// After a refusal: what is wrong counts as resolved, to nothing; a loop is wrong as a whole. What else was on the
    /// way is looked at again.
    fn give_up(&mut self, id: u32, is_loop: bool, wrong: &mut FxHashSet<u32>) {
        for frame in std::mem::take(&mut self.stack) {
            self.types.at(frame.id).state = if is_loop { State::Resolved } else { State::NotVisited };
            if is_loop {
                wrong.insert(frame.id);
            }
        }
        self.types.at(id).state = State::Resolved;
        wrong.insert(id);
    }

    fn is_resolved(&self, id: u32) -> bool {
        self.types.get(id).state == State::Resolved
    }

    /// Whether the walk must visit this type before the one that refers to it.
    fn must_follow(&self, id: u32, rec: &Rec) -> bool {
        let followed = match self.mode {
            Mode::Undetermined => needs_resolving(rec),
            Mode::Pointer => rec.is_modifier() || rec.is(Kind::Ptr),
            Mode::Aggregate => rec.is_modifier() || rec.is(Kind::Array) || rec.is_aggregate(),
        };
        followed && !self.is_resolved(id)
    }

    /// The type that has the size of `id`, and that size; `None` if there is none or none known yet.
    fn sized(&self, id: u32) -> Option<(u32, Rec<'a>, u32)> {
        self.sized_of(id, self.blob.get(id)?)
    }

    /// The same for who has its record.
    pub fn sized_of(&self, id: u32, rec: Rec<'a>) -> Option<(u32, Rec<'a>, u32)> {
        if is_unsized(&rec) {
            return None;
        }
        if let Some(size) = self.own_size(id, &rec) {
            return Some((id, rec, size));
        }
        let end = self.types.get(id).target;
        let rec = self.blob.get(end).filter(|rec| !is_unsized(rec))?;
        Some((end, rec, self.own_size(end, &rec)?))
    }

    fn own_size(&self, id: u32, rec: &Rec) -> Option<u32> {
        match rec.kind? {
            Kind::Int | Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64 => Some(rec.word),
            Kind::Float | Kind::Datasec => Some(rec.word),
            Kind::Array => Some(self.types.get(id).size),
            Kind::Ptr => Some(self.pointer_size),
            _ => None,
        }
    }

    fn push(&mut self, id: u32) -> Result<(), Stop> {
        if self.stack.len() == DEEPEST {
            return Err(Stop::TooDeep);
        }
        let state = &mut self.types.at(id).state;
        if *state != State::NotVisited {
            return Err(Stop::Loop);
        }
        *state = State::Visited;
        self.stack.push(Frame { id, next: 0 });
        if self.mode == Mode::Undetermined {
            let rec = self.blob.get(id);
            if rec.is_some_and(|rec| rec.is(Kind::Ptr)) {
                self.mode = Mode::Pointer;
            } else if rec.is_some_and(|rec| rec.is_aggregate() || rec.is(Kind::Array)) {
                self.mode = Mode::Aggregate;
            }
        }
        Ok(())
    }

    /// Resolves a type and all that it needs.
    fn resolve(&mut self, root: u32, rec: Rec) -> Result<(), Refusal> {
        let refuse = |errno, message: String| Err(self.blob.refuse(errno, root, &rec, message));
        match self.walk(root) {
            Ok(()) if self.is_consistent(root, &rec) => Ok(()),
            Ok(()) => refuse(Errno::EINVAL, "Invalid resolve state".into()),
            Err(Stop::TooDeep) => refuse(Errno::E2BIG, format!("Exceeded max resolving depth:{DEEPEST}")),
            Err(Stop::Loop) => refuse(Errno::EEXIST, "Loop detected".into()),
            Err(Stop::Refused(refusal)) => Err(refusal),
        }
    }

    fn walk(&mut self, root: u32) -> Result<(), Stop> {
        self.mode = Mode::Undetermined;
        self.push(root)?;
        while let Some(&Frame { id, next }) = self.stack.last() {
            match self.step(id, next)? {
                Step::Done { target, size } => {
                    self.stack.pop();
                    *self.types.at(id) = Resolution { state: State::Resolved, target, size };
                }
                Step::Follow { target, next } => {
                    if let Some(frame) = self.stack.last_mut() {
                        frame.next = next;
                    }
                    self.push(target)?;
                }
            }
        }
        Ok(())
    }

    fn step(&mut self, id: u32, next: u32) -> Result<Step, Refusal> {
        let rec = self.blob.get(id).expect("only types that exist are pushed");
        match rec.kind {
            Some(Kind::Ptr | Kind::Var) => self.pointer(id, &rec),
            Some(Kind::Array) => self.array(id, &rec),
            Some(Kind::Struct | Kind::Union) => self.aggregate(id, &rec, next),
            Some(Kind::Func) => self.function(id, &rec),
            Some(Kind::DeclTag) => self.decl_tag(id, &rec),
            Some(Kind::Datasec) => self.section(id, &rec, next),
            _ => self.modifier(id, &rec),
        }
    }

    fn refuse<T>(&self, id: u32, rec: &Rec, message: &str) -> Result<T, Refusal> {
        Err(self.blob.refuse(Errno::EINVAL, id, rec, message))
    }

    fn modifier(&self, id: u32, rec: &Rec) -> Result<Step, Refusal> {
        let target = self.target(id, rec)?;
        if self.must_follow(rec.word, &target) {
            return Ok(Step::Follow { target: rec.word, next: 0 });
        }
        self.end_of_chain(id, rec, target)
    }

    fn pointer(&self, id: u32, rec: &Rec) -> Result<Step, Refusal> {
        let target = self.target(id, rec)?;
        if self.must_follow(rec.word, &target) {
            return Ok(Step::Follow { target: rec.word, next: 0 });
        }
        // A modifier that was resolved inside an aggregate ends at the first pointer, which may lead back to here.
        if target.is_modifier() {
            let end = self.types.get(rec.word).target;
            let pointer =
                self.blob.get(end).is_some_and(|end_rec| end_rec.is(Kind::Ptr) && self.must_follow(end, &end_rec));
            if pointer {
                return Ok(Step::Follow { target: end, next: 0 });
            }
        }
        if rec.is(Kind::Ptr) {
            return self.end_of_chain(id, rec, target);
        }
        match self.sized_of(rec.word, target) {
            Some((end, ..)) => Ok(Step::Done { target: end, size: 0 }),
            None => self.refuse(id, rec, "Invalid type_id"),
        }
    }

    fn target(&self, id: u32, rec: &Rec) -> Result<Rec<'a>, Refusal> {
        match self.blob.get(rec.word) {
            Some(target) if !is_source_only(&target) => Ok(target),
            _ => self.refuse(id, rec, "Invalid type_id"),
        }
    }

    fn end_of_chain(&self, id: u32, rec: &Rec, target: Rec<'a>) -> Result<Step, Refusal> {
        if let Some((end, ..)) = self.sized_of(rec.word, target) {
            return Ok(Step::Done { target: end, size: 0 });
        }
        let of_target = self.types.get(rec.word);
        let (end, target) = match of_target.state {
            State::Resolved => (of_target.target, self.blob.get(of_target.target)),
            _ => (rec.word, Some(target)),
        };
        match target {
            Some(target) if may_be_incomplete(&target) => Ok(Step::Done { target: end, size: 0 }),
            _ => self.refuse(id, rec, "Invalid type_id"),
        }
    }

    fn array(&self, id: u32, rec: &Rec) -> Result<Step, Refusal> {
        let (elem, index, count) = (rec.body(0), rec.body(1), rec.body(2));
        let usable = |id| self.blob.get(id).filter(|rec| !is_unsized(rec) && !is_source_only(rec));
        let Some(index_rec) = usable(index) else { return self.refuse(id, rec, "Invalid index") };
        if self.must_follow(index, &index_rec) {
            return Ok(Step::Follow { target: index, next: 0 });
        }
        if !self
            .sized_of(index, index_rec)
            .is_some_and(|(_, end, _)| end.is(Kind::Int) && End::of(&end, 0).is_regular())
        {
            return self.refuse(id, rec, "Invalid index");
        }
        let Some(elem_rec) = usable(elem) else { return self.refuse(id, rec, "Invalid elem") };
        if self.must_follow(elem, &elem_rec) {
            return Ok(Step::Follow { target: elem, next: 0 });
        }
        let Some((end, end_rec, size)) = self.sized_of(elem, elem_rec) else {
            return self.refuse(id, rec, "Invalid elem");
        };
        if end_rec.is(Kind::Int) && !End::of(&end_rec, 0).is_regular() {
            return self.refuse(id, rec, "Invalid array of int");
        }
        match size.checked_mul(count) {
            Some(size) => Ok(Step::Done { target: end, size }),
            None => self.refuse(id, rec, "Array size overflows U32_MAX"),
        }
    }

    fn aggregate(&self, id: u32, rec: &Rec, next: u32) -> Result<Step, Refusal> {
        // The member that was followed last is looked at now that its type is resolved.
        if next != 0 {
            let member = rec.member(next - 1);
            members::check(self, id, rec, member, self.blob.get(member.ty))?;
        }
        for index in next..rec.vlen() {
            let member = rec.member(index);
            let usable = self.blob.get(member.ty).filter(|rec| !is_unsized(rec) && !is_source_only(rec));
            let Some(ty) = usable else { return Err(self.blob.refuse_member(id, rec, member, "Invalid member")) };
            if self.must_follow(member.ty, &ty) {
                return Ok(Step::Follow { target: member.ty, next: index + 1 });
            }
            members::check(self, id, rec, member, Some(ty))?;
        }
        Ok(Step::Done { target: 0, size: 0 })
    }

    fn function(&self, id: u32, rec: &Rec) -> Result<Step, Refusal> {
        let Some(proto) = self.blob.get(rec.word).filter(|target| target.is(Kind::FuncProto)) else {
            return self.refuse(id, rec, "Invalid type_id");
        };
        for index in 0..proto.vlen() {
            if matches!(proto.param(index), (0, 1..)) {
                return self.refuse(id, rec, &format!("Invalid arg#{}", index + 1));
            }
        }
        Ok(Step::Done { target: rec.word, size: 0 })
    }

    fn decl_tag(&self, id: u32, rec: &Rec) -> Result<Step, Refusal> {
        let taggable =
            |target: &Rec| target.is_aggregate() || matches!(target.kind, Some(Kind::Func | Kind::Var | Kind::Typedef));
        let Some(target) = self.blob.get(rec.word).filter(taggable) else {
            return self.refuse(id, rec, "Invalid type_id");
        };
        if self.must_follow(rec.word, &target) {
            return Ok(Step::Follow { target: rec.word, next: 0 });
        }
        let component = rec.body(0);
        if component as i32 != -1 {
            let components = match target.kind {
                Some(Kind::Struct | Kind::Union) => target.vlen(),
                Some(Kind::Func) => self.blob.get(target.word).map_or(0, |proto| proto.vlen()),
                _ => 0,
            };
            if component >= components {
                return self.refuse(id, rec, "Invalid component_idx");
            }
        }
        Ok(Step::Done { target: rec.word, size: 0 })
    }

    fn section(&mut self, id: u32, rec: &Rec, next: u32) -> Result<Step, Refusal> {
        self.mode = Mode::Undetermined;
        for index in next..rec.vlen() {
            let var = rec.var(index);
            let refuse = |message: &str| Err(self.blob.refuse_var(id, rec, var, message));
            let Some(target) = self.blob.get(var.ty).filter(|target| target.is(Kind::Var)) else {
                return refuse("Not a VAR kind member");
            };
            if self.must_follow(var.ty, &target) {
                // The kernel goes on with the next one: the size of this one is not compared.
                return Ok(Step::Follow { target: var.ty, next: index + 1 });
            }
            match self.sized(target.word) {
                None => return refuse("Invalid type"),
                Some((_, _, size)) if var.size < size => return refuse("Invalid size"),
                Some(_) => {}
            }
        }
        Ok(Step::Done { target: 0, size: 0 })
    }

    /// A prototype's return type and parameters must be objects; the types that they need are resolved on the spot.
    fn prototype(&mut self, id: u32, rec: &Rec) -> Result<(), Refusal> {
        if rec.word != 0 && !self.is_passable(rec.word)? {
            return self.refuse(id, rec, "Invalid return type");
        }
        let mut count = rec.vlen();
        if let Some(last) = count.checked_sub(1)
            && let (name, 0) = rec.param(last)
        {
            if name != 0 {
                return self.refuse(id, rec, &format!("Invalid arg#{count}"));
            }
            count = last;
        }
        for index in 0..count {
            let (name, ty) = rec.param(index);
            let known = self.blob.get(ty).is_some_and(|target| !is_source_only(&target));
            let good_name = || name == 0 || self.blob.has_string(name) && self.blob.is_identifier(name);
            if !(known && good_name() && self.is_passable(ty)?) {
                return self.refuse(id, rec, &format!("Invalid arg#{}", index + 1));
            }
        }
        Ok(())
    }

    fn is_passable(&mut self, id: u32) -> Result<bool, Refusal> {
        let Some(rec) = self.blob.get(id).filter(|rec| !is_source_only(rec)) else { return Ok(false) };
        if needs_resolving(&rec) && !self.is_resolved(id) {
            self.resolve(id, rec)?;
        }
        Ok(self.sized_of(id, rec).is_some())
    }

    /// The kernel's own doubt about what a walk left behind.
    fn is_consistent(&self, id: u32, rec: &Rec) -> bool {
        let Resolution { state, target, size } = self.types.get(id);
        if state != State::Resolved {
            return false;
        }
        match rec.kind {
            Some(Kind::Struct | Kind::Union | Kind::Datasec) => target == 0 && size == 0,
            Some(Kind::DeclTag | Kind::Func) => target != 0 && size == 0,
            Some(Kind::Array) => {
                let elem = self.sized(rec.body(0));
                elem.is_some_and(|(_, end, one)| !end.is_modifier() && one.wrapping_mul(rec.body(2)) == size)
            }
            _ => self
                .blob
                .get(target)
                .is_some_and(|end| !end.is_modifier() && !matches!(end.kind, Some(Kind::Var | Kind::Datasec))),
        }
    }
}
