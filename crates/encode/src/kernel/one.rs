//! One module: read, encoded, and put where it goes.

use super::listing::Module;
use super::options::{Destination, KernelOptions};
use super::report::{Failure, Kept, ModuleReport, Size, Status};
use super::resume::{Outputs, Record, key};
use super::stamp::Stamp;
use crate::btf_file::BtfFile;
use crate::convert::judge;
use crate::memory::{Limit, mebibytes, module_need, module_needs_at_least};
use crate::policy::{BaseRef, Wishes};
use crate::{Base, Beside, EncodeError, Encoded, InPlace, Options, Report, Scratch, encode_module, fault};
use btfkit_elf::{Image, InputFile};
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

/// What is the same for all modules.
pub(super) struct Job<'j> {
    pub options: &'j KernelOptions,
    pub base: &'j Base,
    pub manners: &'j Manners,
    pub limit: Option<&'j Limit>,
    /// What was left of it before the first module, in bytes.
    pub free: Option<u64>,
    /// Whether the folder of results has something beside some BTF from before. To look for that at each of a whole
    /// kernel's results would take 3 of 1,000 parts of the run.
    pub has_others: bool,
    pub stop: &'j AtomicBool,
}

/// How modules are encoded: as the options say, but for who gets a distilled base. One for each of these choices.
pub(super) struct Manners([Manner; 3]);

pub(super) struct Manner {
    pub options: Options,
    /// Stands for all that a result depends on beside its file.
    pub key: String,
}

impl Manners {
    /// `parts` are what results depend on beside the options.
    pub fn new(options: &Options, parts: &[&[u8]]) -> Manners {
        Manners([BaseRef::Never, BaseRef::OutOfTree, BaseRef::Always].map(|base_ref| {
            let options = Options { sections: Wishes { base_ref, ..options.sections }, ..options.clone() };
            Manner { key: key(&options, parts), options }
        }))
    }

    pub fn of(&self, module: &Module, options: &KernelOptions) -> &Manner {
        let wanted = options.base_ref_of(&module.path);
        let mut all = self.0.iter();
        all.find(|manner| manner.options.sections.base_ref == wanted).expect("there is one for each choice")
    }
}

/// What came of a module: what is told, and what is remembered of it.
pub(super) type Done = (ModuleReport, Option<Record>);

