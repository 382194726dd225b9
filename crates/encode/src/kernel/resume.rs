//! What earlier runs have done, so that it is not done again.
//!
//! Beside the results is a file to which a line is added for each module that is done: by what the module's file and the
//! result are known again ([`Stamp`]), and a key that stands for the base, the options and the version. A module whose
//! stamps and key are those of its last line is current. Lines are written after what they speak of, some at a time: a
//! run that is killed at any moment loses a few, and does those modules again. A line that was cut off says nothing.
//!
//! A run that was killed may have left temporary files. The first line of a run and its last one show whether it came to
//! its end, and a lock on the file whether it goes on: what is left of one that did neither is removed. A run that ends
//! with nothing to remember, and found nothing, takes the file away again.

use super::report::{Size, Status};
use super::stamp::Stamp;
use crate::policy::{MissingBase, Wishes, is_external_build};
use crate::{Beside, EncodeError, Options};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const NAME: &str = ".btfkit.state";
/// So long may a line wait to be written.
const PATIENCE: Duration = Duration::from_millis(100);

/// What is known of a file that was encoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Of a module, relative to the folder of modules; of a vmlinux, as it was given.
    pub path: String,
    pub key: String,
    pub input: Stamp,
    pub outputs: Outputs,
    pub status: Status,
    #[serde(flatten)]
    pub size: Size,
}

/// The result, and what belongs to it, where these are files of their own and there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Outputs {
    btf: Option<Stamp>,
    /// A distilled base, a checksum.
    beside: [Option<Stamp>; 2],
}

impl Outputs {
    /// What was written just now.
    pub fn written(path: &Path, beside: &Beside) -> Outputs {
        let files = Beside::files(path);
        let sections = beside.sections();
        let stamp = |at: usize| sections[at].1.and_then(|_| Stamp::of_file(&files[at]));
        Outputs { btf: Stamp::of_file(path), beside: [stamp(0), stamp(1)] }
    }

    fn found(path: &Path) -> Outputs {
        let [base, checksum] = Beside::files(path);
        Outputs { btf: Stamp::of_file(path), beside: [Stamp::of_file(&base), Stamp::of_file(&checksum)] }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line<R> {
    Begin,
    Vmlinux(R),
    Module(R),
    End,
}

/// The memory of a folder of results. Without a folder nothing is remembered.
#[derive(Default)]
pub(super) struct State {
    vmlinux: Option<Record>,
    modules: HashMap<String, Record>,
    writer: Option<Mutex<Writer>>,
}

struct Writer {
    file: File,
    /// Where the file is, as long as there is nothing to remember.
    useless: Option<PathBuf>,
    lines: Vec<u8>,
    written: Instant,
}

impl State {
    /// Reads what earlier runs into this folder have written, and begins a run.
    pub fn open(folder: &Path) -> Result<State, EncodeError> {
        let path = folder.join(NAME);
        let failed = |error| EncodeError::new("IO", &path, error);
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&path).map_err(failed)?;
        // Where files cannot be locked, nobody is known to be alone.
        let alone = file.try_lock().is_ok();
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed)?;
        let mut state = State::default();
        let (mut lines, mut ended) = (0, true);
        for line in text.split_inclusive(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()) {
            lines += 1;
            ended = matches!(line, Line::End);
            match line {
                Line::Vmlinux(record) => state.vmlinux = Some(record),
                Line::Module(record) => drop(state.modules.insert(record.path.clone(), record)),
                Line::Begin | Line::End => {}
            }
        }
        if alone {
            if !ended {
                remove_leftovers(folder);
            }
            if lines > 100 + 2 * state.modules.len() {
                state.write_anew(&mut file).map_err(failed)?;
            }
            let _ = file.unlock();
        }
        // Held to the end, by all runs into this folder: they may do different shards.
        let _ = file.lock_shared();
        let useless = text.is_empty().then_some(path.clone());
        let mut writer = Writer { file, useless, lines: Vec::new(), written: Instant::now() };
        if text.last().is_some_and(|&last| last != b'\n') {
            writer.lines.push(b'\n');
        }
        writer.add(&Line::Begin::<&Record>);
        writer.write().map_err(failed)?;
        state.writer = Some(Mutex::new(writer));
        Ok(state)
    }

    /// A file that is cut off here and now costs what was remembered, and nothing else.
    fn write_anew(&self, file: &mut File) -> std::io::Result<()> {
        let mut records: Vec<&Record> = self.modules.values().collect();
        records.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let mut lines = Vec::new();
        self.vmlinux.iter().for_each(|record| put(&mut lines, &Line::Vmlinux(record)));
        records.into_iter().for_each(|record| put(&mut lines, &Line::Module(record)));
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(&lines)
    }

    /// Whether something may be remembered in a folder.
    pub fn may_be_in(folder: &Path) -> bool {
        folder.join(NAME).exists()
    }

    pub fn has_no_module(&self) -> bool {
        self.modules.is_empty()
    }

    /// What is remembered of a module, if it is current.
    pub fn module(&self, path: &str, key: &str, input: Stamp, output: Option<&Path>) -> Option<&Record> {
        self.modules.get(path).filter(|record| record.is_current(key, input, output))
    }

