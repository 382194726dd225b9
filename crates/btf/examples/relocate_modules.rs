//! What distilled bases cost and what they are good for: `relocate_modules PLAIN DISTILLED TO…`. Both folders are what
//! `btfkit kernel --out` makes of the same kernel, with `--base-ref never` and with `--base-ref always`; what modules are
//! carried to is raw BTF, and the base that they come from is the first of these. `node scripts/relocate.mjs` makes all that.
//!
//! Says how many bytes the distilled bases add and what stands in the way. Where nothing does, the kernel has to take the
//! result, all names have to be what they were, and on the base that it comes from the graph has to be that of the plain
//! split BTF: otherwise it ends with an error.

use btfkit_btf::relocate::{RelocateError, Relocated, relocate};
use btfkit_btf::validate::{Context, Rules};
use btfkit_btf::{Btf, Type, TypeId};
use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many names are told.
const SHOWN: usize = 12;

struct Target<'a> {
    path: &'a Path,
    btf: Arc<Btf>,
    carried: usize,
    doubts: usize,
    /// How many modules each type stands in the way of.
    obstacles: BTreeMap<String, usize>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [plain, distilled, others @ ..] = &arguments[..] else {
        return Err("usage: relocate_modules PLAIN DISTILLED TO…".into());
    };
    let home = plain.join("vmlinux.btf");
    let base = read(&home, None)?;
    let mut targets = Vec::new();
    for path in std::iter::once(&home).chain(others) {
        // Its own base is read again: what stands on that very one needs no relocation.
        let btf = read(path, None)?;
        targets.push(Target { path, btf, carried: 0, doubts: 0, obstacles: BTreeMap::new() });
    }
    let mut modules = Vec::new();
    list(plain, Path::new(""), &mut modules)?;
    modules.sort();

    let (mut before, mut split, mut distilled_bases) = (0, 0, 0);
    for path in &modules {
        let module = read(&plain.join(path), Some(&base))?;
        let file = distilled.join(path);
        let distilled_base = read(&PathBuf::from(format!("{}.base", file.display())), None)?;
        let on_distilled = read(&file, Some(&distilled_base))?;
        before += module.bytes().len();
        split += on_distilled.bytes().len();
        distilled_bases += distilled_base.bytes().len();
        for (number, target) in targets.iter_mut().enumerate() {
            let wrong = |what: &str| format!("{} on {}: {what}", path.display(), target.path.display());
            match relocate(&on_distilled, &target.btf) {
                Ok(relocated) => {
                    target.carried += 1;
                    target.doubts += relocated.doubts.len();
                    let carried = check(&on_distilled, relocated, &target.btf).map_err(|what| wrong(&what))?;
                    if number == 0 {
                        same_graph(&module, &carried).map_err(|what| wrong(&what))?;
                    }
                }
                Err(RelocateError::Obstacles(obstacles)) => {
                    for obstacle in obstacles {
                        let name = String::from_utf8_lossy(&obstacle.stub.name).into_owned();
                        *target.obstacles.entry(format!("{} {name}", obstacle.stub.kind.name())).or_default() += 1;
                    }
                }
                Err(error) => return Err(wrong(&error.to_string()).into()),
            }
        }
    }

    let count = modules.len();
    println!(
        "{count} modules: {before} bytes of split BTF; distilled {split}, and {distilled_bases} of distilled bases"
    );
    let added = (split + distilled_bases).saturating_sub(before);
    println!("added: {added} bytes, {} for each module", added / count.max(1));
    for Target { path, carried, doubts, obstacles, .. } in targets {
        println!("{}: {carried} of {count} carried over, {doubts} doubts", path.display());
        let mut obstacles: Vec<_> = obstacles.into_iter().collect();
        obstacles.sort_by_key(|(_, modules)| std::cmp::Reverse(*modules));
        for (name, modules) in obstacles.iter().take(SHOWN) {
            println!("  {name} is in the way of {modules}");
        }
        if obstacles.len() > SHOWN {
            println!("  and {} other types", obstacles.len() - SHOWN);
        }
    }
    Ok(())
}

