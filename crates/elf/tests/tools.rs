//! Files that a compiler made: what is read from a compressed file is what is read from the plain one. Skipped, and
//! said so, where the tools are not installed.

use btfkit_elf::{DebugSections, Image, InputFile, SymbolKind};
use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCE: &str = "
struct node { struct node *next; int value; };
static int counter;
__thread int own;
int first(struct node *node) { return node ? node->value + counter++ : own; }
__attribute__((section(\".text.other\"))) int second(int value) { return first(0) + value; }
";

/// Runs a tool; None where it does not exist or does not know the option.
fn run(tool: &str, arguments: &[&str], folder: &Path) -> Option<()> {
    let output = Command::new(tool).args(arguments).current_dir(folder).output().ok()?;
    if !output.status.success() {
        eprintln!("skipped: {tool} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    output.status.success().then_some(())
}

fn compiled(folder: &Path) -> Option<PathBuf> {
    std::fs::write(folder.join("source.c"), SOURCE).unwrap();
    run("gcc", &["-g", "-O1", "-c", "source.c", "-o", "plain.o"], folder)?;
    Some(folder.join("plain.o"))
}

type Values = Vec<(u64, Option<u64>)>;

/// The bytes of each section, and by offset the values at all relocated places of `.debug_info`.
fn read(sections: &DebugSections<'_>) -> (Vec<Vec<u8>>, Values) {
    let contents =
        [&sections.info, &sections.abbrev, &sections.str, &sections.line_str, &sections.loclists, &sections.rnglists]
            .map(|section| section.data.to_vec());
    let mut cursor = sections.info.relocations.cursor();
    let values = (0..sections.info.data.len() as u64)
        .filter_map(|offset| {
            let relocation = cursor.lookup(offset)?;
            let value = [4, 8].into_iter().find_map(|size| relocation.apply(0, size).ok());
            Some((offset, value.expect("a value of 4 or 8 bytes")))
        })
        .collect();
    (contents.to_vec(), values)
}

#[test]
fn compressed_files_read_like_plain_ones() {
    let folder = tempfile::tempdir().unwrap();
    let Some(plain) = compiled(folder.path()) else { return };
    let gz = ["-g", "-O1", "-c", "-gz=zlib", "source.c", "-o", "gz.o"];
    let mut pairs = Vec::new();
    if run("gcc", &gz, folder.path()).is_some()
        && run("objcopy", &["--decompress-debug-sections", "gz.o", "gz-plain.o"], folder.path()).is_some()
    {
        pairs.push((folder.path().join("gz.o"), folder.path().join("gz-plain.o")));
    }
    for method in ["zlib-gnu", "zlib-gabi", "zstd"] {
        let option = format!("--compress-debug-sections={method}");
        if run("objcopy", &[&option, "plain.o", method], folder.path()).is_some() {
            pairs.push((folder.path().join(method), plain.clone()));
        }
    }
    for (compressed, plain) in pairs {
        let file = InputFile::open(&compressed).unwrap();
        let image = Image::parse(file.bytes()).unwrap();
        let is_larger = |section: &btfkit_elf::Section<'_>| image.data(section).unwrap().len() as u64 > section.size;
        assert!(image.sections().iter().any(is_larger), "{} is compressed", compressed.display());
        let plain = InputFile::open(&plain).unwrap();
        let expected = read(&Image::parse(plain.bytes()).unwrap().debug_sections().unwrap());
        assert!(!expected.0[0].is_empty() && !expected.1.is_empty());
        assert!(read(&image.debug_sections().unwrap()) == expected, "{}", compressed.display());
    }
}

#[test]
fn relocated_addresses_are_those_of_the_symbols() {
    let folder = tempfile::tempdir().unwrap();
    let Some(path) = compiled(folder.path()) else { return };
    let file = InputFile::open(&path).unwrap();
    let image = Image::parse(file.bytes()).unwrap();
    let values = read(&image.debug_sections().unwrap()).1;
    let symbols = image.symbols().unwrap().unwrap();
    let mut defined = 0;
    for symbol in symbols.iter().filter(|symbol| symbol.section.is_some()) {
        let wanted = match symbol.kind {
            SymbolKind::Function => true,
            SymbolKind::Object => symbol.name() == b"counter",
            _ => false,
        };
        if wanted {
            defined += 1;
            let found = values.iter().any(|&(_, value)| value == Some(symbol.value));
            assert!(found, "{} at {:#x}", String::from_utf8_lossy(symbol.name()), symbol.value);
        }
    }
    assert_eq!(defined, 3);
    assert!(values.iter().any(|&(_, value)| value.is_none()), "the thread-local variable has no address");
}
