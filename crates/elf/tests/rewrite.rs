//! Sections added, replaced and removed: all else in the file is where and what it was.

mod common;

use btfkit_elf::{Change, Image, InputFile, Rewrite, RewriteError, Section};
use common::{KINDS, TestElf};
use object::{Endianness, elf};
use std::path::{Path, PathBuf};

const BTF: &str = ".BTF";
const BASE: &str = ".BTF.base";

fn put<'a>(name: &'a str, bytes: &'a [u8]) -> Change<'a> {
    Change::Put { name, bytes, alignment: 1 }
}

fn rewritten(old: &[u8], changes: &[Change<'_>]) -> Result<Vec<u8>, RewriteError> {
    let rewrite = Rewrite::plan(&Image::parse(old)?, changes)?;
    let new = rewrite.apply(old);
    assert_eq!(new.len() as u64, rewrite.size());
    Ok(new)
}

/// Changes the file, and checks all that must hold whatever the file and the changes are.
fn change(old: &[u8], changes: &[Change<'_>]) -> Vec<u8> {
    let new = rewritten(old, changes).unwrap();
    assert!(rewritten(&new, changes).unwrap() == new, "the same changes again give the same file");

    let (before, after) = (Image::parse(old).unwrap(), Image::parse(&new).unwrap());
    let header = if before.is_64() { 64 } else { 52 };
    let name_of = |change: &Change<'_>| match change {
        Change::Put { name, .. } | Change::Remove { name } => name.as_bytes().to_vec(),
    };
    let changed: Vec<Vec<u8>> = changes.iter().map(name_of).chain([b".shstrtab".to_vec()]).collect();
    let end = |section: &Section<'_>| section.offset + section.size;
    let is_changed = |section: &Section<'_>| changed.iter().any(|name| name == section.name);
    let others = before.sections().iter().filter(|section| !is_changed(section) && section.sh_type != 0);
    let stays = others.clone().filter(|section| section.sh_type != elf::SHT_NOBITS.0).map(end).max().unwrap_or(0);
    assert!(old[header..stays as usize] == new[header..stays as usize], "old bytes stay where they are");
    for section in others {
        let now = &after.sections()[section.index];
        assert_eq!(now, section);
        assert_eq!(after.data(now).unwrap(), before.data(section).unwrap());
    }
    for change in changes {
        match *change {
            Change::Put { name, bytes, alignment } => {
                let section = after.section_by_name(name.as_bytes()).unwrap();
                assert_eq!(*after.data(section).unwrap(), *bytes);
                assert_eq!((section.sh_type, section.alignment), (elf::SHT_PROGBITS.0, alignment));
                assert_eq!(section.offset % alignment, 0);
            }
            Change::Remove { name } => assert!(after.section_by_name(name.as_bytes()).is_none()),
        }
    }
    let symbols = |image: &Image<'_>| -> Vec<_> {
        let symbols =
            image.symbols().unwrap().into_iter().flat_map(|s| s.iter().collect::<Vec<_>>()).collect::<Vec<_>>();
        symbols.iter().map(|s| (s.name().to_vec(), s.section, s.value, s.size)).collect()
    };
    assert_eq!(symbols(&after), symbols(&before));
    new
}

fn object(is_64: bool, endian: Endianness, file_type: elf::FileType) -> TestElf {
    let mut file = TestElf::relocatable(is_64, endian, elf::EM_PPC64);
    file.file_type = file_type;
    let text = file.allocated(".text", 0x1000, 16, &[1; 33]);
    let debug = file.debug(".debug_info", &[3; 21]);
    file.symbol("function", elf::STT_FUNC, text, 4, 8);
    file.symbol("", elf::STT_SECTION, debug, 0, 0);
    file
}

/// All classes, byte orders and types of files.
fn objects() -> impl Iterator<Item = TestElf> {
    KINDS.into_iter().flat_map(|(is_64, endian)| {
        [elf::ET_REL, elf::ET_EXEC, elf::ET_DYN].map(|file_type| object(is_64, endian, file_type))
    })
}

#[test]
fn sections_are_added_at_the_end() {
    for file in objects() {
        let old = file.build();
        let new = change(&old, &[put(BTF, b"some types"), put(BASE, b"base")]);
        assert!(new.len() > old.len() && old[64..] == new[64..old.len()]);
        let (before, after) = (Image::parse(&old).unwrap(), Image::parse(&new).unwrap());
        let names: Vec<&[u8]> = after.sections().iter().skip(before.sections().len()).map(|s| s.name).collect();
        assert_eq!(names, [b".BTF".as_slice(), b".BTF.base"]);
        assert!(!after.section_by_name(b".BTF").unwrap().is_allocated());
    }
}

