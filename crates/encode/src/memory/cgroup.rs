//! What the process's control groups leave it, from its own group up to the root: `memory.max` and `memory.high`, or
//! `memory.limit_in_bytes` of version 1. (The kernel's documentation: cgroup-v2, cgroup-v1/memory.)

use super::field;
use super::limit::{Limit, SetBy};
use std::fs::read_to_string;
use std::path::{Path, PathBuf};

/// Part of a group's limit that is left to what is neither ours nor can be given back at once: page tables and other
/// memory of the kernel, pages of files that are being read; and what a run fills between two looks of `watch`, so that
/// it is ended in words before the kernel ends the process.
const RESERVE: u64 = 8;

/// From here on a number says that there is no limit: version 1 has the largest multiple of a page.
const NONE: u64 = 1 << 62;

/// The tightest of all; `own` is the anonymous memory that this process has already.
pub(super) fn room(own: u64) -> Option<Limit> {
    let groups = read_to_string("/proc/self/cgroup").ok()?;
    let mounts = read_to_string("/proc/self/mountinfo").ok()?;
    hierarchies(&groups, &mounts).iter().filter_map(|hierarchy| hierarchy.room(own)).min_by_key(|limit| limit.bytes)
}

/// A mounted tree of groups, and where in it the process is.
#[derive(Debug, PartialEq, Eq)]
struct Hierarchy {
    files: &'static Files,
    mount: PathBuf,
    /// Relative to the mount.
    group: PathBuf,
}

/// How a version calls what we read.
#[derive(Debug, PartialEq, Eq)]
struct Files {
    limits: &'static [&'static str],
    /// In `memory.stat`: anonymous memory of the group and all below it.
    anonymous: &'static str,
}

static VERSION_1: Files = Files { limits: &["memory.limit_in_bytes"], anonymous: "total_rss " };
static VERSION_2: Files = Files { limits: &["memory.max", "memory.high"], anonymous: "anon " };

