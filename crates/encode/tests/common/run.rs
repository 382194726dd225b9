//! Encoding a file, and what may be expected of the outcome.
//!
//! With `BTFKIT_REFERENCE` set to a `pahole`, that program encodes in btfkit's place: then every test checks its own
//! expectations against the reference, and a test inside `differs` must fail, which keeps the table of differences true.

use super::btf::Btf;
use super::elf::File;
use btfkit_btf::{Context, Refusal, validate};
use btfkit_encode::{Features, Options, Report, encode_file};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

pub const ANY: &str = "";

pub struct Outcome {
    pub btf: Result<Btf, (String, String)>,
    pub bytes: Vec<u8>,
    /// None when the reference encoded.
    pub report: Option<Report>,
}

pub fn reference_program() -> Option<PathBuf> {
    std::env::var_os("BTFKIT_REFERENCE").map(PathBuf::from)
}

/// What the reference does otherwise, and why btfkit differs: the test must fail with the reference.
pub fn differs(why: &str, test: impl FnOnce()) {
    if reference_program().is_none() {
        return test();
    }
    let agreed = catch_unwind(AssertUnwindSafe(test)).is_ok();
    assert!(!agreed, "the reference does the same, yet the test says it differs: {why}");
}

/// What cannot be asked of the reference: reports, errors, hostile input.
pub fn ours(test: impl FnOnce()) {
    if reference_program().is_none() {
        test();
    }
}

/// A new path for this test's files, kept after the test for a look at them.
pub fn scratch(name: &str) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let thread = std::thread::current().name().unwrap_or("test").replace("::", "-");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(thread);
    std::fs::create_dir_all(&folder).expect("a folder for the test's files");
    folder.join(format!("{}-{name}", NEXT.fetch_add(1, Ordering::Relaxed)))
}

pub fn options(features: &str) -> Options {
    Options { features: Features::parse(features).expect("known features"), jobs: Some(1), ..Options::default() }
}

impl File {
    /// With the default features.
    pub fn encode(&self) -> Outcome {
        self.encode_with("default")
    }

    pub fn encode_with(&self, features: &str) -> Outcome {
        self.encode_as(&options(features))
    }

    pub fn encode_as(&self, options: &Options) -> Outcome {
        let path = scratch("file.elf");
        std::fs::write(&path, self.bytes()).expect("a written file");
        let outcome = encode(&path, options);
        outcome.is_valid(self.profile.address);
        outcome
    }
}

pub fn encode(path: &Path, options: &Options) -> Outcome {
    if let Some(program) = reference_program() {
        return encode_by_reference(&program, path, options);
    }
    match encode_file(path, options, None, &AtomicBool::new(false)) {
        Ok(encoded) => {
            std::fs::write(path.with_extension("btf"), &encoded.btf).expect("a written file");
            Outcome { btf: Ok(Btf::parse(&encoded.btf)), bytes: encoded.btf, report: Some(encoded.report) }
        }
        Err(error) => Outcome { btf: Err((error.code.to_owned(), error.message)), bytes: Vec::new(), report: None },
    }
}

fn encode_by_reference(program: &Path, path: &Path, options: &Options) -> Outcome {
    let target = path.with_extension("btf");
    let _ = std::fs::remove_file(&target);
    let mut features = options.features;
    let names: Vec<&str> =
        Features::NAMES.into_iter().filter(|name| features.switch(name).is_some_and(|on| *on)).collect();
    let mut command = Command::new(program);
    command.arg("-J").arg(format!("--btf_features={}", names.join(",")));
    command.arg(format!("--btf_encode_detached={}", target.display()));
    if !options.lang_exclude.is_empty() {
        let names: Vec<&str> = options.lang_exclude.iter().map(|code| language(*code)).collect();
        command.arg(format!("--lang_exclude={}", names.join(",")));
    }
    let output = command.arg(path).output().expect("the reference runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match std::fs::read(&target) {
        Ok(bytes) => Outcome { btf: Ok(Btf::parse(&bytes)), bytes, report: None },
        Err(_) => Outcome {
            btf: Err((ANY.to_owned(), format!("{}: {said}", output.status))),
            bytes: Vec::new(),
            report: None,
        },
    }
}

fn language(code: u16) -> &'static str {
    match code {
        0x1c => "rust",
        0x1d => "c11",
        0x8001 => "asm",
        _ => panic!("no name for language {code:#x}"),
    }
}

/// The kinds that `expect` compares; all others show in what refers to them.
const SHOWN: [&str; 11] =
    ["INT", "FLOAT", "STRUCT", "UNION", "ENUM", "ENUM64", "FWD", "TYPEDEF", "FUNC", "VAR", "DATASEC"];

