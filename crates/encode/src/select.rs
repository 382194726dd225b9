//! Which functions are emitted, and of several instances of one, which.
//!
//! All instances whose base name (up to the first '.') is that of a function symbol form a run, in the order of units.
//! What one instance knows against a function counts for the whole run. The rules are the reference's, in its order;
//! where it decides by the last of several reasons, so does this.

use crate::met::{Functions, Met};
use crate::program::Program;
use crate::prototype::prototypes_match;
use crate::walk::Gleaned;
use btfkit_btf::Kind;
use btfkit_btf::dedup::{Meaning, Shallow, TypeGraph};
use btfkit_btf::names::is_identifier;
use btfkit_btf::unit::{Name, NameRef, name_hash};
use btfkit_dwarf::Function;
use btfkit_elf::FunctionSymbol;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

/// Why a function is left out; [`code`](Reason::code) is stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    UnexpectedRegister,
    InconsistentPrototype,
    UncertainLocation,
    ReorderedParameters,
    OptimizedParameters,
    AmbiguousAddress,
    UnnamedParameter,
    VoidParameter,
    InvalidName,
    OnlyDeclared,
    NotInSymbolTable,
}

impl Reason {
    pub fn code(self) -> &'static str {
        match self {
            Reason::UnexpectedRegister => "unexpected-register",
            Reason::InconsistentPrototype => "inconsistent-prototype",
            Reason::UncertainLocation => "uncertain-location",
            Reason::ReorderedParameters => "reordered-parameters",
            Reason::OptimizedParameters => "optimized-parameters",
            Reason::AmbiguousAddress => "ambiguous-address",
            Reason::UnnamedParameter => "unnamed-parameter",
            Reason::VoidParameter => "void-parameter",
            Reason::InvalidName => "invalid-name",
            Reason::OnlyDeclared => "only-declared",
            Reason::NotInSymbolTable => "not-in-symbol-table",
        }
    }

    pub fn detail(self) -> &'static str {
        match self {
            Reason::UnexpectedRegister => "a parameter is in another register than the calling convention says",
            Reason::InconsistentPrototype => "several functions of this name have different prototypes",
            Reason::UncertainLocation => "a parameter is on the stack at a place that BTF cannot tell",
            Reason::ReorderedParameters => "the compiler changed the order of the parameters",
            Reason::OptimizedParameters => "the compiler changed the parameters of this function",
            Reason::AmbiguousAddress => "several functions of this name are at different addresses",
            Reason::UnnamedParameter => "a parameter has no name",
            Reason::VoidParameter => "a parameter has no type",
            Reason::InvalidName => "the kernel would not take the name of the function or of a parameter",
            Reason::OnlyDeclared => {
                "units declare it and none defines it under this name (an alias, or assembler code)"
            }
            Reason::NotInSymbolTable => "no function symbol has this name",
        }
    }
}

/// A function that is emitted.
pub(crate) struct Selected<'p, 'f> {
    pub name: &'p [u8],
    /// Its [`name_hash`].
    pub hash: u64,
    pub proto: Meaning,
    pub tags: &'f [(i32, Name)],
    /// Flags of the kfunc that it is.
    pub kfunc: Option<u32>,
}

#[derive(Default)]
pub(crate) struct Selection<'p, 'f> {
    /// In the order of names.
    pub functions: Vec<Selected<'p, 'f>>,
    pub skipped: Vec<(&'p [u8], Reason)>,
}

/// What is asked of an instance often, near to that of its neighbours; functions themselves are all over the memory.
#[derive(Clone, Copy)]
struct Instance<'f> {
    function: &'f Function,
    /// Place of the function's name among those of all that are met.
    rank: u32,
    proto: Meaning,
    /// What the machine code has, with true signatures.
    true_proto: Option<Meaning>,
    unnamed: bool,
    unexpected: bool,
    inconsistent: bool,
    uncertain: bool,
    reordered: bool,
    /// Parameters are gone, and the function would be emitted as the source has it.
    optimized: bool,
    tagged: bool,
}