    /// The same of a vmlinux.
    pub fn vmlinux(&self, path: &str, key: &str, input: Stamp, output: Option<&Path>) -> Option<&Record> {
        self.vmlinux.as_ref().filter(|record| record.path == path && record.is_current(key, input, output))
    }

    pub fn remember_vmlinux(&self, record: &Record) {
        self.add(&Line::Vmlinux(record), true);
    }

    pub fn remember(&self, record: &Record) {
        self.add(&Line::Module(record), false);
    }

    /// The run has come to its end, and has left nothing behind that it does not know of.
    pub fn end(&self) {
        self.add(&Line::End::<&Record>, true);
        let Some(writer) = &self.writer else { return };
        let writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
        // Another run that goes on may remember something yet, and holds the lock.
        if let Some(path) = writer.useless.as_ref().filter(|_| writer.file.try_lock().is_ok()) {
            let _ = std::fs::remove_file(path);
        }
    }

    fn add(&self, line: &Line<&Record>, now: bool) {
        let Some(writer) = &self.writer else { return };
        let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.add(line);
        if let Line::Vmlinux(_) | Line::Module(_) = line {
            writer.useless = None;
        }
        if now || writer.written.elapsed() > PATIENCE {
            // What cannot be remembered is done again some day; the results do not suffer.
            let _ = writer.write();
        }
    }
}

impl Writer {
    fn add(&mut self, line: &Line<&Record>) {
        put(&mut self.lines, line);
    }

    fn write(&mut self) -> std::io::Result<()> {
        self.written = Instant::now();
        let written = self.file.write_all(&self.lines);
        self.lines.clear();
        written
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.write();
    }
}

impl Record {
    fn is_current(&self, key: &str, input: Stamp, output: Option<&Path>) -> bool {
        let outputs = || output.map(Outputs::found).unwrap_or_default();
        self.key == key && self.input == input && self.outputs == outputs()
    }
}

fn put(lines: &mut Vec<u8>, line: &Line<&Record>) {
    serde_json::to_writer(&mut *lines, line).expect("text and numbers can be written as JSON");
    lines.push(b'\n');
}

/// The encoder: its version, and what it was built from.
const ENCODER: &str = concat!(env!("CARGO_PKG_VERSION"), " ", env!("BTFKIT_SOURCES"));

/// Stands for all that a result depends on beside its file: the encoder, options, and in `parts` where it goes and the base.
pub(super) fn key(options: &Options, parts: &[&[u8]]) -> String {
    key_of(ENCODER, is_external_build(), options, parts)
}

