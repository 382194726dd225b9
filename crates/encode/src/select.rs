//! Which functions are emitted, and of several instances of one, which.
//!
//! All instances whose base name (up to the first '.') is that of a function symbol form a run, in the order of units.
//! What one instance knows against a function counts for the whole run. The rules are the reference's, in its order;
//! where it decides by the last of several reasons, so does this.

use crate::program::Program;
use crate::prototype::prototypes_match;
use btfkit_btf::Kind;
use btfkit_btf::dedup::{Meaning, TypeGraph};
use btfkit_btf::names::is_identifier;
use btfkit_btf::unit::{Name, NameRef};
use btfkit_dwarf::Function;
use btfkit_elf::FunctionIndex;

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
    InvalidName,
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
            Reason::InvalidName => "invalid-name",
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
            Reason::UnnamedParameter => "a parameter has no name that the kernel would take",
            Reason::InvalidName => "the kernel would not take the function's name",
            Reason::NotInSymbolTable => "no function symbol has this name",
        }
    }
}

/// A function that is emitted.
pub(crate) struct Selected<'p> {
    pub name: &'p [u8],
    pub proto: Meaning,
    pub tags: Vec<(i32, Name)>,
    /// Flags of the kfunc that it is.
    pub kfunc: Option<u32>,
}

pub(crate) struct Selection<'p> {
    /// In the order of names.
    pub functions: Vec<Selected<'p>>,
    pub skipped: Vec<(&'p [u8], Reason)>,
}

struct Instance<'a> {
    function: &'a Function,
    group: u32,
    unexpected: bool,
    inconsistent: bool,
    uncertain: bool,
    reordered: bool,
    optimized_symbol: bool,
}

pub(crate) struct Rules {
    pub consistent: bool,
    pub true_signature: bool,
}

/// Decides every function of the symbol table that any unit has an instance of. `instances` in the order of groups.
pub(crate) fn select<'p, 'n>(
    program: &'p Program<'_>,
    instances: Vec<(u32, &Function)>,
    graph: &TypeGraph,
    rules: &Rules,
    name_of: impl Fn(NameRef) -> &'n [u8],
) -> Selection<'p> {
    let mut instances: Vec<Instance<'_>> =
        instances.into_iter().map(|(group, function)| Instance::new(group, function, program)).collect();
    // Stable: within a function, in the order of units.
    instances.sort_by_key(|i| i.function.symbol);
    let mut selection = Selection { functions: Vec::new(), skipped: Vec::new() };
    for run in instances.chunk_by_mut(|a, b| a.function.symbol == b.function.symbol) {
        let index = FunctionIndex(run[0].function.symbol);
        let name = program.functions.name(index);
        // Instances with nameless parameters count for nothing, unless there are no others.
        let named = named_first(run);
        let run = &mut run[..named];
        if run.is_empty() {
            selection.skipped.push((name, Reason::UnnamedParameter));
            continue;
        }
        combine(run, graph);
        match decide(run, index, program, rules) {
            Err(reason) => selection.skipped.push((name, reason)),
            Ok((instance, name, proto)) => {
                let proto = graph.anchor(instance.group, proto);
                if let Some(reason) = unfit(name, proto, graph, &name_of) {
                    selection.skipped.push((name, reason));
                    continue;
                }
                selection.functions.push(Selected {
                    name,
                    proto,
                    tags: instance.function.tags.clone(),
                    kfunc: program.kfuncs.get(&index.0).copied().filter(|_| name == program.functions.name(index)),
                });
            }
        }
    }
    selection
}

/// Puts the instances whose parameters all have names first, in order; returns how many they are.
fn named_first(run: &mut [Instance<'_>]) -> usize {
    run.sort_by_key(|i| i.function.facts.unnamed_parameter);
    run.partition_point(|i| !i.function.facts.unnamed_parameter)
}

impl<'a> Instance<'a> {
    fn new(group: u32, function: &'a Function, program: &Program<'_>) -> Instance<'a> {
        let symbols = program.functions.symbols(FunctionIndex(function.symbol));
        let optimized = |name: &[u8]| [&b".constprop"[..], b".isra"].iter().any(|s| contains(name, s));
        Instance {
            function,
            group,
            unexpected: function.facts.unexpected_register,
            inconsistent: false,
            uncertain: function.facts.uncertain_location,
            reordered: function.facts.reordered_parameters,
            optimized_symbol: symbols.iter().any(|s| Some(s.address) == function.address && optimized(s.name)),
        }
    }

    /// The compiler changed what is passed, and BTF would say what the source says.
    fn changed(&self, rules: &Rules) -> bool {
        let facts = &self.function.facts;
        facts.optimized_parameters && (facts.signature_changed || self.optimized_symbol) && !rules.true_signature
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|w| w == part)
}

