//! Files of which only what is asked for is read look like those that are mapped, also where they are cut meanwhile.

mod common;

use btfkit_elf::{DebugSections, ElfError, Image, Input, InputFile, PartialFile, ReadBuffer};
use common::{KINDS, TestElf};
use object::{Endianness, elf};
use std::io::Write;
use std::path::Path;
use tempfile::NamedTempFile;

fn written(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

const SIZE: usize = ReadBuffer::SIZE;

/// Full of what an earlier file has left in it. None where the system has no huge pages.
fn used_buffer() -> Option<ReadBuffer> {
    let Some(mut buffer) = ReadBuffer::new() else {
        eprintln!("skipped: reading into huge pages, which this system does not have");
        return None;
    };
    let earlier = written(&with_debug_info(&vec![0xff; SIZE - 8192]));
    let file = open(earlier.path(), &mut buffer);
    assert!(file.image().unwrap().debug_sections().unwrap().info.data.iter().all(|&byte| byte == 0xff));
    Some(buffer)
}

fn with_debug_info(bytes: &[u8]) -> Vec<u8> {
    let mut file = TestElf::relocatable(true, Endianness::Little, elf::EM_X86_64);
    file.debug(".debug_info", bytes);
    file.build()
}

fn open<'b>(path: &Path, buffer: &'b mut ReadBuffer) -> PartialFile<'b> {
    PartialFile::open(path, buffer).unwrap().expect("a file that is not compressed")
}

fn contents(debug: &DebugSections<'_>) -> Vec<Vec<u8>> {
    [&debug.info, &debug.abbrev, &debug.str, &debug.line_str, &debug.loclists]
        .map(|section| section.data.to_vec())
        .to_vec()
}

/// What one can see of an image, or why nothing can be seen.
fn seen(image: Result<Image<'_>, ElfError>) -> Result<String, String> {
    let text = |error: ElfError| error.to_string();
    let image = image.map_err(text)?;
    let debug = image.debug_sections().map_err(text)?;
    let symbols = image.symbols().map_err(text)?;
    let names: Vec<_> = symbols.iter().flat_map(|all| all.iter().map(|symbol| (symbol.name(), symbol.value))).collect();
    let relocations: Vec<_> = [&debug.info, &debug.str].map(|section| section.relocations.len()).to_vec();
    Ok(format!("{:?} {:?} {names:?} {relocations:?}", image.sections(), contents(&debug)))
}

fn some_file((is_64, endian): (bool, Endianness)) -> Vec<u8> {
    let mut file = TestElf::relocatable(is_64, endian, elf::EM_X86_64);
    let info = file.debug(".debug_info", b"entries, and more of them");
    file.debug(".debug_abbrev", &[1, 2, 3]);
    file.debug(".debug_str", b"one\0two\0");
    let text = file.allocated(".text", 0, 16, &[7; 1000]);
    let symbol = file.symbol("function", elf::STT_FUNC, text, 16, 8);
    file.relocate(info, 8, elf::R_X86_64_32, symbol, 4);
    file.build()
}

#[test]
fn whole_or_cut_off_or_changed_they_look_like_mapped_files() {
    let Some(mut buffer) = used_buffer() else { return };
    for kind in KINDS {
        let whole = some_file(kind);
        let mut files: Vec<Vec<u8>> = (1..whole.len()).step_by(7).map(|len| whole[..len].to_vec()).collect();
        files.extend((0..whole.len()).step_by(3).map(|at| {
            let mut changed = whole.clone();
            changed[at] ^= 0x81;
            changed
        }));
        files.push(whole);
        for bytes in files {
            let file = written(&bytes);
            let mapped = InputFile::open(file.path()).unwrap();
            let partial = open(file.path(), &mut buffer);
            assert_eq!(seen(partial.image()), seen(mapped.image()), "{} bytes", bytes.len());
            partial.verify(file.path()).unwrap();
        }
    }
}

#[test]
fn several_threads_may_ask() {
    let Some(mut buffer) = used_buffer() else { return };
    let bytes = some_file(KINDS[0]);
    let (file, wanted) = (written(&bytes), seen(Image::parse(&bytes)));
    let partial = open(file.path(), &mut buffer);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| seen(partial.image()))).collect();
        threads.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), wanted));
    });
}

