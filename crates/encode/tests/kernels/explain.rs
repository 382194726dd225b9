//! Why a function or variable of one encoding is not in the other, or is another there.
//!
//! Every explanation is checked against something that the encoder did not say: the symbols, the types of the
//! prototypes, or what the reference says. Only for rules that the reference has got after its version, the encoder's
//! report must do.

use crate::difference::{Aside, Side, differences};
use crate::faults;
use crate::inputs::{Encoding, Machine, note};
use crate::pahole::ALL_RULES;
use crate::text::Texts;
use btfkit_btf::{Btf, Type, TypeId};
use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};

/// So many of the reference's functions may be left out by rules that it has not: of a kernel, and of a program that was
/// optimized as a whole.
const MOST_OF_A_KERNEL: f64 = 0.05;
const MOST_OF_A_PROGRAM: f64 = 0.25;
/// What has more functions than this is a kernel.
const KERNEL: usize = 10_000;

pub enum Against<'a> {
    /// A reference encoding of that kernel, by the newest reference.
    Golden {
        kernel: &'a str,
    },
    /// The same of one of its modules, with the meanings of their base.
    Module {
        base: &'a [u64],
    },
    Pahole {
        minor: u32,
        kfunc_tags: bool,
        said: &'a dyn Fn() -> HashMap<String, String>,
    },
}

pub struct Judge<'a> {
    pub ours: &'a Encoding,
    pub theirs: &'a Btf,
    pub against: Against<'a>,
}

