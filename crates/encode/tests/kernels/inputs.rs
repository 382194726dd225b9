//! Where kernels, other files and reference encodings come from, and their encodings by btfkit.

use btfkit_btf::{Btf, Kind};
use btfkit_elf::{Image, InputFile, SymbolKind};
use btfkit_encode::{Base, Features, Options, Report, encode_file, language_code};
use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

/// Says what a test cannot do here. Past the test harness, which shows only what failed tests print.
pub fn skipped(what: &str) {
    note(&format!("skipped: {what}"));
}

/// As `skipped`, for what is worth to be read when all is well.
pub fn note(what: &str) {
    // In one piece: tests run side by side.
    let _ = std::io::stderr().write_all(format!("{what}\n").as_bytes());
}

/// Every kernel of the cache and every file named in BTFKIT_TEST_ELF.
pub fn files() -> Vec<PathBuf> {
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/kernels");
    let packages = entries(&cache).into_iter().filter(|path| path.is_dir());
    let boot = packages.map(|package| package.join("usr/lib/debug/boot"));
    let cached = boot.flat_map(|boot| entries(&boot)).filter(|path| kernel_of(path).is_some());
    let named = std::env::var_os("BTFKIT_TEST_ELF").unwrap_or_default();
    let named: Vec<PathBuf> = std::env::split_paths(&named).filter(|path| !path.as_os_str().is_empty()).collect();
    let real = |path: PathBuf| path.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut files: Vec<PathBuf> = cached.chain(named).map(real).collect();
    files.sort();
    // The same kernel may be in the cache with modules and without.
    files.dedup_by(|a, b| a == b || kernel_of(a).is_some() && kernel_of(a) == kernel_of(b));
    files
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// "6.1.0-50-arm64" of `vmlinux-6.1.0-50-arm64`.
pub fn kernel_of(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()?.strip_prefix("vmlinux-")
}

pub fn golden_folder() -> Option<PathBuf> {
    std::env::var_os("BTFKIT_GOLDEN").filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

/// The kernels that the folder has reference encodings of, and where.
pub fn golden_archives(folder: &Path) -> Vec<(String, PathBuf)> {
    let kernel = |path: &Path| Some(path.file_name()?.to_str()?.strip_suffix(".tar.zst")?.to_owned());
    entries(folder).into_iter().filter_map(|path| Some((kernel(&path)?, path))).collect()
}

pub fn btf_of_archive(archive: &Path) -> Btf {
    // Modules come after vmlinux.btf; tar is told not to look for it again.
    let mut tar = Command::new("tar");
    tar.args(["--zstd", "--extract", "--to-stdout", "--occurrence=1", "--file"]).arg(archive).arg("vmlinux.btf");
    let output = tar.output().expect("tar runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.stdout.is_empty(), "no vmlinux.btf in {}: {said}", archive.display());
    Btf::parse(output.stdout).unwrap_or_else(|error| panic!("{}: {error}", archive.display()))
}

/// An ELF machine, with what tells apart what shares its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    pub number: u16,
    pub is_64: bool,
    pub big_endian: bool,
}

impl Machine {
    pub const ARM: u16 = 40;

    fn of(image: &Image<'_>) -> Machine {
        let big_endian = image.endian() == btfkit_elf::Endian::Big;
        Machine { number: image.machine(), is_64: image.is_64(), big_endian }
    }

    /// That of this process.
    pub fn native() -> Machine {
        let file = InputFile::open(&std::env::current_exe().expect("a path")).expect("this program");
        Machine::of(&Image::parse(file.bytes()).expect("ELF"))
    }
}

/// What btfkit makes of a file, and what explanations of differences need to know of the file.
pub struct Encoding {
    pub btf: Btf,
    pub report: Report,
    pub machine: Machine,
    pub is_relocatable: bool,
    /// Full names of all function symbols, and their base names where the full name goes on with a dot.
    pub function_symbols: HashSet<Vec<u8>>,
    pub suffixed: HashSet<Vec<u8>>,
    /// Names that several function symbols have.
    pub repeated: HashSet<Vec<u8>>,
}

/// As kernel builds ask for it.
pub fn options() -> Options {
    let rust = language_code("rust").expect("a language");
    Options { features: Features::default(), lang_exclude: vec![rust], ..Options::default() }
}

impl Encoding {
    pub fn of(path: &Path) -> Encoding {
        Encoding::on(None, path)
    }

    pub fn on(base: Option<&Base>, path: &Path) -> Encoding {
        let encoded = encode_file(path, &options(), base, &AtomicBool::new(false));
        let encoded = encoded.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let file = InputFile::open(path).expect("the file once more");
        let image = Image::parse(file.bytes()).expect("ELF");
        let symbols = image.symbols().expect("symbols").expect("a symbol table");
        let (mut function_symbols, mut suffixed, mut repeated) = (HashSet::new(), HashSet::new(), HashSet::new());
        for symbol in symbols.iter().filter(|symbol| symbol.kind == SymbolKind::Function) {
            let name = symbol.name();
            if !function_symbols.insert(name.to_vec()) {
                repeated.insert(name.to_vec());
            }
            if let Some(dot) = name.iter().position(|&byte| byte == b'.') {
                suffixed.insert(name[..dot].to_vec());
            }
        }
        Encoding {
            btf: match base {
                None => Btf::parse(encoded.btf).expect("BTF"),
                Some(base) => Btf::parse_split(encoded.btf, Arc::clone(base.btf())).expect("split BTF"),
            },
            report: encoded.report,
            machine: Machine::of(&image),
            is_relocatable: image.is_relocatable(),
            function_symbols,
            suffixed,
            repeated,
        }
    }

    pub fn count(&self, kind: Kind) -> usize {
        self.btf.records().filter(|(_, record)| record.kind() == Some(kind)).count()
    }
}

/// The encoding of a file that several tests look at; made once.
pub fn encoded(path: &Path) -> Arc<Encoding> {
    type Slot = Arc<OnceLock<Arc<Encoding>>>;
    static ENCODINGS: LazyLock<Mutex<HashMap<PathBuf, Slot>>> = LazyLock::new(Mutex::default);
    let slot = ENCODINGS.lock().expect("no test fails meanwhile").entry(path.to_owned()).or_default().clone();
    slot.get_or_init(|| Arc::new(Encoding::of(path))).clone()
}
