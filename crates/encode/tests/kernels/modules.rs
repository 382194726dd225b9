//! Modules of a kernel on its reference encoding, compared with theirs.

use crate::difference::ROUNDS;
use crate::explain::{Against, Judge};
use crate::inputs::{self, Encoding, note, skipped};
use crate::meaning::meanings;
use btfkit_btf::Btf;
use btfkit_encode::Base;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// Every module below a folder that has an encoding in `encodings`, with it.
fn modules(folder: &Path, encodings: &Path) -> Vec<(PathBuf, PathBuf)> {
    let files = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().flatten();
    let encoding = |path: PathBuf| {
        let name = path.file_name()?.to_str()?.strip_suffix(".ko")?;
        let encoding = encodings.join(format!("{name}.btf"));
        encoding.is_file().then_some((path, encoding))
    };
    files.filter_map(|file| encoding(file.into_path())).collect()
}

#[test]
fn modules_are_as_in_the_reference_encodings() {
    let Some(golden) = inputs::golden_folder() else {
        return skipped("reference encodings of modules: BTFKIT_GOLDEN names no folder of them");
    };
    for (kernel, archive) in inputs::golden_archives(&golden) {
        let vmlinux = inputs::files().into_iter().find(|path| inputs::kernel_of(path) == Some(kernel.as_str()));
        // usr/lib/debug/boot/vmlinux-KERNEL, usr/lib/debug/lib/modules/KERNEL
        let debug = vmlinux.as_ref().and_then(|path| path.parent()?.parent());
        let folder = debug.map(|debug| debug.join("lib/modules").join(&kernel)).filter(|folder| folder.is_dir());
        let Some(folder) = folder else {
            skipped(&format!("modules of {kernel}: not in the cache"));
            continue;
        };
        let unpacked = tempfile::tempdir().expect("a folder");
        let tar = Command::new("tar").arg("--zstd").arg("-xf").arg(&archive).arg("-C").arg(unpacked.path()).status();
        assert!(tar.expect("tar runs").success(), "{}", archive.display());
        compare(&kernel, &folder, unpacked.path());
    }
}

fn compare(kernel: &str, folder: &Path, encodings: &Path) {
    let base = Base::open(&[&encodings.join("vmlinux.btf")]).expect("a base");
    let all = modules(folder, &encodings.join("modules"));
    let meanings = meanings(base.btf(), ROUNDS);
    let (mut ours, mut theirs) = (0, 0);
    let mut verdicts: BTreeMap<String, usize> = BTreeMap::new();
    let mut faults = Vec::new();
    for (path, encoding) in &all {
        let own = Encoding::on(Some(&base), path);
        let reference = std::fs::read(encoding).expect("an encoding");
        let reference = Btf::parse_split(reference, Arc::clone(base.btf())).expect("split BTF");
        (ours, theirs) = (ours + own.btf.bytes().len(), theirs + reference.bytes().len());
        let judge = Judge { ours: &own, theirs: &reference, against: Against::Module { base: &meanings } };
        match judge.verdict() {
            Ok(same) => *verdicts.entry(same).or_default() += 1,
            Err(fault) => faults.push(format!("{}: {fault}", path.display())),
        }
    }
    note(&format!("{} modules of {kernel}: {ours} bytes, the reference's {theirs}", all.len()));
    verdicts.iter().for_each(|(verdict, count)| note(&format!("  {count} are {verdict}")));
    assert!(!all.is_empty(), "no module in {} has an encoding", folder.display());
    assert!(ours <= theirs, "{ours} bytes, the reference's only {theirs}");
    assert!(faults.is_empty(), "{} modules differ:\n{}", faults.len(), faults.join("\n"));
}
