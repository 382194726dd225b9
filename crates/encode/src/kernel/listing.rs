//! Which modules there are, in an order that depends on nothing but their names.

use super::options::{Destination, Shard};
use super::stamp::{FileId, Stamp};
use crate::EncodeError;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// What may stand behind the `.ko` of a module's name: ways to compress it, and what debug files are called.
const SUFFIXES: [&str; 5] = ["", ".xz", ".zst", ".gz", ".debug"];

/// A file with a module.
#[derive(Debug, Clone)]
pub(super) struct Module {
    /// Relative to the folder of all.
    pub path: PathBuf,
    pub stamp: Stamp,
    file: FileId,
    is_link: bool,
}

impl Module {
    /// Where its BTF goes, relative to the folder of all results: without what stands behind `.ko`.
    pub fn target(&self) -> PathBuf {
        let name = self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let end = module_name(name).map_or(name.len(), str::len);
        self.path.with_file_name(format!("{}.btf", &name[..end]))
    }

    pub fn is_compressed(&self) -> bool {
        self.path.extension().is_some_and(|suffix| suffix != "ko" && suffix != "debug")
    }
}

/// The part of a file's name that is the module's, or None where it is no module's.
fn module_name(name: &str) -> Option<&str> {
    let stem = SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix).filter(|stem| stem.ends_with(".ko")))?;
    (stem.len() > ".ko".len()).then_some(stem)
}

/// The paths of all modules of a folder, relative to it, in order.
pub fn modules(folder: &Path) -> Result<Vec<PathBuf>, EncodeError> {
    let modules = list(folder, &Destination::Reader, Shard::ALL)?;
    Ok(modules.into_iter().map(|module| module.path).collect())
}

/// The modules of a folder that are of a shard. Links to files are followed, links to folders are not: a kernel's
/// `build` and `source` lead to other trees.
pub(super) fn list(folder: &Path, destination: &Destination, shard: Shard) -> Result<Vec<Module>, EncodeError> {
    if !folder.is_dir() {
        let (code, what) = match folder.exists() {
            true => ("IO", "is a file, not a folder of modules; one module is encoded by itself (btfkit encode)"),
            false => ("NOT_FOUND", "no folder of modules is there; check the path"),
        };
        return Err(EncodeError::new(code, folder, what));
    }
    let mut modules = Vec::new();
    // The folder itself may be a link.
    for entry in WalkDir::new(folder.join("")) {
        let entry = entry.map_err(|error| {
            let what = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
            EncodeError::new("IO", error.path().unwrap_or(folder), what)
        })?;
        if entry.file_type().is_dir() || entry.file_name().to_str().and_then(module_name).is_none() {
            continue;
        }
        let is_link = entry.path_is_symlink();
        // What cannot be looked at cannot be opened either, and fails when its turn comes.
        let metadata = if is_link { std::fs::metadata(entry.path()).ok() } else { entry.metadata().ok() };
        if metadata.as_ref().is_some_and(|metadata| metadata.is_dir()) {
            continue;
        }
        let path = entry.path().strip_prefix(folder).unwrap_or(entry.path()).to_owned();
        let (stamp, file) = metadata.map_or_else(Default::default, |m| (Stamp::of(&m), FileId::of(&m)));
        modules.push(Module { path, stamp, file, is_link });
    }
    if modules.is_empty() {
        let what = "no modules are there (*.ko, *.ko.xz, *.ko.zst, *.ko.gz, *.ko.debug)";
        return Err(EncodeError::new("NO_MODULES", folder, what));
    }
    modules.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    match destination {
        Destination::Folder(_) => refuse_same_targets(folder, &modules)?,
        Destination::InPlace => keep_one_of_links(&mut modules),
        Destination::Reader => {}
    }
    let mut number = 0..;
    modules.retain(|_| number.next().is_some_and(|number| shard.has(number)));
    Ok(modules)
}

fn refuse_same_targets(folder: &Path, modules: &[Module]) -> Result<(), EncodeError> {
    let mut taken = HashMap::with_capacity(modules.len());
    for module in modules {
        if let Some(other) = taken.insert(module.target(), &module.path) {
            let what = format!(
                "{} and {} are the same module, and their BTF would be in one file; remove one of them",
                other.display(),
                module.path.display()
            );
            return Err(EncodeError::new("AMBIGUOUS", folder, what));
        }
    }
    Ok(())
}

