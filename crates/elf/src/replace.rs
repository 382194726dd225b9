//! Replacing a file in one step: at each moment its name stands for the whole old contents or the whole new ones.

use crate::new_file::NewFile;
use crate::{InputFile, ReplaceError, Rewrite, attributes};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes the bytes into a new file beside the target and renames it over the target. On any failure the old file is as
/// it was and nothing is left beside it.
///
/// The new file has the mode of the old one, or else the usual one of new files. Where the path is a symbolic link, the
/// file that it leads to is replaced. Devices and pipes (`/dev/stdout`) are written to as they are.
pub fn write_beside_and_rename(path: &Path, bytes: &[u8]) -> Result<(), ReplaceError> {
    write_together(&[(path, bytes)])
}

/// The same for files that belong together: none takes its place before all are written, so that what makes writing fail,
/// a full disk above all, leaves all old ones.
pub fn write_together(files: &[(&Path, &[u8])]) -> Result<(), ReplaceError> {
    let written = files.iter().map(|(path, bytes)| prepare(path, |file| file.write_all(bytes)));
    written.collect::<Result<Vec<_>, _>>()?.into_iter().try_for_each(Prepared::put)
}

/// Written, and not in its place yet.
struct Prepared<'p> {
    path: &'p Path,
    /// None where there is no file to be renamed.
    new: Option<(NewFile, PathBuf)>,
}

impl Prepared<'_> {
    fn put(self) -> Result<(), ReplaceError> {
        let Some((new, target)) = self.new else { return Ok(()) };
        new.rename(&target).map_err(|source| ReplaceError::Rename { path: self.path.into(), source })
    }
}

fn prepare(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<Prepared<'_>, ReplaceError> {
    let to_write = |source| ReplaceError::Write { path: path.into(), source };
    let to_create = |source| ReplaceError::Create { path: path.into(), source };
    let (old, target) = match fs::symlink_metadata(path) {
        Ok(link) if link.is_symlink() => (fs::metadata(path), behind_links(path)),
        old => (old, path.into()),
    };
    let old = match old {
        Ok(old) if old.is_dir() => return Err(ReplaceError::Directory { path: path.into() }),
        // There is no old content to keep, and a rename would put a file in the place of the device.
        Ok(old) if !old.is_file() => {
            let written = OpenOptions::new().write(true).open(path).and_then(|mut file| write(&mut file));
            return written.map(|()| Prepared { path, new: None }).map_err(to_write);
        }
        Ok(old) => Some(old),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(to_create(error)),
    };
    // The system takes the bits of the umask off, as it does for files that are created in the usual way.
    let mut new = NewFile::beside(&target, 0o666).map_err(to_create)?;
    write(&mut new.file).map_err(to_write)?;
    if let Some(old) = old {
        attributes::keep_mode(path, &new.file, &old)?;
    }
    Ok(Prepared { path, new: Some((new, target)) })
}

/// Puts a file with changed sections in the place of the one that was read. On any failure the old file is as it was and
/// nothing is left beside it. A process that is killed may leave a file there whose name is [`crate::is_temporary`], where
/// the file system has no files without a name.
///
/// The new file has owner, mode and extended attributes of the old one. Where the path is a symbolic link, the file that
/// it leads to is replaced. A file with several names is refused, as it would be one file no longer; so is one that was
/// changed since it was opened, as that change would be lost.
///
/// Nothing is forced to the disk: what a power failure can cost is what any file can cost that was just built.
pub fn rewrite_in_place(path: &Path, old: &InputFile, rewrite: &Rewrite<'_>) -> Result<(), ReplaceError> {
    attributes::refuse_hard_links(path, old.metadata())?;
    let target = behind_links(path);
    // Nobody may read it sooner than the file that it becomes.
    let mut new =
        NewFile::beside(&target, 0o600).map_err(|source| ReplaceError::Create { path: path.into(), source })?;
    let written = rewrite.write(old.file(), &mut new.file);
    written.map_err(|source| ReplaceError::Write { path: path.into(), source })?;
    attributes::keep_all(path, &new.file, old.file(), old.metadata())?;
    if !fs::metadata(&target).is_ok_and(|now| attributes::is_unchanged(old.metadata(), &now)) {
        return Err(ReplaceError::Changed { path: path.into() });
    }
    new.rename(&target).map_err(|source| ReplaceError::Rename { path: path.into(), source })
}

/// The path of the file itself, so that a link to it stays a link; where there is no such file yet, its path to be.
fn behind_links(path: &Path) -> PathBuf {
    let mut path = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        let Ok(next) = fs::read_link(&path) else { break };
        path = path.parent().map_or(next.clone(), |folder| folder.join(next));
    }
    path
}