pub(crate) struct Rules {
    pub consistent: bool,
    pub true_signature: bool,
}

/// Decides every function of the symbol table that any unit has an instance of. `groups` by number.
pub(crate) fn select<'p, 'f, 'n>(
    program: &'p Program<'_>,
    functions: &Functions<'p>,
    groups: &'f [Gleaned],
    graph: &TypeGraph,
    rules: &Rules,
    name_of: impl Fn(NameRef) -> &'n [u8] + Sync,
) -> Selection<'p, 'f> {
    let of_group = |(number, group): (usize, &'f Gleaned)| {
        group.functions.iter().map(move |function| Instance::new(number as u32, function, graph, rules))
    };
    let by_unit: Vec<Instance<'f>> = groups.par_iter().enumerate().flat_map_iter(of_group).collect();
    let in_order = functions.instances.par_iter();
    let mut instances: Vec<_> =
        in_order.map(|&(rank, instance)| Instance { rank, ..by_unit[instance as usize] }).collect();
    drop(by_unit);

    let met = functions.met.as_slice();
    let deciding =
        || Deciding { program, met, graph, rules, identifiers: Identifiers::new(&name_of), done: Selection::default() };
    let runs = instances.par_chunk_by_mut(|a, b| a.rank == b.rank);
    let decided: Vec<Selection<'_, '_>> = runs.fold(deciding, Deciding::run).map(|deciding| deciding.done).collect();
    let mut selection = Selection::of(decided);
    let only_declared = met.iter().filter(|met| !met.defined);
    selection.skipped.extend(only_declared.map(|met| (met.name, Reason::OnlyDeclared)));
    selection
}

impl Selection<'_, '_> {
    /// Successive ones as one.
    fn of(parts: Vec<Self>) -> Self {
        let mut all = Selection::default();
        all.functions.reserve_exact(parts.iter().map(|part| part.functions.len()).sum());
        for mut part in parts {
            all.functions.append(&mut part.functions);
            all.skipped.append(&mut part.skipped);
        }
        all
    }
}

/// Some successive runs, and what came of them.
struct Deciding<'s, 'p, 'd, 'f, F> {
    program: &'p Program<'d>,
    met: &'s [Met<'p>],
    graph: &'s TypeGraph,
    rules: &'s Rules,
    identifiers: Identifiers<'s, F>,
    done: Selection<'p, 'f>,
}

impl<'n, 'f, F: Fn(NameRef) -> &'n [u8]> Deciding<'_, '_, '_, 'f, F> {
    fn run(mut self, run: &mut [Instance<'f>]) -> Self {
        let met = &self.met[run[0].rank as usize];
        // Instances with nameless parameters count for nothing, unless there are no others.
        let named = named_first(run);
        let run = &mut run[..named];
        if run.is_empty() {
            self.done.skipped.push((met.name, Reason::UnnamedParameter));
            return self;
        }
        combine(run, self.graph);
        for choice in decide(run, met, self.rules).into_iter().flatten() {
            let chosen = choice.and_then(|chosen| {
                // A clone's name has a suffix.
                let named = if chosen.plain { met.identifier } else { is_identifier(chosen.name) };
                match named {
                    true => fit(self.graph.shallow(chosen.proto), &mut self.identifiers).map(|()| chosen),
                    false => Err(Reason::InvalidName),
                }
            });
            match chosen {
                Err(reason) => self.done.skipped.push((met.name, reason)),
                Ok(Chosen { instance, name, plain, proto }) => {
                    self.done.functions.push(Selected {
                        name,
                        hash: if plain { met.hash } else { name_hash(name) },
                        proto,
                        tags: if instance.tagged { &instance.function.tags } else { &[] },
                        kfunc: self.program.kfuncs.get(&met.index.0).copied().filter(|_| plain),
                    });
                }
            }
        }
        self
    }
}