#[test]
fn a_file_does_not_grow_from_run_to_run() {
    for file in objects() {
        let old = file.build();
        let with_base = change(&old, &[put(BTF, &[1; 1000]), put(BASE, &[2; 77])]);
        let shorter = change(&with_base, &[put(BTF, &[1; 10]), put(BASE, &[2; 7])]);
        assert!(shorter.len() < with_base.len());
        let without = change(&shorter, &[put(BTF, &[1; 10]), Change::Remove { name: BASE }]);
        assert!(without.len() < shorter.len());
        assert!(change(&without, &[put(BTF, &[1; 1000]), put(BASE, &[2; 77])]) == with_base);
    }
}

#[test]
fn a_section_that_is_there_is_replaced_wherever_it_is() {
    for mut file in objects() {
        file.debug(BTF, b"old types");
        file.debug(BASE, b"old base");
        file.debug(".comment", b"behind it");
        for bytes in [b"new".as_slice(), b"new types that are longer", b""] {
            let old = file.build();
            let new = change(&old, &[put(BTF, bytes), Change::Remove { name: BASE }]);
            let (before, after) = (Image::parse(&old).unwrap(), Image::parse(&new).unwrap());
            assert_eq!(after.sections().len(), before.sections().len());
            // Its header is there, so that indices of others are what they were.
            let base = before.section_by_name(b".BTF.base").unwrap().index;
            assert_eq!(after.sections()[base].sh_type, elf::SHT_NULL.0);
        }
    }
}

#[test]
fn of_several_with_one_name_one_is_left() {
    for mut file in objects() {
        let first = file.debug(BTF, b"first");
        file.debug(BTF, b"second");
        let new = change(&file.build(), &[put(BTF, b"only")]);
        let image = Image::parse(&new).unwrap();
        let found: Vec<_> = image.sections().iter().filter(|section| section.name == b".BTF").collect();
        assert_eq!(found.iter().map(|section| section.index).collect::<Vec<_>>(), [first]);
    }
}

#[test]
fn what_is_loaded_with_a_program_is_not_moved_and_with_a_module_it_stays_loaded() {
    for mut file in objects() {
        file.allocated(BTF, 0x8000, 1, b"old");
        match rewritten(&file.build(), &[put(BTF, b"new")]) {
            Ok(_) => {
                assert_eq!(file.file_type, elf::ET_REL);
                let new = change(&file.build(), &[put(BTF, b"new")]);
                assert!(Image::parse(&new).unwrap().section_by_name(b".BTF").unwrap().is_allocated());
            }
            Err(error) => {
                assert!(matches!(&error, RewriteError::Allocated { section } if section == BTF), "{error}");
                assert_ne!(file.file_type, elf::ET_REL);
            }
        }
    }
}

#[test]
fn names_that_are_in_the_table_of_symbols_names_stay_there() {
    for file in objects() {
        let mut old = file.build();
        let (symtab, names, table, size, link) = {
            let image = Image::parse(&old).unwrap();
            let index = |name: &[u8]| image.section_by_name(name).unwrap().index;
            let count = image.sections().len();
            let (size, link) = if image.is_64() { (64, 40) } else { (40, 24) };
            (index(b".symtab"), index(b".shstrtab"), old.len() - count * size, size, link)
        };
        let at = table + symtab * size + link;
        old[at..at + 4].copy_from_slice(&file.word(names as u32));

        let new = rewritten(&old, &[put(BTF, b"types")]).unwrap();
        assert!(rewritten(&new, &[put(BTF, b"types")]).unwrap() == new);
        assert!(old[64..] == new[64..old.len()]);
        let image = Image::parse(&new).unwrap();
        assert_eq!(image.sections().iter().filter(|section| section.name == b".shstrtab").count(), 2);
        assert_eq!(image.symbols().unwrap().unwrap().len(), 3);
        assert_eq!(*image.data(image.section_by_name(b".BTF").unwrap()).unwrap(), *b"types");
    }
}

#[test]
fn bytes_that_no_header_knows_are_kept() {
    for file in objects() {
        let appended = [file.build(), b"payload".to_vec()].concat();
        let new = change(&appended, &[put(BTF, b"types")]);
        assert!(appended[64..] == new[64..appended.len()]);
        // Also behind what an earlier run has put there.
        let appended = [new, b"payload".to_vec()].concat();
        let new = change(&appended, &[put(BTF, b"other types")]);
        assert!(appended[64..] == new[64..appended.len()]);
    }
}