fn read(path: &Path, base: Option<&Arc<Btf>>) -> Result<Arc<Btf>, Box<dyn Error>> {
    let wrong = |error: &dyn Error| format!("{}: {error}", path.display());
    let blob = std::fs::read(path).map_err(|error| wrong(&error))?;
    let btf = match base {
        None => Btf::parse(blob),
        Some(base) => Btf::parse_split(blob, Arc::clone(base)),
    };
    Ok(Arc::new(btf.map_err(|error| wrong(&error))?))
}

/// The kernel takes it, and all names are what they were.
fn check(on_distilled: &Btf, relocated: Relocated, target: &Arc<Btf>) -> Result<Btf, String> {
    let carried = Btf::parse_split(relocated.split, Arc::clone(target)).map_err(|error| error.to_string())?;
    Rules::new(Context::Module).check(carried.bytes(), Some(target)).map_err(|refusal| refusal.to_string())?;
    for (id, new) in (0..).map(TypeId).zip(&relocated.ids) {
        if names(on_distilled, id) != names(&carried, *new) {
            return Err(format!("the names of type {id} are others"));
        }
    }
    Ok(carried)
}

/// The names of a type and of its elements. What moved keeps them; of what was found in the base only its own counts, as
/// the distilled base has no more.
fn names(btf: &Btf, id: TypeId) -> Vec<Vec<u8>> {
    let own = btf.name(id).map(<[u8]>::to_vec).unwrap_or_default();
    let mut names = vec![own];
    if id >= btf.start_id()
        && let Some(record) = btf.record(id)
    {
        record.names(|name| names.push(btf.string(name).unwrap_or_default().to_vec()));
    }
    names
}

/// All types of the module are at their places and refer to what they did: to the same type, or to one that moved out of
/// the base, which refers to what it did there.
fn same_graph(plain: &Btf, carried: &Btf) -> Result<(), String> {
    let mut moved: HashMap<TypeId, TypeId> = HashMap::new();
    let mut open: Vec<(TypeId, TypeId)> = plain.records().map(|(id, _)| (id, id)).collect();
    while let Some((was, is)) = open.pop() {
        let (before, after) = (content(plain, was), content(carried, is));
        if (before.0, before.1) != (after.0, after.1) {
            return Err(format!("type {was} of the plain split BTF is another one, {is}"));
        }
        for (was, is) in before.2.into_iter().zip(after.2) {
            if is == was {
                continue;
            }
            if was >= plain.start_id() || is < plain.end_id() || moved.get(&is).is_some_and(|other| *other != was) {
                return Err(format!("what referred to type {was} refers to {is}"));
            }
            if moved.insert(is, was).is_none() {
                open.push((was, is));
            }
        }
    }
    match moved.len() == carried.len() - plain.len() {
        true => Ok(()),
        false => Err("there are types that nothing refers to".into()),
    }
}

/// A type but for names and references, and these.
fn content(btf: &Btf, id: TypeId) -> (Option<Type>, Vec<Vec<u8>>, Vec<TypeId>) {
    let (mut names, mut references) = (Vec::new(), Vec::new());
    let ty = btf.get(id).map(|mut ty| {
        ty.names_mut(|name| names.push(btf.string(std::mem::take(name)).unwrap_or_default().to_vec()));
        ty.references_mut(|to| references.push(std::mem::replace(to, TypeId::VOID)));
        ty
    });
    (ty, names, references)
}

/// Raw BTF in a folder and below it, but for the kernel's.
fn list(folder: &Path, below: &Path, into: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder.join(below))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            list(folder, &path, into)?;
        } else if path.extension().is_some_and(|extension| extension == "btf") && path != Path::new("vmlinux.btf") {
            into.push(path);
        }
    }
    Ok(())
}
