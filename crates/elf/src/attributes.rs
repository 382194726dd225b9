//! What a file has beside its contents, and a new one in its place is given.

use crate::ReplaceError;
use std::fs::{File, Metadata};
use std::path::Path;

pub(crate) fn keep_mode(path: &Path, new: &File, old: &Metadata) -> Result<(), ReplaceError> {
    new.set_permissions(old.permissions()).map_err(|source| ReplaceError::Mode { path: path.into(), source })
}

/// Owner, mode and extended attributes.
pub(crate) fn keep_all(path: &Path, new: &File, old: &File, metadata: &Metadata) -> Result<(), ReplaceError> {
    // In this order: another owner takes bits of the mode, and an access control list is an attribute.
    keep_owner(path, new, metadata)?;
    keep_mode(path, new, metadata)?;
    keep_extended(new, old);
    Ok(())
}

#[cfg(unix)]
fn keep_owner(path: &Path, new: &File, old: &Metadata) -> Result<(), ReplaceError> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let failed = |source| ReplaceError::Owner { path: path.into(), user: old.uid(), group: old.gid(), source };
    let now = new.metadata().map_err(failed)?;
    if (now.uid(), now.gid()) == (old.uid(), old.gid()) {
        return Ok(());
    }
    fchown(new, Some(old.uid()), Some(old.gid())).map_err(failed)
}

#[cfg(unix)]
pub(crate) fn refuse_hard_links(path: &Path, old: &Metadata) -> Result<(), ReplaceError> {
    match std::os::unix::fs::MetadataExt::nlink(old) {
        0 | 1 => Ok(()),
        links => Err(ReplaceError::HardLinks { path: path.into(), links }),
    }
}

/// Whether both are of one file with the same contents, as far as the file system tells.
#[cfg(unix)]
pub(crate) fn is_unchanged(before: &Metadata, now: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    let of = |file: &Metadata| (file.dev(), file.ino(), file.size(), file.mtime(), file.mtime_nsec());
    of(before) == of(now)
}

/// Those that can be kept: which ones a process may set is the system's to say, and some are of a file system that the
/// new file is not on. What is signed or measured are the old contents, so that these go.
#[cfg(target_os = "linux")]
fn keep_extended(new: &File, old: &File) {
    use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fsetxattr};
    let mut names = vec![0; LARGEST_ATTRIBUTE];
    let size = flistxattr(old, &mut names[..]).unwrap_or(0);
    let mut value = vec![0; LARGEST_ATTRIBUTE];
    for name in names[..size].split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
        if OF_CONTENTS.contains(&name) {
            continue;
        }
        if let Ok(size) = fgetxattr(old, name, &mut value[..]) {
            let _ = fsetxattr(new, name, &value[..size], XattrFlags::empty());
        }
    }
}

#[cfg(target_os = "linux")]
const OF_CONTENTS: [&[u8]; 2] = [b"security.ima", b"security.evm"];

/// Of a value, and of the list of names.
#[cfg(target_os = "linux")]
const LARGEST_ATTRIBUTE: usize = 64 << 10;

#[cfg(not(target_os = "linux"))]
fn keep_extended(_new: &File, _old: &File) {}

#[cfg(not(unix))]
mod elsewhere {
    use super::*;

    pub(super) fn keep_owner(_: &Path, _: &File, _: &Metadata) -> Result<(), ReplaceError> {
        Ok(())
    }

    pub(crate) fn refuse_hard_links(_: &Path, _: &Metadata) -> Result<(), ReplaceError> {
        Ok(())
    }

    pub(crate) fn is_unchanged(before: &Metadata, now: &Metadata) -> bool {
        (before.len(), before.modified().ok()) == (now.len(), now.modified().ok())
    }
}
#[cfg(not(unix))]
use elsewhere::keep_owner;
#[cfg(not(unix))]
pub(crate) use elsewhere::{is_unchanged, refuse_hard_links};
