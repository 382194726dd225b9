//! A file that is not whole yet, in the folder of the file that it becomes.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
#[cfg(target_os = "linux")]
use std::sync::OnceLock;
use tempfile::TempPath;

/// What names of files that are not whole yet begin with.
const TEMPORARY: &str = ".btfkit-";

/// Is a file of this name one that was to be renamed, and is left when a process is killed before that?
pub fn is_temporary(name: &str) -> bool {
    name.strip_prefix(TEMPORARY).is_some_and(|rest| rest.len() == 6 && rest.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// Dropped, it is gone.
pub(crate) struct NewFile {
    pub file: File,
    /// None where it has no name, so that nothing is left of it when the process is killed.
    path: Option<TempPath>,
}

impl NewFile {
    pub fn beside(target: &Path, mode: u32) -> io::Result<NewFile> {
        match unnamed(folder_of(target), mode) {
            Some(file) => Ok(NewFile { file, path: None }),
            None => NewFile::named(target, mode),
        }
    }

    fn named(target: &Path, mode: u32) -> io::Result<NewFile> {
        let (file, path) = builder(mode).tempfile_in(folder_of(target))?.into_parts();
        Ok(NewFile { file, path: Some(path) })
    }

    pub fn rename(self, target: &Path) -> io::Result<()> {
        let path = match self.path {
            Some(path) => path,
            None if link(&self.file, target).is_ok() => return Ok(()),
            // The system gives it no name that another file has, so that it gets one of its own first.
            None => builder(0).make_in(folder_of(target), |name| link(&self.file, name))?.into_temp_path(),
        };
        // The error holds the path, whose file is deleted with it.
        path.persist(target).map_err(|error| error.error)
    }
}

fn folder_of(target: &Path) -> &Path {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn builder(mode: u32) -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    #[cfg(not(unix))]
    let _ = mode;
    builder
}

/// None where the system or this file system cannot.
#[cfg(target_os = "linux")]
fn unnamed(folder: &Path, mode: u32) -> Option<File> {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = openat(CWD, folder, flags, Mode::from_raw_mode(mode)).ok().map(File::from)?;
    // Without that it cannot be given a name.
    static ARE_SHOWN: OnceLock<bool> = OnceLock::new();
    ARE_SHOWN.get_or_init(|| open_path(&file).exists()).then_some(file)
}

#[cfg(target_os = "linux")]
fn link(file: &File, name: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    Ok(linkat(CWD, open_path(file), CWD, name, AtFlags::SYMLINK_FOLLOW)?)
}

/// Where the system shows a file that is open here, whatever its name.
#[cfg(target_os = "linux")]
fn open_path(file: &File) -> PathBuf {
    format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(file)).into()
}

#[cfg(not(target_os = "linux"))]
fn unnamed(_: &Path, _: u32) -> Option<File> {
    None
}

#[cfg(not(target_os = "linux"))]
fn link(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    #[test]
    fn nothing_is_to_be_seen_of_a_file_that_is_not_whole() {
        let folder = tempfile::tempdir().unwrap();
        if unnamed(folder.path(), 0o600).is_none() {
            eprintln!("skipped: files without names are not to be had here");
            return;
        }
        let target = folder.path().join("out.btf");
        for before in [0, 1] {
            let mut new = NewFile::beside(&target, 0o600).unwrap();
            new.file.write_all(b"some").unwrap();
            assert_eq!(names(folder.path()).len(), before);
            new.rename(&target).unwrap();
            assert_eq!(names(folder.path()), ["out.btf"]);
            assert_eq!(fs::read(&target).unwrap(), b"some");
        }
    }

    #[test]
    fn where_that_cannot_be_its_name_tells_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out.btf");
        drop(NewFile::named(&target, 0o600).unwrap());
        assert!(names(folder.path()).is_empty());
        let mut new = NewFile::named(&target, 0o600).unwrap();
        new.file.write_all(b"some").unwrap();
        assert!(names(folder.path()).iter().all(|name| is_temporary(name)));
        new.rename(&target).unwrap();
        assert_eq!((names(folder.path()), fs::read(&target).unwrap()), (vec!["out.btf".into()], b"some".to_vec()));
        assert!(!["out.btf", ".btfkit-", ".btfkit-abc", ".btfkit-abc.ko"].into_iter().any(is_temporary));
    }
}
