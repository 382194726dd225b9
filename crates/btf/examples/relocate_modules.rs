//! Distills the BTF of many modules and carries each to other bases:
//! `relocate_modules FOLDER BASE TO…`, all of raw BTF; the files of the folder and of those below it are split BTF on BASE.
//!
//! Says how many bytes the distilled bases add and what stands in the way. Where nothing does, the kernel has to take the
//! result, all names have to be what they were, and on BASE itself every type of the module has to be at its old place:
//! otherwise it ends with an error.

use btfkit_btf::distill::distill;
use btfkit_btf::relocate::{RelocateError, relocate};
use btfkit_btf::validate::{Context, Rules};
use btfkit_btf::{Btf, TypeId};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many names are told.
const SHOWN: usize = 12;

#[derive(Default)]
struct Tally {
    carried: usize,
    doubts: usize,
    /// How many modules each type stands in the way of.
    obstacles: BTreeMap<String, usize>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [folder, base_path, others @ ..] = &arguments[..] else {
        return Err("usage: relocate_modules FOLDER BASE TO…".into());
    };
    let read = |path: &PathBuf| -> Result<Arc<Btf>, Box<dyn Error>> {
        Ok(Arc::new(Btf::parse(std::fs::read(path)?).map_err(|error| format!("{}: {error}", path.display()))?))
    };
    let base = read(base_path)?;
    let mut targets = vec![(base_path, read(base_path)?, Tally::default())];
    for path in others {
        targets.push((path, read(path)?, Tally::default()));
    }
    let mut modules = Vec::new();
    list(folder, base_path, &mut modules)?;
    modules.sort();

    let (mut plain, mut split, mut distilled_bases) = (0, 0, 0);
    for path in &modules {
        let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let module = Btf::parse_split(std::fs::read(path)?, Arc::clone(&base)).map_err(|error| wrong(&error))?;
        let distilled = distill(&module).map_err(|error| wrong(&error))?;
        plain += module.bytes().len();
        split += distilled.split.len();
        distilled_bases += distilled.base.bytes().len();
        let on_distilled = Btf::parse_split(distilled.split, Arc::clone(&distilled.base))?;
        for (number, (target_path, target, tally)) in targets.iter_mut().enumerate() {
            match relocate(&on_distilled, target) {
                Ok(relocated) => {
                    tally.carried += 1;
                    tally.doubts += relocated.doubts.len();
                    let carried = Btf::parse_split(relocated.split, Arc::clone(target))?;
                    Rules::new(Context::Module).check(carried.bytes(), Some(target)).map_err(|error| wrong(&error))?;
                    for (id, new) in (0..).map(TypeId).zip(&relocated.ids) {
                        if names(&on_distilled, id) != names(&carried, *new) {
                            return Err(wrong(&format!("names of type {id} on {}", target_path.display())).into());
                        }
                    }
                    let is_at_home =
                        |id: TypeId| relocated.ids.get(distilled.ids[id.index()].index()).is_some_and(|at| *at == id);
                    if number == 0 && !module.records().all(|(id, _)| is_at_home(id)) {
                        return Err(wrong(&"on its own base a type is not where it was").into());
                    }
                }
                Err(RelocateError::Obstacles(obstacles)) => {
                    for obstacle in obstacles {
                        let name = String::from_utf8_lossy(&obstacle.stub.name).into_owned();
                        *tally.obstacles.entry(format!("{} {name}", obstacle.stub.kind.name())).or_default() += 1;
                    }
                }
                Err(error) => return Err(wrong(&error).into()),
            }
        }
    }

    let count = modules.len();
    println!(
        "{count} modules: {plain} bytes of split BTF; distilled {split}, and {distilled_bases} of distilled bases"
    );
    let added = (split + distilled_bases).saturating_sub(plain);
    println!("added: {added} bytes, {} for each module", added / count.max(1));
    for (path, _, Tally { carried, doubts, obstacles }) in targets {
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

/// Raw BTF in a folder and below it, but for the base.
fn list(folder: &Path, base: &Path, into: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, base, into)?;
        } else if path.extension().is_some_and(|extension| extension == "btf") && path != base {
            into.push(path);
        }
    }
    Ok(())
}