#[test]
fn more_sections_than_the_header_can_count() {
    for (is_64, endian) in KINDS {
        let mut file = object(is_64, endian, elf::ET_REL);
        // With those of the object, the null section, and what the writer adds.
        for _ in 0..0xff00 - 7 {
            file.debug(".many", &[]);
        }
        let old = file.build();
        assert_eq!(Image::parse(&old).unwrap().sections().len(), 0xfeff);
        let one_more = change(&old, &[put(BTF, b"types")]);
        assert_eq!(Image::parse(&one_more).unwrap().sections().len(), 0xff00);
        let two_more = change(&one_more, &[put(BTF, b"types"), put(BASE, b"base")]);
        assert_eq!(Image::parse(&two_more).unwrap().sections().len(), 0xff01);
        // The section name table itself behind the last number that fits.
        file.debug(".many", &[]);
        file.debug(".many", &[]);
        change(&file.build(), &[put(BTF, b"types")]);
    }
}

#[test]
fn alignment_is_kept_to() {
    for file in objects() {
        for alignment in [1, 4, 16, 4096] {
            let put = |name| Change::Put { name, bytes: b"123", alignment };
            change(&file.build(), &[put(BTF), put(BASE)]);
        }
    }
}

#[test]
fn what_cannot_be_is_said() {
    for file in objects() {
        let old = file.build();
        let signed = [old.as_slice(), b"PKCS#7", b"~Module signature appended~\n"].concat();
        assert!(matches!(rewritten(&signed, &[put(BTF, b"")]), Err(RewriteError::Signed)));

        let mut without = old;
        let e_shoff = if file.is_64 { 40..48 } else { 32..36 };
        without[e_shoff].fill(0);
        assert!(matches!(rewritten(&without, &[put(BTF, b"")]), Err(RewriteError::NoSections)));
        let image = Image::parse(&without).unwrap();
        assert!(matches!(Rewrite::check(&image, &[BTF]), Err(RewriteError::NoSections)));

        let mut relocated = object(file.is_64, file.endian, file.file_type);
        let btf = relocated.debug(BTF, &[0; 8]);
        relocated.relocate(btf, 0, elf::RelocationType(1), 1, 0);
        let error = rewritten(&relocated.build(), &[put(BTF, b"")]).unwrap_err();
        assert!(matches!(error, RewriteError::Relocated { section, by } if section == BTF && by == ".rela.BTF"));
    }
}

/// Kernels of the cache, and the files named in BTFKIT_TEST_ELF.
#[test]
fn real_files_are_changed_like_others() {
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/kernels");
    let entries = |folder: &Path| -> Vec<PathBuf> {
        std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
    };
    let mut files: Vec<PathBuf> =
        entries(&cache).iter().flat_map(|package| entries(&package.join("usr/lib/debug/boot"))).collect();
    files.extend(std::env::split_paths(&std::env::var_os("BTFKIT_TEST_ELF").unwrap_or_default()));
    files.retain(|path| path.is_file());
    if files.is_empty() {
        eprintln!("skipped: there is no kernel in .cache, and BTFKIT_TEST_ELF names no file");
    }
    for path in files {
        let file = InputFile::open(&path).unwrap();
        let new = change(file.bytes(), &[put(".types", &[5; 100_001])]);
        let image = Image::parse(file.bytes()).unwrap();
        let is_loaded = image.section_by_name(b".BTF").is_some_and(Section::is_allocated) && !image.is_relocatable();
        match rewritten(&new, &[put(BTF, b"types")]) {
            Ok(_) => assert!(!is_loaded, "{}", path.display()),
            Err(error) => assert!(is_loaded && matches!(error, RewriteError::Allocated { .. }), "{error}"),
        }
    }
}

#[test]
fn a_32_bit_file_has_an_end() {
    let huge = tempfile::NamedTempFile::new().unwrap();
    huge.as_file().set_len(1 << 32).unwrap();
    let huge = InputFile::open(huge.path()).unwrap();
    for file in objects() {
        let old = file.build();
        let image = Image::parse(&old).unwrap();
        match Rewrite::plan(&image, &[put(BTF, huge.bytes())]) {
            Ok(rewrite) => assert!(file.is_64 && rewrite.size() > 1 << 32),
            Err(error) => assert!(!file.is_64 && matches!(error, RewriteError::TooLarge { size } if size > 1 << 32)),
        }
    }
}
