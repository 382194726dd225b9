//! A file that is replaced by one with other sections: what it keeps beside its contents, and that it is whole whatever
//! happens.

#![cfg(target_os = "linux")]

mod common;

use btfkit_elf::{Change, Image, InputFile, ReplaceError, Rewrite, rewrite_in_place};
use common::TestElf;
use object::{Endianness, elf};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

const TYPES: &[u8] = b"some types";

fn elf_file() -> Vec<u8> {
    let mut file = TestElf::linked(true, Endianness::Little, elf::EM_X86_64);
    file.allocated(".text", 0x1000, 16, &[1; 5000]);
    file.build()
}

fn put_types(path: &Path) -> Result<(), ReplaceError> {
    put(path, &InputFile::open(path).unwrap())
}

fn put(path: &Path, file: &InputFile) -> Result<(), ReplaceError> {
    let image = Image::parse(file.bytes()).unwrap();
    let change = Change::Put { name: ".BTF", bytes: TYPES, alignment: 1 };
    rewrite_in_place(path, file, &Rewrite::plan(&image, &[change]).unwrap())
}

fn has_types(path: &Path) -> bool {
    let file = InputFile::open(path).unwrap();
    let image = Image::parse(file.bytes()).unwrap();
    image.section_by_name(b".BTF").is_some_and(|section| *image.data(section).unwrap() == *TYPES)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_new_file_is_what_was_planned_and_nothing_is_left_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ko");
    fs::write(&path, elf_file()).unwrap();
    let file = InputFile::open(&path).unwrap();
    let image = Image::parse(file.bytes()).unwrap();
    let change = Change::Put { name: ".BTF", bytes: TYPES, alignment: 1 };
    let planned = Rewrite::plan(&image, &[change]).unwrap().apply(file.bytes());
    put(&path, &file).unwrap();
    assert!(fs::read(&path).unwrap() == planned);
    put_types(&path).unwrap();
    assert!(fs::read(&path).unwrap() == planned);
    assert_eq!(names(folder.path()), ["a.ko"]);
    // Who has the old file open has it whole.
    assert!(file.bytes() == elf_file());
}

#[test]
fn mode_and_owner_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ko");
    for mode in [0o600, 0o640, 0o755, 0o4755, 0o444] {
        fs::write(&path, elf_file()).unwrap();
        // Only the superuser may give files away.
        let given = chown(&path, Some(12), Some(34)).is_ok();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        put_types(&path).unwrap();
        let now = fs::metadata(&path).unwrap();
        assert_eq!(now.mode() & 0o7777, mode);
        assert!(!given || (now.uid(), now.gid()) == (12, 34));
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn extended_attributes_are_kept_but_for_signatures_of_the_contents() {
    use rustix::fs::{XattrFlags, getxattr, setxattr};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ko");
    fs::write(&path, elf_file()).unwrap();
    if let Err(error) = setxattr(&path, "user.origin", b"build 7", XattrFlags::empty()) {
        eprintln!("skipped: this file system has no extended attributes ({error})");
        return;
    }
    let measured = setxattr(&path, "security.ima", b"\x01digest", XattrFlags::empty()).is_ok();
    put_types(&path).unwrap();
    let mut value = [0; 32];
    assert_eq!(
        getxattr(&path, "user.origin", &mut value[..]).map(|size| value[..size].to_vec()),
        Ok(b"build 7".to_vec())
    );
    assert!(!measured || getxattr(&path, "security.ima", &mut value[..]).is_err());
}

#[test]
fn a_link_stays_a_link_and_its_target_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("below");
    fs::create_dir(&below).unwrap();
    let (link, path) = (folder.path().join("link.ko"), below.join("a.ko"));
    fs::write(&path, elf_file()).unwrap();
    symlink("below/a.ko", &link).unwrap();
    put_types(&link).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(has_types(&path));
    assert_eq!((names(folder.path()), names(&below)), (vec!["below".into(), "link.ko".into()], vec!["a.ko".into()]));
}

#[test]
fn a_file_with_several_names_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("a.ko"), folder.path().join("b.ko"));
    fs::write(&path, elf_file()).unwrap();
    fs::hard_link(&path, &other).unwrap();
    let error = put_types(&path).unwrap_err();
    assert!(matches!(&error, ReplaceError::HardLinks { path: found, links: 2 } if *found == path), "{error}");
    assert!(fs::read(&path).unwrap() == elf_file());
    fs::remove_file(&other).unwrap();
    put_types(&path).unwrap();
    assert!(has_types(&path));
}

#[test]
fn a_change_since_the_file_was_opened_is_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("a.ko"), folder.path().join("other"));
    let changes: [&dyn Fn(); 3] = [
        &|| File::options().append(true).open(&path).unwrap().set_len(9000).unwrap(),
        &|| fs::rename(&other, &path).unwrap(),
        &|| fs::remove_file(&path).unwrap(),
    ];
    for change in changes {
        fs::write(&path, elf_file()).unwrap();
        fs::write(&other, "another build").unwrap();
        let file = InputFile::open(&path).unwrap();
        change();
        let (left, contents) = (names(folder.path()), fs::read(&path).ok());
        assert!(matches!(put(&path, &file), Err(ReplaceError::Changed { path: found }) if found == path));
        assert_eq!(names(folder.path()), left);
        assert!(fs::read(&path).ok() == contents);
    }
}

#[test]
fn a_file_that_was_cut_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ko");
    fs::write(&path, elf_file()).unwrap();
    let file = InputFile::open(&path).unwrap();
    let copy = elf_file();
    let image = Image::parse(&copy).unwrap();
    let change = Change::Put { name: ".BTF", bytes: TYPES, alignment: 1 };
    let rewrite = Rewrite::plan(&image, &[change]).unwrap();
    File::options().write(true).open(&path).unwrap().set_len(100).unwrap();
    let error = rewrite_in_place(&path, &file, &rewrite).unwrap_err();
    assert!(matches!(&error, ReplaceError::Write { path: found, .. } if *found == path), "{error}");
    assert!(error.to_string().ends_with("the file was cut to 100 bytes while it was read"), "{error}");
    assert_eq!(names(folder.path()), ["a.ko"]);
}

#[test]
fn a_folder_that_may_not_be_written_to_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ko");
    fs::write(&path, elf_file()).unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o555)).unwrap();
    let result = put_types(&path);
    let left = names(folder.path());
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    assert_eq!(left, ["a.ko"]);
    // The superuser may write everywhere.
    match result {
        Ok(()) => assert!(has_types(&path)),
        Err(error) => {
            assert!(matches!(&error, ReplaceError::Create { path: found, .. } if *found == path), "{error}");
            assert!(fs::read(&path).unwrap() == elf_file());
        }
    }
}