/// As many as Linux follows. Of links in a circle it has told before that they are.
const MOST_LINKS: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn makes_a_file_and_replaces_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.btf");
        write_beside_and_rename(&path, b"one").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one");
        write_beside_and_rename(&path, b"").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
        assert_eq!(names(folder.path()), ["out.btf"]);
    }

    #[test]
    fn a_write_that_fails_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.btf");
        let half = |file: &mut File| file.write_all(b"half").and(Err(io::ErrorKind::StorageFull.into()));
        let error = prepare(&path, half).map(drop).unwrap_err();
        assert!(matches!(&error, ReplaceError::Write { path: found, source }
            if *found == path && source.kind() == io::ErrorKind::StorageFull));
        assert!(names(folder.path()).is_empty());

        fs::write(&path, b"old").unwrap();
        prepare(&path, half).map(drop).unwrap_err();
        write_together(&[(&path, b"new"), (&folder.path().join("missing/out"), b"new")]).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["out.btf"]);
    }

    #[test]
    fn folders_are_told_apart_and_missing_ones_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = write_beside_and_rename(folder.path(), b"x").unwrap_err();
        assert!(matches!(error, ReplaceError::Directory { path } if path == folder.path()));
        let path = folder.path().join("missing").join("out.btf");
        let error = write_beside_and_rename(&path, b"x").unwrap_err();
        assert!(matches!(error, ReplaceError::Create { path: found, .. } if found == path));
        assert!(names(folder.path()).is_empty());
    }

    #[cfg(unix)]
    mod unix {
        use super::*;
        use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};

        fn mode(path: &Path) -> u32 {
            fs::metadata(path).unwrap().permissions().mode() & 0o7777
        }

        #[test]
        fn keeps_the_mode_of_the_old_file_and_gives_new_ones_the_usual() {
            let folder = tempfile::tempdir().unwrap();
            let (path, usual) = (folder.path().join("out"), folder.path().join("usual"));
            File::create(&usual).unwrap();
            write_beside_and_rename(&path, b"1").unwrap();
            assert_eq!(mode(&path), mode(&usual));
            for wanted in [0o600, 0o640, 0o755, 0o444, 0o666] {
                fs::set_permissions(&path, fs::Permissions::from_mode(wanted)).unwrap();
                write_beside_and_rename(&path, b"2").unwrap();
                assert_eq!(mode(&path), wanted);
            }
        }

        #[test]
        fn a_link_stays_a_link() {
            let folder = tempfile::tempdir().unwrap();
            let below = folder.path().join("below");
            fs::create_dir(&below).unwrap();
            let (link, file) = (folder.path().join("link"), below.join("file"));
            fs::write(&file, b"old").unwrap();
            symlink("below/file", &link).unwrap();
            write_beside_and_rename(&link, b"new").unwrap();
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
            assert_eq!(fs::read(&file).unwrap(), b"new");
            assert_eq!(
                (names(folder.path()), names(&below)),
                (vec!["below".into(), "link".into()], vec!["file".into()])
            );
        }

        #[test]
        fn a_link_to_a_file_that_is_not_there_yet_makes_that_file() {
            let folder = tempfile::tempdir().unwrap();
            let (below, real) = (folder.path().join("below"), folder.path().join("real"));
            fs::create_dir(&real).unwrap();
            symlink("real", &below).unwrap();
            symlink("below/second", folder.path().join("first")).unwrap();
            symlink("../third", real.join("second")).unwrap();
            write_beside_and_rename(&folder.path().join("first"), b"new").unwrap();
            assert_eq!(fs::read(folder.path().join("third")).unwrap(), b"new");
            assert!(fs::symlink_metadata(folder.path().join("first")).unwrap().is_symlink());
            assert_eq!(names(folder.path()), ["below", "first", "real", "third"]);
            assert_eq!(names(&real), ["second"]);

            symlink("circle", folder.path().join("circle")).unwrap();
            let error = write_beside_and_rename(&folder.path().join("circle"), b"new").unwrap_err();
            assert!(matches!(error, ReplaceError::Create { .. }), "{error}");
            assert!(fs::symlink_metadata(folder.path().join("circle")).unwrap().is_symlink());
        }

        #[test]
        fn a_device_stays_a_device() {
            let path = Path::new("/dev/null");
            write_beside_and_rename(path, b"gone").unwrap();
            assert!(fs::metadata(path).unwrap().file_type().is_char_device());
        }

        #[test]
        fn a_folder_that_may_not_be_written_to_is_named() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("out");
            fs::write(&path, b"old").unwrap();
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
            let result = write_beside_and_rename(&path, b"new");
            let left = names(folder.path());
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
            assert_eq!(left, ["out"]);
            // The superuser may write everywhere.
            match result {
                Ok(()) => assert_eq!(fs::read(&path).unwrap(), b"new"),
                Err(error) => {
                    assert!(matches!(&error, ReplaceError::Create { path: found, .. } if *found == path), "{error}");
                    assert_eq!(fs::read(&path).unwrap(), b"old");
                }
            }
        }
    }
}