impl Job<'_> {
    /// None when it was stopped.
    pub fn run(&self, module: &Module, scratch: &mut Scratch) -> Option<Done> {
        let start = Instant::now();
        let mut done = match self.encode(module, scratch) {
            Ok(done) => done,
            Err(error) if error.code == "ABORTED" => return None,
            Err(error) => (failed(module, error), None),
        };
        done.0.milliseconds = start.elapsed().as_secs_f64() * 1e3;
        Some(done)
    }

    fn encode(&self, module: &Module, scratch: &mut Scratch) -> Result<Done, EncodeError> {
        let input = self.options.modules.join(&module.path);
        self.refuse_what_cannot_fit(module, &input)?;
        let in_place = self.options.destination == Destination::InPlace;
        let target = match in_place.then(|| InPlace::open(&input)).transpose() {
            // Distributions sign modules that they have stripped. Nothing would be put into those.
            Err(error) if error.code == "NOT_IN_PLACE" && is_without_dwarf(&input) => {
                return self.nothing(module, Status::NoDwarf, &input, None, scratch);
            }
            target => target?,
        };
        let encoded = match self.encode_file(module, &input, target.as_ref(), scratch) {
            Ok(encoded) => encoded,
            Err(error) => {
                let status = match error.code {
                    "NO_DWARF" => Status::NoDwarf,
                    "NO_TYPES" => Status::NoTypes,
                    "SKIPPED" => Status::Omitted,
                    _ => return Err(error),
                };
                return self.nothing(module, status, &input, target.as_ref(), scratch);
            }
        };
        // The last moment at which nothing has happened yet.
        if self.stop.load(Relaxed) {
            return Err(EncodeError::aborted(&input));
        }
        let Encoded { btf, beside, report } = encoded;
        let mut done = report_of(module, Status::Encoded, Size::of(&report));
        let mut stamps = (module.stamp, Outputs::default());
        match &self.options.destination {
            Destination::Folder(folder) => {
                let path = folder.join(module.target());
                write_into_folder(&path, &btf, &beside, self.has_others)?;
                stamps.1 = Outputs::written(&path, &beside);
                done.output = Some(text(&path));
            }
            Destination::InPlace => {
                if let Some(target) = target {
                    target.write(&btf, &beside)?;
                }
                stamps.0 = stamp(&input)?;
                done.output = Some(text(&input));
            }
            Destination::Reader => (done.btf, done.beside) = (Some(btf), beside),
        }
        let record = self.record(module, &done, stamps);
        Ok((done, record))
    }

    /// One that is ended when it has outgrown the limit ends the whole run.
    fn refuse_what_cannot_fit(&self, module: &Module, input: &Path) -> Result<(), EncodeError> {
        let least = module_needs_at_least(module.stamp.size, module.is_compressed());
        let (Some(limit), Some(free)) = (self.limit, self.free) else { return Ok(()) };
        if least <= free {
            return Ok(());
        }
        let (least, free) = (mebibytes(least), mebibytes(free));
        let what =
            format!("encoding it takes at least {least} of memory, and {free} are left: {limit}. Raise the limit");
        Err(EncodeError::new("MEMORY_LIMIT", input, what))
    }

    /// A fault of ours in one module is no reason to lose the others.
    fn encode_file(
        &self,
        module: &Module,
        path: &Path,
        target: Option<&InPlace>,
        scratch: &mut Scratch,
    ) -> Result<Encoded, EncodeError> {
        let options = &self.manners.of(module, self.options).options;
        let need = module_need(module.stamp.size, module.is_compressed());
        let mut encode = |file: &InputFile| {
            if self.limit.is_some_and(|limit| !limit.holds_pages(need, file.mapped_bytes())) {
                file.read_sparingly();
            }
            encode_module(path, file, options, Some(self.base), scratch, self.stop)
        };
        let open_and_encode = || match target {
            Some(target) => encode(target.file()),
            None => {
                // What is not compressed takes no memory of its own.
                let room = self.limit.filter(|_| module.is_compressed()).map_or(u64::MAX, Limit::room);
                encode(
                    &InputFile::open_within(path, room, self.stop).map_err(|error| EncodeError::of_elf(path, error))?,
                )
            }
        };
        catch_unwind(AssertUnwindSafe(open_and_encode)).unwrap_or_else(|panic| {
            let words = || panic.downcast_ref::<String>().cloned().or(panic.downcast_ref().copied().map(str::to_owned));
            let what = fault::take().or_else(words).unwrap_or("a panic without words".to_owned());
            let what = format!("a fault of btfkit itself: {what}; please report it, with the file if you can");
            Err(EncodeError::new("INTERNAL", path, what))
        })
    }

    /// There is nothing to write. What an earlier state of the module has left would be wrong now, and goes. Only from a
    /// file without debug information its BTF is not taken: it may have been made before the file was stripped, and could
    /// not be made again. Whether it belongs to the base is told.
    fn nothing(
        &self,
        module: &Module,
        status: Status,
        input: &Path,
        target: Option<&InPlace>,
        scratch: &Scratch,
    ) -> Result<Done, EncodeError> {
        let mut done = report_of(module, status, Size::default());
        let mut now = module.stamp;
        match (&self.options.destination, target) {
            (Destination::Folder(folder), _) => {
                let path = folder.join(module.target());
                Beside::default().remove_others(&path)?;
                match std::fs::remove_file(&path) {
                    Err(error) if error.kind() != ErrorKind::NotFound => {
                        return Err(EncodeError::new("IO", &path, error));
                    }
                    _ => {}
                }
            }
            (Destination::InPlace, _) if status == Status::NoDwarf => done.kept = self.kept(input, scratch)?,
            (Destination::InPlace, Some(target)) => {
                target.remove()?;
                now = stamp(input)?;
            }
            _ => {}
        }
        // What is kept is judged, and told, each time.
        let record = if done.kept.is_some() { None } else { self.record(module, &done, (now, Outputs::default())) };
        Ok((done, record))
    }

    /// What is to be said of the BTF that the file has, if it has any.
    fn kept(&self, input: &Path, scratch: &Scratch) -> Result<Option<Kept>, EncodeError> {
        let file = match BtfFile::read(input) {
            Err(error) if error.code == "NO_BTF" => return Ok(None),
            file => file?,
        };
        let target = self.options.encode.sections.target;
        let kept = match scratch.pool.install(|| judge(input, &file, self.base.btf(), target)) {
            Ok(fit) => Kept { verdict: fit.verdict, reason: fit.reason },
            Err(error) => Kept { verdict: "mismatched", reason: Some(error.message) },
        };
        Ok(Some(kept))
    }

    fn record(&self, module: &Module, done: &ModuleReport, (input, outputs): (Stamp, Outputs)) -> Option<Record> {
        Some(Record {
            // A path that is no text is not told apart by it.
            path: module.path.to_str()?.to_owned(),
            key: self.manners.of(module, self.options).key.clone(),
            input,
            outputs,
            status: done.status,
            size: done.size,
        })
    }
}