impl Judge<'_> {
    /// Panics with all that has no explanation; notes what has one.
    pub fn same(&self, what: &str) {
        match self.verdict() {
            Ok(same) => note(&format!("{what}: {same}")),
            Err(faults) => panic!("{what}: {faults}"),
        }
    }

    /// What has an explanation, or else all that has none.
    pub fn verdict(&self) -> Result<String, String> {
        let base = if let Against::Module { base } = self.against { base } else { &[] };
        let (ours, theirs) = (Side::on(base, &self.ours.btf), Side::on(base, self.theirs));
        let mut aside = Aside { kfunc_tags: !self.has_kfunc_tags(), ..Aside::default() };
        let mut rules: BTreeMap<String, usize> = BTreeMap::new();
        let mut faults = Vec::new();
        let mut explained = |name: &str, verdict: Result<String, String>| match verdict {
            Ok(rule) => {
                *rules.entry(rule).or_default() += 1;
                true
            }
            Err(fault) => {
                faults.push(format!("{name}: {fault}"));
                false
            }
        };
        let said = OnceCell::new();
        let mut texts = (Texts::of(&self.ours.btf), Texts::of(self.theirs));
        let mut only_theirs = 0;
        for name in ours.functions.keys().chain(theirs.functions.keys()) {
            let none = Vec::new();
            let mine = ours.functions.get(name).unwrap_or(&none);
            let other = theirs.functions.get(name).unwrap_or(&none);
            let same =
                mine.len() == other.len() && mine.iter().zip(other).all(|(&a, &b)| texts.0.get(a) == texts.1.get(b));
            if same || aside.functions.contains(name) {
                continue;
            }
            let verdict = match (&mine[..], &other[..]) {
                ([], there) => {
                    only_theirs += 1;
                    self.function_only_there(name, there)
                }
                ([here, ..], []) => self.function_only_here(name, *here, &said),
                (here, there) => self.other_prototype(here, there),
            };
            if explained(name, verdict) {
                aside.functions.insert(name.clone());
            }
        }
        for name in ours.variables.keys().chain(theirs.variables.keys()) {
            let verdict = match (ours.variables.contains_key(name), theirs.variables.contains_key(name)) {
                (true, true) => continue,
                (true, false) => self.variable_only_here(name),
                (false, _) => self.variable_only_there(name),
            };
            if explained(name, verdict) {
                aside.variables.insert(name.clone());
            }
        }
        let all = theirs.functions.len();
        let most = if all > KERNEL { MOST_OF_A_KERNEL } else { MOST_OF_A_PROGRAM };
        if !matches!(self.against, Against::Module { .. }) && f64::from(only_theirs) > all as f64 * most {
            faults.push(format!("{only_theirs} of {all} functions are left out"));
        }
        faults.extend(self.faults_that_are_none(&aside));
        faults.extend(differences(&ours, &theirs, &aside));
        let rules: Vec<String> = rules.iter().map(|(rule, count)| format!("{count} {rule}")).collect();
        let same =
            if rules.is_empty() { "the same".to_owned() } else { format!("the same but for {}", rules.join("; ")) };
        if faults.is_empty() {
            return Ok(same);
        }
        let shown = faults.iter().take(40).map(|fault| fault.chars().take(400).collect::<String>());
        let shown = shown.collect::<Vec<_>>().join("\n");
        Err(format!("explained: {same}\n{} differences without explanation:\n{shown}", faults.len()))
    }

    fn minor(&self) -> u32 {
        match self.against {
            Against::Golden { .. } | Against::Module { .. } => ALL_RULES,
            Against::Pahole { minor, .. } => minor,
        }
    }

    fn has_kfunc_tags(&self) -> bool {
        match self.against {
            Against::Golden { .. } | Against::Module { .. } => true,
            Against::Pahole { kfunc_tags, .. } => kfunc_tags,
        }
    }

    fn reason(&self, what: &str, name: &str) -> Option<&'static str> {
        let skipped = &self.ours.report.skipped;
        skipped.iter().find(|one| one.what == what && one.name == name).map(|one| one.reason)
    }

    /// Every fault of the reference's that the table names is one.
    fn faults_that_are_none(&self, aside: &Aside) -> Vec<String> {
        let Against::Golden { kernel } = self.against else { return Vec::new() };
        let none = faults::of(kernel).filter(|fault| !aside.functions.contains(fault.function));
        none.map(|fault| format!("{}: a fault by our table ({}), but no difference", fault.function, fault.why))
            .collect()
    }

    fn function_only_there(&self, name: &str, there: &[TypeId]) -> Result<String, String> {
        let text = || format!("only theirs: {}", Texts::of(self.theirs).get(there[0]));
        let Some(reason) = self.reason("function", name) else {
            return Err(format!("{} and not in the report", text()));
        };
        if let Against::Golden { kernel } = self.against {
            let listed = faults::of(kernel).any(|fault| fault.function == name && fault.reason == reason);
            let rule = || format!("left out as {reason} by our table ({name})");
            return if listed { Ok(rule()) } else { Err(format!("{}, left out as {reason}", text())) };
        }
        let kernel_would_refuse = matches!(reason, "void-parameter" | "invalid-name");
        let rule_of_all = matches!(
            reason,
            "unexpected-register"
                | "inconsistent-prototype"
                | "uncertain-location"
                | "reordered-parameters"
                | "optimized-parameters"
                | "ambiguous-address"
        );
        if kernel_would_refuse || rule_of_all && self.minor() < ALL_RULES {
            return Ok(format!("left out as {reason}"));
        }
        let prototypes = || there.iter().map(|&id| Prototype::of(self.theirs, id));
        let because = match reason {
            "uncertain-location" => prototypes().any(|p| p.has_aggregate_or_int128()).then_some("structs by value"),
            // For the reference, symbols of relocatable files have no addresses.
            "optimized-parameters" | "ambiguous-address" if self.ours.is_relocatable => {
                let symbols = [&self.ours.suffixed, &self.ours.repeated];
                symbols.iter().any(|names| names.contains(name.as_bytes())).then_some("relocatable")
            }
            // A rule of its development version that has no number of its own yet.
            "reordered-parameters" if self.minor() == ALL_RULES => Some("not in every 1.31"),
            _ => None,
        };
        because
            .map(|why| format!("left out as {reason} ({why})"))
            .ok_or_else(|| format!("{}, left out as {reason}", text()))
    }

    fn function_only_here(
        &self,
        name: &str,
        here: TypeId,
        said: &OnceCell<HashMap<String, String>>,
    ) -> Result<String, String> {
        let text = || format!("only ours: {}", Texts::of(&self.ours.btf).get(here));
        let prototype = Prototype::of(&self.ours.btf, here);
        let registers = || {
            if self.ours.machine.number == Machine::ARM && prototype.arm_words() > 4 {
                return Ok("kept: arm has four registers for arguments".to_owned());
            }
            if prototype.has_floats() {
                return Ok("kept: floating-point arguments have registers of their own".to_owned());
            }
            if prototype.has_union() {
                return Ok("kept: unions in memory take no register".to_owned());
            }
            Err(format!("{}, which the reference leaves out for unexpected registers", text()))
        };
        let Against::Pahole { minor, said: ask, .. } = &self.against else { return registers() };
        if *minor < ALL_RULES {
            // It compares whole names of symbols.
            let clone =
                !self.ours.function_symbols.contains(name.as_bytes()) && self.ours.suffixed.contains(name.as_bytes());
            return if clone { Ok("of which there is only a clone".to_owned()) } else { Err(text()) };
        }
        match said.get_or_init(ask).get(name) {
            Some(why) if why.contains("register") => registers(),
            // Its development version keeps those whose symbols say nothing of that.
            Some(why) if why.contains("optimized") && *minor == ALL_RULES => Ok("kept: not in every 1.31".to_owned()),
            // Addresses in sections of relocatable files are no addresses.
            Some(why) if why.contains("ambiguous") && self.ours.is_relocatable => Ok("not ambiguous".to_owned()),
            Some(why) => Err(format!("{}, which the reference leaves out: {why}", text())),
            None => Err(text()),
        }
    }

    /// Of several definitions, the reference may have taken another: one that differs in what does not count.
    fn other_prototype(&self, here: &[TypeId], there: &[TypeId]) -> Result<String, String> {
        let (mut mine, mut other) = (Texts::loose(&self.ours.btf), Texts::loose(self.theirs));
        let wanted = mine.get(here[0]);
        if here.len() == 1 && there.iter().all(|&id| other.get(id) == wanted) {
            return Ok("with the names or const of another definition".to_owned());
        }
        let text = |btf, ids: &[TypeId]| ids.iter().map(|&id| Texts::of(btf).get(id)).collect::<Vec<_>>().join(" and ");
        Err(format!("ours {}, theirs {}", text(&self.ours.btf, here), text(self.theirs, there)))
    }

    fn variable_only_here(&self, name: &str) -> Result<String, String> {
        let is_first = self.ours.btf.types().any(|(_, ty)| match ty {
            Type::Datasec { vars, .. } => vars
                .first()
                .is_some_and(|first| first.offset == 0 && self.ours.btf.name(first.var) == Some(name.as_bytes())),
            _ => false,
        });
        if is_first && self.minor() < ALL_RULES {
            return Ok("variables at address 0, which could be something else for the reference".to_owned());
        }
        Err("a variable only of ours".to_owned())
    }

    fn variable_only_there(&self, name: &str) -> Result<String, String> {
        match self.reason("variable", name) {
            Some(reason @ ("zero-size" | "overlap" | "void-type" | "invalid-name" | "filtered-name")) => {
                Ok(format!("variables left out as {reason}"))
            }
            other => Err(format!("a variable only of theirs; in our report: {other:?}")),
        }
    }
}