/// Sections of which the second has no room in the buffer, and then one that has.
fn large_file() -> Vec<u8> {
    let mut file = TestElf::relocatable(true, Endianness::Little, elf::EM_X86_64);
    file.debug(".debug_info", &vec![1; SIZE - (1 << 20)]);
    file.debug(".debug_abbrev", &vec![2; 2 << 20]);
    file.debug(".debug_str", &vec![3; 1 << 10]);
    file.build()
}

#[test]
fn what_has_no_room_is_mapped() {
    let Some(mut buffer) = used_buffer() else { return };
    let bytes = large_file();
    let file = written(&bytes);
    let partial = open(file.path(), &mut buffer);
    let debug = partial.image().unwrap().debug_sections().unwrap();
    let wanted = Image::parse(&bytes).unwrap().debug_sections().unwrap();
    assert!(contents(&debug) == contents(&wanted));
    partial.verify(file.path()).unwrap();
}

/// As many as a hostile file may name: pieces of one section, of which the file has one each.
#[test]
fn many_sections_are_read_or_mapped() {
    let Some(mut buffer) = used_buffer() else { return };
    let mut file = TestElf::relocatable(true, Endianness::Little, elf::EM_X86_64);
    for piece in 0..500u32 {
        file.debug(".debug_types", &piece.to_le_bytes());
    }
    let file = written(&file.build());
    let partial = open(file.path(), &mut buffer);
    let types = partial.image().unwrap().debug_sections().unwrap().types.data.into_owned();
    assert!(types == (0..500).flat_map(u32::to_le_bytes).collect::<Vec<_>>());
}

/// In the part that is read and in the part that is mapped; before these are asked for, and after.
#[test]
fn zeros_are_in_the_place_of_what_was_cut_off_meanwhile() {
    let Some(mut buffer) = used_buffer() else { return };
    let (bytes, megabyte) = (large_file(), 1 << 20);
    for asks_before in [false, true] {
        let file = written(&bytes);
        let partial = open(file.path(), &mut buffer);
        let image = partial.image().unwrap();
        if asks_before {
            assert_eq!(image.debug_sections().unwrap().abbrev.data[megabyte], 2);
        }
        file.as_file().set_len(megabyte as u64).unwrap();
        let debug = image.debug_sections().unwrap();
        let info = &debug.info.data;
        assert_eq!((info.len(), info[0]), (SIZE - megabyte, 1));
        // What was read stays, and what was not is gone.
        assert_eq!(info[2 * megabyte..].iter().any(|&byte| byte != 0), asks_before);
        assert!(debug.abbrev.data.iter().all(|&byte| byte == 0));
        assert!(matches!(partial.verify(file.path()), Err(ElfError::Changed { .. })));
    }
}

#[test]
fn a_file_that_was_written_into_is_told() {
    let Some(mut buffer) = used_buffer() else { return };
    let file = written(&some_file(KINDS[0]));
    let partial = open(file.path(), &mut buffer);
    partial.image().unwrap().debug_sections().unwrap();
    partial.verify(file.path()).unwrap();
    file.as_file().set_len(1 << 20).unwrap();
    assert!(matches!(partial.verify(file.path()), Err(ElfError::Changed { .. })));
}

#[test]
fn compressed_and_missing_files() {
    let Some(mut buffer) = used_buffer() else { return };
    for packed in [[0x1f, 0x8b, 8, 0, 0, 0], [0xfd, b'7', b'z', b'X', b'Z', 0], [0x28, 0xb5, 0x2f, 0xfd, 0, 0]] {
        assert!(PartialFile::open(written(&packed).path(), &mut buffer).unwrap().is_none());
    }
    let folder = tempfile::tempdir().unwrap();
    let error = PartialFile::open(&folder.path().join("gone"), &mut buffer).map(drop).unwrap_err();
    assert!(matches!(error, ElfError::NotFound { .. }));
    assert!(matches!(PartialFile::open(written(&[]).path(), &mut buffer), Err(ElfError::Empty { .. })));
    assert!(matches!(PartialFile::open(folder.path(), &mut buffer), Err(ElfError::Directory { .. })));
}
