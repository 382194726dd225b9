//! Inputs that somebody writes into while they are read.

use crate::{EncodeError, fault};
use btfkit_elf::InputFile;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

/// A file that somebody wrote into meanwhile is to blame for whatever came out, also for a panic: what is read twice is
/// taken to be the same.
pub(crate) fn unless_changed<T>(
    path: &Path,
    file: &InputFile,
    work: impl FnOnce() -> Result<T, EncodeError>,
) -> Result<T, EncodeError> {
    let encoded = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Err(error)) if matches!(error.code, "ABORTED" | "MEMORY_LIMIT") => return Err(error),
        encoded => encoded,
    };
    if let Err(error) = file.verify(path) {
        // Nobody is told where that panic was.
        let _ = encoded.is_err().then(fault::take);
        return Err(EncodeError::of_elf(path, error));
    }
    encoded.unwrap_or_else(|panic| resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn ended(work: impl FnOnce(&Path) -> Result<u8, EncodeError>) -> Result<u8, &'static str> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("input");
        fs::write(&path, b"something").unwrap();
        let file = InputFile::open(&path).unwrap();
        unless_changed(&path, &file, || work(&path)).map_err(|error| error.code)
    }

    type Work = fn(&Path) -> Result<u8, EncodeError>;

    fn failed(path: &Path, code: &'static str) -> Result<u8, EncodeError> {
        Err(EncodeError::new(code, path, "failed"))
    }

    #[test]
    fn what_came_of_a_file_that_nobody_touched_stands() {
        assert_eq!(ended(|_| Ok(7)), Ok(7));
        assert_eq!(ended(|path| failed(path, "NO_DWARF")), Err("NO_DWARF"));
        assert!(catch_unwind(|| ended(|_| panic!("a fault of ours"))).is_err());
    }

    #[test]
    fn a_change_is_to_blame_for_results_failures_and_panics() {
        let change = |path: &Path| fs::write(path, b"something else").unwrap();
        let ends: [Work; 3] = [|_| Ok(7), |path| failed(path, "MALFORMED_DWARF"), |_| panic!("what was there is gone")];
        for end in ends {
            let changed = |path: &Path| {
                change(path);
                end(path)
            };
            assert_eq!(ended(changed), Err("IO"));
        }
    }

    #[test]
    fn who_wanted_the_end_is_told_of_that() {
        let ended = ended(|path| {
            fs::write(path, b"something else").unwrap();
            failed(path, "ABORTED")
        });
        assert_eq!(ended, Err("ABORTED"));
    }
}