fn key_of(encoder: &str, is_external: bool, options: &Options, parts: &[&[u8]]) -> String {
    // How many threads work, and with how much memory, changes no byte, nor does what is done where there is no base.
    let sections = Wishes { missing_base: MissingBase::Error, ..options.sections };
    let options = Options { jobs: None, memory_limit: None, sections, ..options.clone() };
    let mut hash = xxhash_rust::xxh3::Xxh3::new();
    let text = format!("{encoder} {is_external} {options:?}");
    for part in std::iter::once(text.as_bytes()).chain(parts.iter().copied()) {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    format!("{:032x}", hash.digest128())
}

/// Removes temporary files of a run that was killed. What cannot be removed does no harm.
fn remove_leftovers(folder: &Path) {
    let entries = walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok);
    for entry in entries.filter(|entry| entry.file_type().is_file()) {
        if entry.file_name().to_str().is_some_and(btfkit_elf::is_temporary) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{read, write};

    fn stamp(path: &Path) -> Stamp {
        Stamp::of(&path.metadata().unwrap())
    }

    /// A folder with a module and its result.
    fn folder() -> (tempfile::TempDir, Record) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path().join("a.ko"), "module").unwrap();
        write(folder.path().join("a.ko.btf"), "result").unwrap();
        let record = Record {
            path: "a.ko".into(),
            key: "key".into(),
            input: stamp(&folder.path().join("a.ko")),
            outputs: Outputs::found(&folder.path().join("a.ko.btf")),
            status: Status::Encoded,
            size: Size { types: 3, size: 6, skipped: 1, ..Size::default() },
        };
        (folder, record)
    }

    fn is_known(folder: &Path, key: &str) -> bool {
        let state = State::open(folder).unwrap();
        let result = folder.join("a.ko.btf");
        state.module("a.ko", key, stamp(&folder.join("a.ko")), Some(&result)).is_some()
    }

    #[test]
    fn a_run_with_nothing_to_remember_leaves_no_state() {
        let (folder, record) = folder();
        let folder = folder.path();
        let is_there = || folder.join(NAME).exists();
        let (one, other) = (State::open(folder).unwrap(), State::open(folder).unwrap());
        one.end();
        assert!(is_there(), "the other one goes on");
        other.end();
        drop((one, other));
        std::fs::remove_file(folder.join(NAME)).unwrap();
        State::open(folder).unwrap().end();
        assert!(!is_there());
        let state = State::open(folder).unwrap();
        state.remember(&record);
        state.end();
        drop(state);
        State::open(folder).unwrap().end();
        assert!(is_there());
        assert_eq!(State::open(folder).unwrap().modules.len(), 1);
    }

    #[test]
    fn a_module_is_current_until_something_of_it_changes() {
        let (folder, record) = folder();
        let folder = folder.path();
        let state = State::open(folder).unwrap();
        state.remember(&record);
        state.end();
        drop(state);
        assert!(is_known(folder, "key"));
        assert!(!is_known(folder, "another key"));
        write(folder.join("a.ko.btf"), "somebody's").unwrap();
        assert!(!is_known(folder, "key"));

        let state = State::open(folder).unwrap();
        state.remember(&Record { outputs: Outputs::found(&folder.join("a.ko.btf")), ..record.clone() });
        drop(state);
        assert!(is_known(folder, "key"));
        for name in ["a.ko.btf.base", "a.ko.btf.base_checksum"] {
            write(folder.join(name), "of another result").unwrap();
            assert!(!is_known(folder, "key"), "{name}");
            std::fs::remove_file(folder.join(name)).unwrap();
        }
        assert!(is_known(folder, "key"));
        write(folder.join("a.ko"), "another module").unwrap();
        assert!(!is_known(folder, "key"));
        std::fs::remove_file(folder.join("a.ko.btf")).unwrap();
        let state = State::open(folder).unwrap();
        assert!(state.module("a.ko", "key", record.input, Some(&folder.join("a.ko.btf"))).is_none());
    }

    #[test]
    fn a_file_that_was_cut_anywhere_says_what_is_whole_in_it() {
        let (folder, record) = folder();
        let folder = folder.path();
        let state = State::open(folder).unwrap();
        state.remember(&record);
        state.end();
        drop(state);
        let path = folder.join(NAME);
        let whole = read(&path).unwrap();
        let told = whole.len() - "\n\"end\"\n".len();
        for length in 0..whole.len() {
            write(&path, &whole[..length]).unwrap();
            assert_eq!(is_known(folder, "key"), length >= told, "{length}");
            // What was cut off does not spoil what comes behind it.
            State::open(folder).unwrap().remember(&record);
            assert!(is_known(folder, "key"), "{length}");
        }
        write(&path, [0xff; 1000]).unwrap();
        assert!(!is_known(folder, "key"));
    }

    #[test]
    fn only_what_was_killed_leaves_temporary_files_to_remove() {
        let (folder, record) = folder();
        let folder = folder.path();
        std::fs::create_dir(folder.join("below")).unwrap();
        let left = folder.join("below/.btfkit-a1B2c3");
        let others = [".btfkit-x", ".btfkit-toolong7", "btfkit-a1B2c3", ".other-a1B2c3"].map(|name| folder.join(name));
        others.iter().chain([&left]).for_each(|path| write(path, "part").unwrap());
        State::open(folder).unwrap().end();
        assert!(left.exists(), "nobody was killed");

        let killed = State::open(folder).unwrap();
        killed.remember(&record);
        drop(State::open(folder).unwrap());
        assert!(left.exists(), "the other run goes on");
        drop(killed);
        let state = State::open(folder).unwrap();
        assert!(!left.exists());
        assert!(others.iter().all(|path| path.exists()));
        drop(state);
    }

    #[test]
    fn the_file_does_not_grow_for_ever() {
        let (folder, record) = folder();
        let folder = folder.path();
        for _ in 0..200 {
            let state = State::open(folder).unwrap();
            state.remember(&record);
            state.end();
        }
        assert!(read(folder.join(NAME)).unwrap().len() < 50_000);
        assert!(is_known(folder, "key"));
    }

    #[test]
    fn the_key_is_of_all_that_changes_a_byte() {
        let options = Options::default();
        let with = |change: fn(&mut Options)| {
            let mut options = Options::default();
            change(&mut options);
            key_of("1.2", false, &options, &[b"base"])
        };
        let plain = with(|_| ());
        for same in [
            with(|options| options.jobs = Some(3)),
            with(|options| options.memory_limit = Some(1)),
            with(|options| options.sections.missing_base = MissingBase::Skip),
        ] {
            assert_eq!(same, plain);
        }
        let others = [
            key_of("1.3", false, &options, &[b"base"]),
            key_of("1.2", true, &options, &[b"base"]),
            key_of("1.2", false, &options, &[b"other"]),
            key_of("1.2", false, &options, &[b"ba", b"se"]),
            with(|options| options.strict = true),
            with(|options| options.features.layout = true),
            with(|options| options.lang_exclude.push(1)),
            with(|options| options.sections.base_checksum = true),
            with(|options| options.sections.base_ref = crate::policy::BaseRef::Always),
            with(|options| options.sections.out_of_tree = Some(true)),
            with(|options| options.sections.on_invalid = crate::policy::OnInvalid::SkipSection),
            with(|options| options.sections.target = crate::policy::release("5.15").ok()),
        ];
        assert!(others.iter().all(|other| *other != plain));
    }
}