/// Whatever is there of a module from an earlier run.
pub(super) fn current(options: &KernelOptions, module: &Module, record: &Record) -> ModuleReport {
    let status = if record.status == Status::Encoded { Status::Current } else { record.status };
    let mut report = report_of(module, status, record.size);
    report.output = match (&options.destination, record.status) {
        (Destination::Folder(folder), Status::Encoded) => Some(text(&folder.join(module.target()))),
        (Destination::InPlace, Status::Encoded) => Some(text(&options.modules.join(&module.path))),
        _ => None,
    };
    report
}

pub(super) fn without_base(module: &Module) -> ModuleReport {
    report_of(module, Status::BaseMissing, Size::default())
}

fn failed(module: &Module, error: EncodeError) -> ModuleReport {
    ModuleReport { error: Some(Failure::from(error)), ..report_of(module, Status::Failed, Size::default()) }
}

fn report_of(module: &Module, status: Status, size: Size) -> ModuleReport {
    ModuleReport {
        module: text(&module.path),
        status,
        output: None,
        size,
        milliseconds: 0.0,
        kept: None,
        error: None,
        btf: None,
        beside: Beside::default(),
    }
}

impl Size {
    pub(super) fn of(report: &Report) -> Size {
        Size {
            types: report.types,
            size: report.size,
            base_size: report.base_size.unwrap_or(0),
            skipped: report.skipped.len() as u32,
            diagnostics: report.diagnostics.len() as u32,
        }
    }
}

/// Folders are made when they are missing, which only the first files in each of them find. Whether this one is missing is
/// not asked: another thread may have made it since.
///
/// `has_others`: something that does not belong to it any more may be beside the file.
pub(super) fn write_into_folder(path: &Path, btf: &[u8], beside: &Beside, has_others: bool) -> Result<(), EncodeError> {
    let write = if has_others { Beside::write_with } else { Beside::write_where_no_others_are };
    write(beside, path, btf).or_else(|error| {
        let Some(folder) = path.parent() else { return Err(error) };
        std::fs::create_dir_all(folder).map_err(|error| EncodeError::new("IO", folder, error))?;
        write(beside, path, btf)
    })
}

/// False also where that cannot be told.
fn is_without_dwarf(path: &Path) -> bool {
    let Ok(file) = InputFile::open_unpacked(path) else { return false };
    let debug = Image::parse(file.bytes()).and_then(|image| image.debug_sections().map(|debug| debug.is_empty()));
    debug.unwrap_or(false)
}

fn stamp(path: &Path) -> Result<Stamp, EncodeError> {
    path.metadata().map(|metadata| Stamp::of(&metadata)).map_err(|error| EncodeError::new("IO", path, error))
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::{Beside, write_into_folder};

    #[test]
    fn threads_that_come_to_a_missing_folder_at_once_all_write_into_it() {
        let folder = tempfile::tempdir().unwrap();
        for round in 0..200 {
            let below = folder.path().join(format!("{round}/kernel/net"));
            std::thread::scope(|scope| {
                for thread in 0..4 {
                    let path = below.join(format!("{thread}.ko.btf"));
                    scope.spawn(move || write_into_folder(&path, b"BTF", &Beside::default(), false).unwrap());
                }
            });
            assert_eq!(below.read_dir().unwrap().count(), 4);
        }
    }
}