impl Outcome {
    pub fn ok(&self) -> &Btf {
        match &self.btf {
            Ok(btf) => btf,
            Err((code, message)) => panic!("not encoded: {code}: {message}"),
        }
    }

    /// Whatever comes out, a kernel takes it.
    pub fn is_valid(&self, pointer_size: u8) {
        if let Err(refusal) = self.validity(Context::Load, pointer_size) {
            panic!("the kernel refuses it: {refusal}\n{}", self.lines().join("\n"));
        }
    }

    pub fn validity(&self, context: Context, pointer_size: u8) -> Result<(), Refusal> {
        if self.btf.is_ok() { validate(&self.bytes, context, None, pointer_size) } else { Ok(()) }
    }

    pub fn failed(&self, code: &str) {
        match &self.btf {
            Ok(btf) => panic!("encoded:\n{}", btf.lines(&SHOWN).join("\n")),
            Err((had, message)) => {
                assert!(code.is_empty() || had.is_empty() || had == code, "{had} instead of {code}: {message}");
            }
        }
    }

    pub fn lines(&self) -> Vec<String> {
        let mut kinds = SHOWN.to_vec();
        kinds.push("DECL_TAG");
        self.ok().lines(&kinds)
    }

    /// Exactly these lines, in any order, of all kinds that are no mere references.
    pub fn expect(&self, text: &str) -> &Outcome {
        compare(self.lines(), text);
        self
    }

    /// Exactly these lines of that kind.
    pub fn kind(&self, kind: &str, text: &str) -> &Outcome {
        compare(self.ok().lines(&[kind]), text);
        self
    }

    /// Among others, these lines.
    pub fn has(&self, text: &str) -> &Outcome {
        let lines = self.lines();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            assert!(lines.iter().any(|had| had == line), "no line\n  {line}\namong\n  {}", lines.join("\n  "));
        }
        self
    }

    /// No line that starts so.
    pub fn lacks(&self, start: &str) -> &Outcome {
        let lines = self.lines();
        assert!(!lines.iter().any(|had| had.starts_with(start)), "{start} among\n  {}", lines.join("\n  "));
        self
    }

    pub fn function(&self, name: &str, prototype: &str) -> &Outcome {
        self.has(&format!("FUNC {name} static {prototype}"))
    }

    /// The function is not there, and the report says why.
    pub fn no_function(&self, name: &str, reason: &str) -> &Outcome {
        self.lacks(&format!("FUNC {name} "));
        self.skipped("function", name, reason)
    }

    pub fn no_variable(&self, name: &str, reason: &str) -> &Outcome {
        self.lacks(&format!("VAR {name} "));
        self.skipped("variable", name, reason)
    }

    fn skipped(&self, what: &str, name: &str, reason: &str) -> &Outcome {
        if let Some(report) = &self.report {
            let said: Vec<_> = report.skipped.iter().filter(|one| one.what == what && one.name == name).collect();
            let right = said.iter().any(|one| one.reason == reason || reason == ANY);
            assert!(right, "{what} {name} is not left out as '{reason}': {said:?}");
        }
        self
    }

    /// A diagnostic with that code.
    pub fn diagnostic(&self, code: &str) -> &Outcome {
        if let Some(report) = &self.report {
            let said = &report.diagnostics;
            assert!(said.iter().any(|one| one.code == code || code == ANY), "no diagnostic '{code}': {said:?}");
        }
        self
    }

    /// The name, size and sign of the type that all arrays are indexed with.
    pub fn array_index(&self, line: &str) -> &Outcome {
        let btf = self.ok();
        let arrays = btf.types.iter().filter(|one| one.kind == 3);
        let mut indexes: Vec<u32> = arrays.map(|one| one.array[1]).collect();
        indexes.dedup();
        assert_eq!(indexes.len(), 1, "one index type for all arrays");
        let name = &btf.get(indexes[0]).name;
        self.has(line);
        assert!(line.starts_with(&format!("INT {name} ")), "arrays are indexed by {name}");
        self
    }
}

fn compare(mut had: Vec<String>, text: &str) {
    let mut wanted: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    wanted.sort_unstable();
    had.sort_unstable();
    if had != wanted {
        let extra: Vec<&String> = had.iter().filter(|line| !wanted.contains(&line.as_str())).collect();
        let missing: Vec<&&str> = wanted.iter().filter(|line| !had.iter().any(|one| one == *line)).collect();
        panic!("expected, but not there: {missing:#?}\nthere, but not expected: {extra:#?}\nall: {had:#?}");
    }
}