/// What one instance knows holds for all.
fn combine(run: &mut [Instance<'_>], graph: &TypeGraph) {
    let (first, others) = run.split_first_mut().expect("a run is not empty");
    let proto = |i: &Instance<'_>| graph.shallow(graph.anchor(i.group, i.function.proto));
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
        if !(first.unexpected || first.inconsistent || first.reordered) && !prototypes_match(proto(first), proto(other)) {
            (first.inconsistent, other.inconsistent) = (true, true);
        }
    }
}

/// The instance that speaks for the function, the name under which it is emitted, and its prototype's anchor.
fn decide<'i, 'p, 'f>(
    run: &'i [Instance<'f>],
    index: FunctionIndex,
    program: &'p Program<'_>,
    rules: &Rules,
) -> Result<(&'i Instance<'f>, &'p [u8], u32), Reason> {
    let symbols = program.functions.symbols(index);
    let ambiguous = program.functions.ambiguous(index);
    if rules.true_signature {
        // A clone is emitted as what it is, under its own name.
        for instance in run.iter().filter(|i| !i.unexpected && !i.uncertain) {
            let clone = symbols.iter().find(|s| Some(s.address) == instance.function.address && s.suffixed);
            if let Some(clone) = clone {
                let proto = instance.function.true_proto.unwrap_or(instance.function.proto);
                return Ok((instance, clone.name, proto));
            }
        }
    }
    let canonical = canonical(run, |i| symbols.iter().any(|s| Some(s.address) == i.function.address), rules);
    let first = &run[0];
    let reasons = [
        (first.unexpected, Reason::UnexpectedRegister),
        (first.inconsistent && rules.consistent, Reason::InconsistentPrototype),
        (first.uncertain, Reason::UncertainLocation),
        (first.reordered, Reason::ReorderedParameters),
        (canonical.changed(rules), Reason::OptimizedParameters),
        (ambiguous, Reason::AmbiguousAddress),
    ];
    match reasons.iter().rev().find(|(applies, _)| *applies) {
        Some(&(_, reason)) => Err(reason),
        None => {
            let function = canonical.function;
            let proto = function.true_proto.filter(|_| rules.true_signature).unwrap_or(function.proto);
            Ok((canonical, program.functions.name(index), proto))
        }
    }
}

/// The instance that the linker has kept, where addresses tell (a strong definition wins over a weak one).
fn canonical<'i, 'f>(
    run: &'i [Instance<'f>],
    linked: impl Fn(&Instance<'f>) -> bool,
    rules: &Rules,
) -> &'i Instance<'f> {
    if run.len() == 1 {
        return &run[0];
    }
    let mut first = None;
    for instance in run.iter().filter(|i| linked(i)) {
        if !instance.changed(rules) {
            return instance;
        }
        first.get_or_insert(instance);
    }
    first.unwrap_or(&run[0])
}

/// What the kernel would not take.
fn unfit<'n>(name: &[u8], proto: Meaning, graph: &TypeGraph, name_of: &impl Fn(NameRef) -> &'n [u8]) -> Option<Reason> {
    if !is_identifier(name) {
        return Some(Reason::InvalidName);
    }
    let proto = graph.shallow(proto);
    debug_assert_eq!(proto.kind(), Kind::FuncProto);
    let members = proto.members();
    let last = members.len().wrapping_sub(1);
    for (i, (name, ty)) in members.enumerate() {
        // The last one may be the dots of a variadic function.
        let dots = i == last && ty.is_void() && name.is_none();
        if !dots && (name.is_none() || !is_identifier(name_of(name.at))) {
            return Some(Reason::UnnamedParameter);
        }
    }
    None
}