/// The memory controller may be in the one hierarchy of version 2, or have one of its own, beside which version 2 may
/// be mounted too: whatever is there is looked at. A group without the files has no limit.
fn hierarchies(groups: &str, mounts: &str) -> Vec<Hierarchy> {
    let mut found: Vec<Hierarchy> = Vec::new();
    for line in groups.lines() {
        // "4:cpu,memory:/some/group", "0::/some/group"
        let mut fields = line.splitn(3, ':');
        let (_, Some(controllers), Some(group)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let files = match controllers {
            "" => &VERSION_2,
            _ if controllers.split(',').any(|name| name == "memory") => &VERSION_1,
            _ => continue,
        };
        let at = mounts.lines().filter_map(Mount::of).find_map(|mount| {
            let matches = std::ptr::eq(mount.files, files);
            // A container may see only its own part of the tree, under the name that it has outside.
            let group = Path::new(group).strip_prefix(&mount.root).ok().filter(|_| matches)?;
            Some((mount.point, group.to_owned()))
        });
        found.extend(at.map(|(mount, group)| Hierarchy { files, mount, group }));
    }
    found
}

struct Mount {
    files: &'static Files,
    /// What of the tree is mounted.
    root: PathBuf,
    point: PathBuf,
}

impl Mount {
    /// "35 31 0:32 /root /point rw,relatime - cgroup source rw,memory" (proc_pid_mountinfo(5)); None for other file
    /// systems.
    fn of(line: &str) -> Option<Mount> {
        let (place, system) = line.split_once(" - ")?;
        let (mut place, mut system) = (place.split(' ').skip(3), system.split(' '));
        let (root, point) = (unescaped(place.next()?), unescaped(place.next()?));
        let files = match system.next()? {
            "cgroup2" => &VERSION_2,
            "cgroup" if system.nth(1)?.split(',').any(|name| name == "memory") => &VERSION_1,
            _ => return None,
        };
        Some(Mount { files, root, point })
    }
}

/// Blanks, line ends and backslashes are in octal.
fn unescaped(text: &str) -> PathBuf {
    text.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\").into()
}

impl Hierarchy {
    fn room(&self, own: u64) -> Option<Limit> {
        let levels = self.group.ancestors().map(|group| self.mount.join(group));
        levels.filter_map(|folder| self.room_in(&folder, own)).min_by_key(|limit| limit.bytes)
    }

    /// Processes beside this one take from the same limit.
    fn room_in(&self, folder: &Path, own: u64) -> Option<Limit> {
        let said = |name: &&str| {
            let file = folder.join(name);
            let limit: u64 = read_to_string(&file).ok()?.trim().parse().ok()?;
            (limit < NONE).then_some((limit, file))
        };
        let (limit, file) = self.files.limits.iter().filter_map(said).min()?;
        let stat = read_to_string(folder.join("memory.stat")).unwrap_or_default();
        let others = field(&stat, self.files.anonymous).unwrap_or(own).saturating_sub(own);
        let bytes = (limit - limit / RESERVE).saturating_sub(others);
        Some(Limit { bytes, by: SetBy::Group(file, limit) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{create_dir_all, write};

    const MIB: u64 = 1 << 20;

    /// A tree of groups in a folder of its own.
    struct Tree {
        folder: tempfile::TempDir,
    }

    impl Tree {
        fn new() -> Tree {
            Tree { folder: tempfile::tempdir().expect("a folder") }
        }

        fn with(self, file: &str, text: &str) -> Tree {
            let path = self.folder.path().join(file);
            create_dir_all(path.parent().expect("a folder")).expect("folders");
            write(path, text).expect("a file");
            self
        }

        fn room(&self, groups: &str, mounts: &str, own: u64) -> Option<(u64, String)> {
            let mounts = mounts.replace("HERE", self.folder.path().to_str().expect("text"));
            let found = hierarchies(groups, &mounts);
            let limit = found.iter().filter_map(|one| one.room(own)).min_by_key(|limit| limit.bytes)?;
            let SetBy::Group(file, _) = &limit.by else { panic!("{limit:?}") };
            let file = file.strip_prefix(self.folder.path()).expect("a file of the tree");
            Some((limit.bytes, file.to_str().expect("text").to_owned()))
        }
    }

    fn less_reserve(bytes: u64) -> u64 {
        bytes - bytes / RESERVE
    }

    const MOUNT_2: &str = "41 31 0:38 / HERE rw,nosuid,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate";
    const MOUNT_1: &str =
        "34 31 0:31 / HERE/cpu rw - cgroup cgroup rw,cpu\n35 31 0:32 / HERE/memory rw - cgroup cgroup rw,memory";

    #[test]
    fn the_tightest_ancestor_counts() {
        let tree = Tree::new()
            .with("memory.stat", "anon 0\n")
            .with("a/memory.max", "268435456\n")
            .with("a/b/memory.max", "max\n")
            .with("a/b/c/memory.max", "536870912\n");
        let room = tree.room("0::/a/b/c\n", MOUNT_2, 0);
        assert_eq!(room, Some((less_reserve(256 * MIB), "a/memory.max".into())));
        assert_eq!(tree.room("0::/x\n", MOUNT_2, 0), None);
    }

    #[test]
    fn throttling_counts_like_killing() {
        let tree = Tree::new().with("a/memory.max", "1073741824").with("a/memory.high", "134217728");
        let room = tree.room("0::/a", MOUNT_2, 0);
        assert_eq!(room, Some((less_reserve(128 * MIB), "a/memory.high".into())));
    }

    #[test]
    fn what_others_hold_is_not_ours() {
        let tree = Tree::new()
            .with("a/memory.max", "268435456")
            .with("a/memory.stat", "anon 104857600\nfile 99999999\n")
            .with("a/b/memory.max", "230686720")
            .with("a/b/memory.stat", "anon 10485760\n");
        // In the inner group are 10 MiB, all of them ours; in the outer one 90 MiB of others.
        let room = tree.room("0::/a/b", MOUNT_2, 10 * MIB);
        assert_eq!(room, Some((less_reserve(256 * MIB) - 90 * MIB, "a/memory.max".into())));
        let full = Tree::new().with("memory.max", "1048576").with("memory.stat", "anon 2097152");
        assert_eq!(full.room("0::/", MOUNT_2, 0), Some((0, "memory.max".into())));
    }

    #[test]
    fn version_1_has_a_hierarchy_for_memory() {
        let tree = Tree::new()
            .with("cpu/a/memory.limit_in_bytes", "1")
            .with("memory/memory.limit_in_bytes", "9223372036854771712\n")
            .with("memory/a/memory.limit_in_bytes", "209715200\n")
            .with("memory/a/memory.stat", "cache 7\nrss 4194304\ntotal_cache 9\ntotal_rss 8388608\n");
        let groups = "4:memory:/a\n3:cpu,cpuacct:/a\n1:name=systemd:/\n0::/\n";
        let room = tree.room(groups, MOUNT_1, 4 * MIB);
        assert_eq!(room, Some((less_reserve(200 * MIB) - 4 * MIB, "memory/a/memory.limit_in_bytes".into())));
        assert_eq!(tree.room("4:memory:/\n0::/\n", MOUNT_1, 0), None);
    }

    #[test]
    fn a_container_sees_a_part_of_the_tree() {
        let tree = Tree::new().with("my groups/memory.max", "104857600");
        let mounts = "41 31 0:38 /docker/1f2e HERE/my\\040groups ro - cgroup2 cgroup rw";
        let room = tree.room("0::/docker/1f2e", mounts, 0);
        assert_eq!(room, Some((less_reserve(100 * MIB), "my groups/memory.max".into())));
        // Another container's part says nothing about this process.
        assert_eq!(tree.room("0::/docker/77aa", mounts, 0), None);
    }

    #[test]
    fn nonsense_is_no_limit() {
        for (groups, mounts) in [("", ""), ("0", MOUNT_2), ("0::", "41"), ("0::/", "41 31 - cgroup2"), ("::", " - ")] {
            assert_eq!(Tree::new().with("memory.max", "-5").room(groups, mounts, 0), None, "{groups} {mounts}");
        }
    }
}
