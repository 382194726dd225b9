//! What two BTFs differ in, with some of their functions and variables set aside.

use crate::meaning::meanings_on;
use crate::text::Texts;
use btfkit_btf::{Btf, Kind, Type, TypeId};
use std::collections::{BTreeMap, HashMap, HashSet};

/// As far as a difference is carried to what refers to it. Each difference also shows where it is.
pub const ROUNDS: usize = 32;

pub struct Side<'a> {
    btf: &'a Btf,
    meanings: Vec<u64>,
    /// By name; a reference that encoded in several threads may have several of one name.
    pub functions: Named,
    pub variables: Named,
}

pub type Named = BTreeMap<String, Vec<TypeId>>;

/// What is set aside, by name.
#[derive(Default)]
pub struct Aside {
    pub functions: HashSet<String>,
    pub variables: HashSet<String>,
    /// Tags on functions that say that these are kfuncs.
    pub kfunc_tags: bool,
}

impl<'a> Side<'a> {
    /// `base` has the meanings of what it stands on, which are found once for many.
    pub fn on(base: &[u64], btf: &'a Btf) -> Side<'a> {
        let (mut functions, mut variables) = (Named::new(), Named::new());
        for (id, record) in btf.records() {
            let named = match record.kind() {
                Some(Kind::Func) => &mut functions,
                Some(Kind::Var) => &mut variables,
                _ => continue,
            };
            named.entry(name_of(btf, id)).or_default().push(id);
        }
        Side { btf, meanings: meanings_on(base, btf, ROUNDS), functions, variables }
    }

    /// The types that are set aside: the functions and variables themselves, tags on them, and prototypes that nothing
    /// else refers to.
    fn aside(&self, aside: &Aside) -> HashSet<TypeId> {
        let ids = |named: &Named, names: &HashSet<String>| -> Vec<TypeId> {
            names.iter().filter_map(|name| named.get(name)).flatten().copied().collect()
        };
        let mut set: HashSet<TypeId> = ids(&self.functions, &aside.functions).into_iter().collect();
        set.extend(ids(&self.variables, &aside.variables));
        let is_kfunc = |value: u32| matches!(self.btf.string(value), Some(b"bpf_kfunc" | b"bpf_fastcall"));
        let mut used = HashSet::new();
        let mut freed = HashSet::new();
        for (id, ty) in self.btf.types() {
            match &ty {
                Type::Func { proto, .. } if set.contains(&id) => {
                    freed.insert(*proto);
                }
                Type::DeclTag { ty, value, .. } => {
                    let of_function = self.btf.kind(*ty) == Some(Kind::Func);
                    if set.contains(ty) || aside.kfunc_tags && of_function && is_kfunc(*value) {
                        set.insert(id);
                    }
                }
                _ => ty.references(|to| {
                    used.insert(to);
                }),
            }
        }
        set.extend(freed.difference(&used));
        set
    }

    /// Data sections by name, each as its entries by name.
    fn sections(&self, aside: &Aside) -> Vec<String> {
        let mut lines = Vec::new();
        for (id, ty) in self.btf.types() {
            let Type::Datasec { size, vars, .. } = ty else { continue };
            let section = name_of(self.btf, id);
            for var in vars {
                let name = name_of(self.btf, var.var);
                if !aside.variables.contains(&name) {
                    lines.push(format!("DATASEC {section}: {name} at {} of {} bytes", var.offset, var.size));
                }
            }
            // Its size is where its last variable ends.
            if aside.variables.is_empty() {
                lines.push(format!("DATASEC {section}: {size} bytes"));
            }
        }
        lines
    }
}

fn name_of(btf: &Btf, id: TypeId) -> String {
    String::from_utf8_lossy(btf.name(id).unwrap_or_default()).into_owned()
}

/// Differences as lines, by kind; empty when the two say the same.
pub fn differences(ours: &Side<'_>, theirs: &Side<'_>, aside: &Aside) -> Vec<String> {
    let sides = [(1, ours, ours.aside(aside)), (-1, theirs, theirs.aside(aside))];
    let mut texts: BTreeMap<(Kind, String), i32> = BTreeMap::new();
    let mut meanings: HashMap<(Kind, u64), (i32, TypeId)> = HashMap::new();
    // A prototype may be there for its own sake too, which one cannot tell on the side where a function uses it.
    let mut optional: [HashSet<String>; 2] = Default::default();
    let mut optional_meanings = HashSet::new();
    for (sign, side, set) in &sides {
        let mut text_of = Texts::of(side.btf);
        for (id, record) in side.btf.records() {
            let kind = record.kind().expect("a known kind");
            let key = (kind, text_of.get(id).to_string());
            if set.contains(&id) {
                if kind == Kind::FuncProto {
                    optional[usize::from(*sign < 0)].insert(key.1);
                    optional_meanings.insert(side.meanings[id.index()]);
                }
            } else if kind != Kind::Datasec {
                *texts.entry(key).or_default() += sign;
                meanings.entry((kind, side.meanings[id.index()])).or_insert((0, id)).0 += sign;
            }
        }
        for line in side.sections(aside) {
            *texts.entry((Kind::Datasec, line)).or_default() += sign;
        }
    }
    texts.retain(|(kind, text), balance| {
        *balance != 0 && !(*kind == Kind::FuncProto && optional[usize::from(*balance > 0)].contains(text))
    });
    let side = |balance: i32| if balance > 0 { "only ours" } else { "only theirs" };
    let mut lines: Vec<String> =
        texts.iter().map(|((kind, text), &balance)| format!("{} {}: {text}", side(balance), kind.name())).collect();
    if lines.is_empty() {
        // Here only types that look the same, but refer to different ones of a name.
        meanings.retain(|(_, meaning), (balance, _)| *balance != 0 && !optional_meanings.contains(meaning));
        lines.extend(meanings.iter().map(|((kind, _), (balance, id))| {
            let btf = if *balance > 0 { ours.btf } else { theirs.btf };
            format!("{} behind {}: {}", side(*balance), kind.name(), Texts::of(btf).get(*id))
        }));
        lines.sort();
    }
    lines
}