/// The types of a function's parameters.
struct Prototype<'a> {
    btf: &'a Btf,
    ret: TypeId,
    parameters: Vec<TypeId>,
}

impl<'a> Prototype<'a> {
    fn of(btf: &'a Btf, function: TypeId) -> Prototype<'a> {
        let Some(Type::Func { proto, .. }) = btf.get(function) else { panic!("{function} is no function") };
        let Some(Type::FuncProto { ret, params }) = btf.get(proto) else { panic!("{proto} is no prototype") };
        Prototype { btf, ret, parameters: params.into_iter().map(|param| param.ty).collect() }
    }

    /// Behind typedefs and qualifiers; None for void.
    fn resolved(&self, mut id: TypeId) -> Option<Type> {
        loop {
            match self.btf.get(id)? {
                Type::Typedef { ty, .. } | Type::TypeTag { ty, .. } => id = ty,
                Type::Const(ty) | Type::Volatile(ty) | Type::Restrict(ty) => id = ty,
                other => return Some(other),
            }
        }
    }

    fn any(&self, is: impl Fn(&Type) -> bool) -> bool {
        self.parameters.iter().filter_map(|&id| self.resolved(id)).any(|ty| is(&ty))
    }

    fn has_aggregate_or_int128(&self) -> bool {
        self.any(|ty| matches!(ty, Type::Struct(_) | Type::Union(_) | Type::Int { size: 16, .. }))
    }

    fn has_union(&self) -> bool {
        self.any(|ty| matches!(ty, Type::Union(_)))
    }

    fn has_floats(&self) -> bool {
        self.any(|ty| matches!(ty, Type::Float { .. }))
    }

    /// Words that the arguments take by the procedure call standard of 32-bit ARM.
    fn arm_words(&self) -> u32 {
        let (ret, _) = self.arm_size(self.ret);
        let is_aggregate = |ty| matches!(ty, Type::Struct(_) | Type::Union(_));
        let hidden = ret > 4 && self.resolved(self.ret).is_some_and(is_aggregate);
        self.parameters.iter().fold(u32::from(hidden), |words, &id| {
            let (size, align) = self.arm_size(id);
            words.next_multiple_of(if align > 4 { 2 } else { 1 }) + size.div_ceil(4)
        })
    }

    fn arm_size(&self, id: TypeId) -> (u32, u32) {
        match self.resolved(id) {
            None | Some(Type::FuncProto { .. }) => (0, 1),
            Some(Type::Int { size, .. } | Type::Float { size, .. }) => (size, size),
            Some(Type::Enum { size, .. } | Type::Enum64 { size, .. }) => (size, size),
            Some(Type::Struct(body) | Type::Union(body)) => {
                let aligns = body.members.iter().map(|member| self.arm_size(member.ty).1);
                (body.size, aligns.max().unwrap_or(1))
            }
            Some(Type::Array { elem, nelems, .. }) => {
                let (size, align) = self.arm_size(elem);
                (size * nelems, align)
            }
            _ => (4, 4),
        }
    }
}
