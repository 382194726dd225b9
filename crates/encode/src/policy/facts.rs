//! What is known of a file: the only part of the policy that looks around.

use super::{BaseState, Facts};
use btfkit_elf::Image;
use std::path::{Path, PathBuf};

/// Of the file at `path`, on a base that was read from `base`. `of_build` is one of the modules of a whole kernel: in the
/// tree, wherever its base was read from. Nobody has to look for that, link by link.
pub(crate) fn gather(path: &Path, image: &Image<'_>, base: Option<&Path>, of_build: bool) -> Facts {
    Facts {
        base: if base.is_some() { BaseState::Present } else { BaseState::None },
        extmod: is_external_build(),
        says_in_tree: says_in_tree(image),
        outside: base
            .filter(|_| !of_build)
            .and_then(|base| is_outside(&path.canonicalize().ok()?, &base.canonicalize().ok()?)),
    }
}

/// Whether a build of external modules is going on.
pub(crate) fn is_external_build() -> bool {
    std::env::var_os("KBUILD_EXTMOD").is_some_and(|value| !value.is_empty())
}

/// Builds of a kernel mark their modules.
fn says_in_tree(image: &Image<'_>) -> Option<bool> {
    let section = image.section_by_name(b".modinfo")?;
    let data = image.data(section).ok().filter(|data| !data.is_empty())?;
    Some(data.split(|byte| *byte == 0).any(|line| line == b"intree=Y"))
}

/// Whether the file lies outside of the tree that the base lies in; None where the base lies in none.
fn is_outside(path: &Path, base: &Path) -> Option<bool> {
    tree_of(base).map(|tree| !path.starts_with(tree))
}

/// The tree that a kernel was built or installed in, by the place of its vmlinux: its folder, or for `boot/vmlinux-…` the
/// folder above, where `lib/modules` is. What the kernel shows of itself in `/sys` lies in no tree.
fn tree_of(base: &Path) -> Option<PathBuf> {
    let folder = base.parent().filter(|_| !base.starts_with("/sys"))?;
    let tree = if folder.ends_with("boot") { folder.parent()? } else { folder };
    // A root that everything lies in says nothing.
    tree.parent().map(|_| tree.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let cases = [
            ("/src/linux/vmlinux", "/src/linux/drivers/net/dummy.ko", Some(false)),
            ("/src/linux/vmlinux", "/src/linux-other/dummy.ko", Some(true)),
            ("/usr/lib/debug/boot/vmlinux-6.12", "/usr/lib/debug/lib/modules/6.12/kernel/a.ko", Some(false)),
            ("/usr/lib/debug/boot/vmlinux-6.12", "/home/me/module/a.ko", Some(true)),
            ("/lib/modules/6.12/build/vmlinux", "/lib/modules/6.12/updates/a.ko", Some(true)),
            ("/sys/kernel/btf/vmlinux", "/home/me/module/a.ko", None),
            ("/vmlinux", "/a.ko", None),
        ];
        for (base, path, expected) in cases {
            assert_eq!(is_outside(Path::new(path), Path::new(base)), expected, "{path} on {base}");
        }
    }
}