/// A file with several names is changed once, under a name that is no link where it has one.
fn keep_one_of_links(modules: &mut Vec<Module>) {
    let own: HashSet<FileId> = modules.iter().filter(|m| !m.is_link).map(|m| m.file).collect();
    let mut seen = HashSet::new();
    modules.retain(|module| {
        module.file.is_none() || (!(module.is_link && own.contains(&module.file)) && seen.insert(module.file))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{create_dir_all, write};
    use std::os::unix::fs::symlink;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            create_dir_all(path.parent().unwrap()).unwrap();
            write(path, file).unwrap();
        }
        folder
    }

    fn paths(folder: &Path, destination: &Destination, shard: &str) -> Result<Vec<String>, EncodeError> {
        let modules = list(folder, destination, shard.parse().unwrap())?;
        Ok(modules.into_iter().map(|module| module.path.to_str().unwrap().to_owned()).collect())
    }

    #[test]
    fn modules_in_the_order_of_their_paths() {
        let folder =
            tree(&["b/z.ko", "a.ko", "b/c/d.ko.xz", "b.ko", "b/y.ko.debug", "b/modules.order", ".ko", "c.kot"]);
        let found = paths(folder.path(), &Destination::Reader, "1/1").unwrap();
        assert_eq!(found, ["a.ko", "b/c/d.ko.xz", "b/y.ko.debug", "b/z.ko", "b.ko"]);
        assert_eq!(paths(folder.path(), &Destination::Reader, "2/3").unwrap(), ["b/c/d.ko.xz", "b.ko"]);
    }

    #[test]
    fn targets_are_named_after_the_module() {
        let folder = tree(&["k/a.ko", "k/b.ko.zst", "k/c.ko.debug", "k/d.x.ko.gz"]);
        let out = Destination::Folder("out".into());
        let modules = list(folder.path(), &out, Shard::ALL).unwrap();
        let targets: Vec<_> = modules.iter().map(|m| m.target().to_str().unwrap().to_owned()).collect();
        assert_eq!(targets, ["k/a.ko.btf", "k/b.ko.btf", "k/c.ko.btf", "k/d.x.ko.btf"]);
        assert_eq!(modules.iter().map(Module::is_compressed).collect::<Vec<_>>(), [false, true, false, true]);
    }

    #[test]
    fn two_files_with_one_target_are_refused() {
        let folder = tree(&["k/a.ko", "k/a.ko.xz"]);
        let error = paths(folder.path(), &Destination::Folder("out".into()), "1/1").unwrap_err();
        assert_eq!(error.code, "AMBIGUOUS");
        assert!(error.message.contains("k/a.ko and k/a.ko.xz"), "{}", error.message);
        assert_eq!(paths(folder.path(), &Destination::InPlace, "1/1").unwrap().len(), 2);
    }

    #[test]
    fn links_to_files_are_modules_and_links_to_folders_are_not_followed() {
        let folder = tree(&["k/real.ko", "z/other.ko"]);
        symlink("k/real.ko", folder.path().join("a.ko")).unwrap();
        symlink("../k", folder.path().join("z/back")).unwrap();
        symlink("nowhere", folder.path().join("k/dangling.ko")).unwrap();
        symlink("../z", folder.path().join("k/folder.ko")).unwrap();
        let found = paths(folder.path(), &Destination::Reader, "1/1").unwrap();
        assert_eq!(found, ["a.ko", "k/dangling.ko", "k/real.ko", "z/other.ko"]);
        let once = paths(folder.path(), &Destination::InPlace, "1/1").unwrap();
        assert_eq!(once, ["k/dangling.ko", "k/real.ko", "z/other.ko"]);
    }

    #[test]
    fn a_folder_without_modules_and_no_folder() {
        let folder = tree(&["readme.txt"]);
        assert_eq!(paths(folder.path(), &Destination::Reader, "1/1").unwrap_err().code, "NO_MODULES");
        let missing = folder.path().join("missing");
        assert_eq!(paths(&missing, &Destination::Reader, "1/1").unwrap_err().code, "NOT_FOUND");
        let file = folder.path().join("readme.txt");
        assert_eq!(paths(&file, &Destination::Reader, "1/1").unwrap_err().code, "IO");
    }

    #[test]
    fn a_shard_may_be_empty() {
        let folder = tree(&["a.ko"]);
        assert!(paths(folder.path(), &Destination::Reader, "2/2").unwrap().is_empty());
    }
}
