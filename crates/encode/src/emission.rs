//! The sections that a file gets, made and checked.

use crate::btf_file::with_suffix;
use crate::policy::{OnInvalid, Plan, Wishes};
use crate::{Base, EncodeError, write_together};
use btfkit_btf::Btf;
use btfkit_btf::checksum::BaseChecksum;
use btfkit_btf::distill::{Distilled, distill};
use btfkit_btf::relocate::relocate;
use btfkit_btf::validate::{Context, Rules};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What goes beside the BTF.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beside {
    /// `.BTF.base`
    pub base: Option<Vec<u8>>,
    /// `.BTF.base_checksum`
    pub checksum: Option<Vec<u8>>,
}

impl Beside {
    /// How the sections are called, and what is in them.
    pub const SECTIONS: [&str; 2] = [".BTF.base", ".BTF.base_checksum"];

    pub fn sections(&self) -> [(&'static str, Option<&[u8]>); 2] {
        let [base, checksum] = Beside::SECTIONS;
        [(base, self.base.as_deref()), (checksum, self.checksum.as_deref())]
    }

    pub fn len(&self) -> usize {
        self.sections().iter().map(|(_, bytes)| bytes.map_or(0, <[u8]>::len)).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The files that these are where the BTF is the file `path`.
    pub fn files(path: &Path) -> [PathBuf; 2] {
        Beside::SECTIONS.map(|section| beside(path, section))
    }

    /// Writes the BTF to a file and this beside it, with `.base` and `.base_checksum` at the end of the name. Where
    /// something cannot be written, all is as it was.
    pub fn write_with(&self, path: &Path, btf: &[u8]) -> Result<(), EncodeError> {
        self.write_where_no_others_are(path, btf)?;
        self.remove_others(path)
    }

    /// The same where nothing is beside the file that would have to go.
    pub fn write_where_no_others_are(&self, path: &Path, btf: &[u8]) -> Result<(), EncodeError> {
        let beside = self.sections().map(|(section, bytes)| (beside(path, section), bytes));
        let written = beside.iter().filter_map(|(path, bytes)| Some((path.as_path(), (*bytes)?)));
        write_together(&written.chain([(path, btf)]).collect::<Vec<_>>())
    }

    /// Whether something may be beside any file below a folder, as the work of whatever command. A folder that is not
    /// there has nothing.
    pub fn is_anywhere_in(folder: &Path) -> bool {
        let is_one = |name: &str| Beside::SECTIONS.iter().any(|section| name.ends_with(suffix(section)));
        let mut entries = walkdir::WalkDir::new(folder).into_iter();
        let is_missing = |error: walkdir::Error| error.io_error().is_some_and(|e| e.kind() == ErrorKind::NotFound);
        entries.any(|entry| match entry {
            Ok(entry) => is_one(&entry.file_name().to_string_lossy()),
            Err(error) => !is_missing(error),
        })
    }

    /// What an earlier run has left beside a file and is not here now would be taken for what belongs to its BTF: it goes.
    pub fn remove_others(&self, path: &Path) -> Result<(), EncodeError> {
        for (section, _) in self.sections().into_iter().filter(|(_, bytes)| bytes.is_none()) {
            let path = beside(path, section);
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(EncodeError::new("IO", &path, error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn beside(path: &Path, section: &str) -> PathBuf {
    with_suffix(path, suffix(section))
}

fn suffix(section: &str) -> &str {
    section.trim_start_matches(".BTF")
}

/// What a file gets: its BTF, which may be another one now, what goes beside it, and what is to be told.
pub(crate) struct Emission {
    pub btf: Vec<u8>,
    pub beside: Beside,
    pub fault: Option<String>,
}

/// Makes the sections of the plan. `rules` are those by which the split BTF was found to be valid.
pub(crate) fn emit(
    path: &Path,
    btf: Vec<u8>,
    base: Option<&Base>,
    plan: Plan,
    wishes: &Wishes,
    rules: Rules,
) -> Result<Emission, EncodeError> {
    let mut emission = Emission { btf, beside: Beside::default(), fault: None };
    let (Plan::Split { distilled, checksum }, Some(base)) = (plan, base) else { return Ok(emission) };
    if checksum {
        emission.beside.checksum = Some(BaseChecksum::of(base.btf().bytes()).section());
    }
    if distilled {
        match distilled_base(&emission.btf, base.btf(), rules) {
            Ok(Distilled { base, split, .. }) => {
                emission.beside.base = Some(base.bytes().to_vec());
                emission.btf = split;
            }
            Err(why) if wishes.on_invalid == OnInvalid::SkipSection => {
                emission.fault = Some(format!("there is no .BTF.base: {why}"));
            }
            Err(why) => {
                let hint = "use --base-ref never, or --on-invalid skip-section to go without it";
                return Err(EncodeError::new("INVALID_BTF", path, format!("the distilled base: {why}; {hint}")));
            }
        }
    }
    Ok(emission)
}

/// Distills, and looks whether the kernel would carry the result back to the base that it comes from: it relocates there
/// as well, and does not know that nothing has changed.
fn distilled_base(split: &[u8], base: &Arc<Btf>, rules: Rules) -> Result<Distilled, String> {
    let split = Btf::parse_split(split, Arc::clone(base)).map_err(|error| error.to_string())?;
    let distilled = distill(&split).map_err(|error| error.to_string())?;
    let refused = |refusal| format!("the kernel would refuse it: {refusal}");
    Rules { context: Context::Base, ..rules }.check(distilled.base.bytes(), None).map_err(refused)?;
    Rules { context: Context::Module, ..rules }.check(&distilled.split, Some(&distilled.base)).map_err(refused)?;
    let on_distilled = Btf::parse_split(distilled.split.as_slice(), Arc::clone(&distilled.base));
    let on_distilled = on_distilled.map_err(|error| error.to_string())?;
    match relocate(&on_distilled, base) {
        Ok(_) => Ok(distilled),
        Err(error) => Err(format!("it would not even lead back to its own base: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::Beside;
    use std::fs;

    #[test]
    fn what_may_be_beside_a_file_is_found_below_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("kernel/net");
        assert!(!Beside::is_anywhere_in(&below));
        fs::create_dir_all(&below).unwrap();
        fs::write(below.join("a.ko.btf"), b"BTF").unwrap();
        assert!(!Beside::is_anywhere_in(folder.path()));
        fs::write(below.join("a.ko.btf.base"), b"BTF").unwrap();
        assert!(Beside::is_anywhere_in(folder.path()));
    }
}