/// Which names are identifiers: functions have parameters of the same names over and over.
struct Identifiers<'s, F> {
    name_of: &'s F,
    known: FxHashMap<u64, bool>,
}

impl<'s, 'n, F: Fn(NameRef) -> &'n [u8]> Identifiers<'s, F> {
    fn new(name_of: &'s F) -> Identifiers<'s, F> {
        Identifiers { name_of, known: FxHashMap::default() }
    }

    fn has(&mut self, name: Name) -> bool {
        *self.known.entry(name.hash).or_insert_with(|| is_identifier((self.name_of)(name.at)))
    }
}

/// Puts the instances whose parameters all have names first, in order; returns how many they are.
fn named_first(run: &mut [Instance<'_>]) -> usize {
    run.sort_by_key(|i| i.unnamed);
    run.partition_point(|i| !i.unnamed)
}

impl<'f> Instance<'f> {
    fn new(group: u32, function: &'f Function, graph: &TypeGraph, rules: &Rules) -> Instance<'f> {
        let facts = &function.facts;
        let true_proto = function.true_proto.filter(|_| rules.true_signature);
        Instance {
            function,
            rank: 0,
            proto: graph.anchor(group, function.proto),
            true_proto: true_proto.map(|proto| graph.anchor(group, proto)),
            unnamed: facts.unnamed_parameter,
            unexpected: facts.unexpected_register,
            inconsistent: false,
            uncertain: facts.uncertain_location,
            reordered: facts.reordered_parameters,
            optimized: facts.optimized_parameters && !rules.true_signature,
            tagged: !function.tags.is_empty(),
        }
    }

    /// The compiler changed what is passed, and BTF would say what the source says.
    fn changed(&self, symbols: &[FunctionSymbol<'_>]) -> bool {
        let clone = || symbols.iter().any(|s| Some(s.address) == self.function.address && is_optimized_clone(s.name));
        self.optimized && (self.function.facts.signature_changed || clone())
    }
}

fn is_optimized_clone(name: &[u8]) -> bool {
    let contains = |part: &[u8]| name.windows(part.len()).any(|w| w == part);
    contains(b".constprop") || contains(b".isra")
}

/// What one instance knows holds for all.
fn combine(run: &mut [Instance<'_>], graph: &TypeGraph) {
    let (first, others) = run.split_first_mut().expect("a run is not empty");
    let proto = |i: &Instance<'_>| graph.shallow(i.proto);
    for other in others {
        for (a, b) in [
            (&mut first.unexpected, &mut other.unexpected),
            (&mut first.inconsistent, &mut other.inconsistent),
            (&mut first.uncertain, &mut other.uncertain),
            (&mut first.reordered, &mut other.reordered),
        ] {
            *a |= *b;
            *b = *a;
        }
        let matches = |a: &Instance<'_>, b: &Instance<'_>| {
            a.function.facts.wide_enums == b.function.facts.wide_enums && prototypes_match(proto(a), proto(b))
        };
        let settled = first.unexpected || first.inconsistent || first.reordered;
        if !settled && !matches(first, other) {
            (first.inconsistent, other.inconsistent) = (true, true);
        }
    }
}

/// An instance that is emitted, under which name, and its prototype.
struct Chosen<'i, 'p, 'f> {
    instance: &'i Instance<'f>,
    name: &'p [u8],
    /// It is the name of the run, and not that of a clone.
    plain: bool,
    proto: Meaning,
}

type Choice<'i, 'p, 'f> = Result<Chosen<'i, 'p, 'f>, Reason>;

/// What is emitted for a run: one function, or with true signatures a clone and the plain function beside it.
fn decide<'i, 'p, 'f>(run: &'i [Instance<'f>], met: &Met<'p>, rules: &Rules) -> [Option<Choice<'i, 'p, 'f>>; 2] {
    let symbols = met.symbols;
    if rules.true_signature {
        // A clone is emitted as what it is, under its own name.
        let clones = run.iter().filter(|i| !i.unexpected && !i.uncertain).filter_map(|instance| {
            let clone = symbols.iter().find(|s| Some(s.address) == instance.function.address && s.suffixed)?;
            let proto = instance.true_proto.unwrap_or(instance.proto);
            Some(Chosen { instance, name: clone.name, plain: false, proto })
        });
        if let Some(clone) = clones.take(1).next() {
            // The plain function is another one: only its own symbols say where it is.
            let plain: Vec<u64> = symbols.iter().filter(|s| !s.suffixed).map(|s| s.address).collect();
            let at_plain = run.iter().find(|i| i.function.address.is_some_and(|a| plain.contains(&a)));
            let Some(plain_instance) = at_plain else { return [Some(Ok(clone)), None] };
            let ambiguous = plain.iter().any(|&a| a != plain[0]);
            return [Some(verdict(run, plain_instance, ambiguous, met, rules)), Some(Ok(clone))];
        }
    }
    let canonical = canonical(run, symbols);
    [Some(verdict(run, canonical, met.ambiguous, met, rules)), None]
}

fn verdict<'i, 'p, 'f>(
    run: &'i [Instance<'f>],
    canonical: &'i Instance<'f>,
    ambiguous: bool,
    met: &Met<'p>,
    rules: &Rules,
) -> Choice<'i, 'p, 'f> {
    let first = &run[0];
    let reasons = [
        (first.unexpected, Reason::UnexpectedRegister),
        (first.inconsistent && rules.consistent, Reason::InconsistentPrototype),
        (first.uncertain, Reason::UncertainLocation),
        (first.reordered, Reason::ReorderedParameters),
        (canonical.changed(met.symbols), Reason::OptimizedParameters),
        (ambiguous, Reason::AmbiguousAddress),
    ];
    if let Some(&(_, reason)) = reasons.iter().rev().find(|(applies, _)| *applies) {
        return Err(reason);
    }
    let proto = canonical.true_proto.unwrap_or(canonical.proto);
    Ok(Chosen { instance: canonical, name: met.name, plain: true, proto })
}

/// The instance that the linker has kept, where addresses tell (a strong definition wins over a weak one).
fn canonical<'i, 'f>(run: &'i [Instance<'f>], symbols: &[FunctionSymbol<'_>]) -> &'i Instance<'f> {
    if run.len() == 1 {
        return &run[0];
    }
    let linked = |i: &&Instance<'_>| symbols.iter().any(|s| Some(s.address) == i.function.address);
    let mut first = None;
    for instance in run.iter().filter(linked) {
        if !instance.changed(symbols) {
            return instance;
        }
        first.get_or_insert(instance);
    }
    first.unwrap_or(&run[0])
}

fn ends_in_void(mut ty: Shallow<'_>) -> bool {
    // Lowering has cut longer chains.
    for _ in 0..64 {
        if ty.is_void() {
            return true;
        }
        match ty.kind() {
            Kind::Typedef | Kind::Const | Kind::Volatile | Kind::Restrict | Kind::TypeTag => ty = ty.target(),
            _ => return false,
        }
    }
    true
}

/// Whether the kernel would take the prototype.
fn fit<'n>(proto: Shallow<'_>, identifiers: &mut Identifiers<'_, impl Fn(NameRef) -> &'n [u8]>) -> Result<(), Reason> {
    debug_assert_eq!(proto.kind(), Kind::FuncProto);
    let members = proto.members();
    let last = members.len().wrapping_sub(1);
    for (i, (name, ty)) in members.enumerate() {
        // The last one may be the dots of a variadic function.
        let dots = i == last && ty.is_void() && name.is_none();
        if !dots && ends_in_void(ty) {
            return Err(Reason::VoidParameter);
        }
        if !dots && name.is_none() {
            return Err(Reason::UnnamedParameter);
        }
        if !dots && !identifiers.has(name) {
            return Err(Reason::InvalidName);
        }
    }
    Ok(())
}
