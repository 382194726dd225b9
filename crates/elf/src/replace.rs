//! Replacing a file in one step: at each moment its name stands for the whole old contents or the whole new ones.

use crate::ReplaceError;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes the bytes into a new file beside the target and renames it over the target. On any failure the old file is as
/// it was and nothing is left beside it.
///
/// The new file has the mode of the old one, or else the usual one of new files. Where the path is a symbolic link, the
/// file that it leads to is replaced. Devices and pipes (`/dev/stdout`) are written to as they are.
pub fn write_beside_and_rename(path: &Path, bytes: &[u8]) -> Result<(), ReplaceError> {
    replace(path, |file| file.write_all(bytes))
}

fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), ReplaceError> {
    let to_write = |source| ReplaceError::Write { path: path.into(), source };
    let old = match fs::metadata(path) {
        Ok(old) if old.is_dir() => return Err(ReplaceError::Directory { path: path.into() }),
        // There is no old content to keep, and a rename would put a file in the place of the device.
        Ok(old) if !old.is_file() => {
            return OpenOptions::new().write(true).open(path).and_then(|mut file| write(&mut file)).map_err(to_write);
        }
        Ok(old) => Some(old),
        Err(_) => None,
    };
    let target = behind_links(path);
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));

    let mut builder = tempfile::Builder::new();
    builder.prefix(".btfkit-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The system takes the bits of the umask off, as it does for files that are created in the usual way.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder).map_err(|source| ReplaceError::Create { path: path.into(), source })?;
    write(file.as_file_mut()).map_err(to_write)?;
    if let Some(old) = old {
        let kept = file.as_file().set_permissions(old.permissions());
        kept.map_err(|source| ReplaceError::Mode { path: path.into(), source })?;
    }
    // A file that is not renamed is deleted when `file`, or the error that holds it, is dropped.
    file.persist(&target).map_err(|error| ReplaceError::Rename { path: path.into(), source: error.error })?;
    Ok(())
}

/// The path of the file itself, so that a link to it stays a link.
fn behind_links(path: &Path) -> PathBuf {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => fs::canonicalize(path).unwrap_or_else(|_| path.into()),
        _ => path.into(),
    }
}
