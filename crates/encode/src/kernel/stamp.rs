//! By what a file is known again: not by its bytes, which would have to be read.

use serde::{Deserialize, Serialize};
use std::fs::Metadata;
use std::path::Path;

/// A file that is written, replaced or copied over gets another stamp. The time of change is asked for besides that of
/// modification, because builds that are reproducible set the latter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Stamp {
    pub size: u64,
    /// In nanoseconds.
    modified: i64,
    changed: i64,
}

impl Stamp {
    /// None where there is none.
    pub fn of_file(path: &Path) -> Option<Stamp> {
        path.metadata().ok().map(|metadata| Stamp::of(&metadata))
    }

    #[cfg(unix)]
    pub fn of(metadata: &Metadata) -> Stamp {
        use std::os::unix::fs::MetadataExt;
        let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
        Stamp {
            size: metadata.len(),
            modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    #[cfg(not(unix))]
    pub fn of(metadata: &Metadata) -> Stamp {
        let since = |time: std::time::SystemTime| time.duration_since(std::time::UNIX_EPOCH).ok();
        let modified = metadata.modified().ok().and_then(since).map_or(0, |time| time.as_nanos() as i64);
        Stamp { size: metadata.len(), modified, changed: 0 }
    }
}

/// Which file it is, whatever its name; none where the system does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct FileId(Option<(u64, u64)>);

impl FileId {
    #[cfg(unix)]
    pub fn of(metadata: &Metadata) -> FileId {
        use std::os::unix::fs::MetadataExt;
        FileId(Some((metadata.dev(), metadata.ino())))
    }

    #[cfg(not(unix))]
    pub fn of(_: &Metadata) -> FileId {
        FileId(None)
    }

    pub fn is_none(self) -> bool {
        self.0.is_none()
    }
}
