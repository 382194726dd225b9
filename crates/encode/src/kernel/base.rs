//! What the modules build on: made of a vmlinux, unless that is current, or read.

use super::Status;
use super::ahead::Ahead;
use super::one::write_into_folder;
use super::options::{BaseFrom, Destination, KernelOptions, MissingBase};
use super::report::{BaseReport, Size};
use super::resume::{Outputs, Record, State, key};
use super::stamp::Stamp;
use crate::btf_file::BtfFile;
use crate::in_place::ELSEWHERE;
use crate::{Base, EncodeError, Encoded, InPlace, encode_file_beside, jobs};
use btfkit_btf::Btf;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

/// The base, and how it came to be.
pub(super) struct Foundation {
    pub base: Base,
    pub report: BaseReport,
}

impl Foundation {
    /// None where a file of it is missing.
    ///
    /// `ahead`: the vmlinux, where it was begun already.
    pub fn lay(
        options: &KernelOptions,
        ahead: Option<Ahead>,
        state: &State,
        abort: &AtomicBool,
    ) -> Result<Option<Foundation>, EncodeError> {
        let start = ahead.as_ref().map_or_else(Instant::now, |ahead| ahead.start);
        let laid = match &options.base {
            BaseFrom::Btf(paths) => read(paths),
            BaseFrom::Vmlinux(path) => of_vmlinux(path, options, ahead, state, abort),
        };
        match laid {
            Ok(mut foundation) => {
                foundation.report.milliseconds = start.elapsed().as_secs_f64() * 1e3;
                Ok(Some(foundation))
            }
            Err(_) if options.missing_base == MissingBase::Skip && options.base.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Of all its bytes, those below it included.
    pub fn digest(&self) -> [u8; 16] {
        let mut hash = xxhash_rust::xxh3::Xxh3::new();
        let mut level = Some(self.base.btf());
        while let Some(btf) = level {
            hash.update(btf.bytes());
            level = btf.base();
        }
        hash.digest128().to_le_bytes()
    }
}

impl BaseFrom {
    fn is_missing(&self) -> bool {
        match self {
            BaseFrom::Vmlinux(path) => !path.exists(),
            BaseFrom::Btf(paths) => paths.iter().any(|path| !path.exists()),
        }
    }
}

/// What was made of a vmlinux, and is not written yet.
pub(super) struct Made {
    /// What the file was when it was begun.
    input: Stamp,
    target: Option<InPlace>,
    encoded: Encoded,
}

fn read(paths: &[PathBuf]) -> Result<Foundation, EncodeError> {
    let base = Base::open(&paths.iter().map(PathBuf::as_path).collect::<Vec<_>>())?;
    let inputs = paths.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    let size = Size { types: base.btf().len() as u32, size: base.btf().bytes().len() as u64, ..Size::default() };
    Ok(Foundation { base, report: BaseReport { inputs, size, ..BaseReport::default() } })
}

fn of_vmlinux(
    path: &Path,
    options: &KernelOptions,
    ahead: Option<Ahead>,
    state: &State,
    abort: &AtomicBool,
) -> Result<Foundation, EncodeError> {
    let output = match &options.destination {
        Destination::Folder(folder) => Some(folder.join("vmlinux.btf")),
        Destination::InPlace => Some(path.to_owned()),
        Destination::Reader => None,
    };
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let report = |encoded: bool, size: Size| BaseReport {
        inputs: vec![text(path)],
        output: output.as_deref().map(text),
        encoded,
        size,
        milliseconds: 0.0,
    };
    let own_file = output.as_deref().filter(|output| *output != path);
    let key = key(&options.encode, &[b"vmlinux"]);
    let made = match ahead {
        Some(ahead) => ahead.made?,
        None => {
            let input = stamp(path);
            let known = state.vmlinux(&text(path), &key, input, own_file).filter(|_| !options.force);
            if let (Some(record), Some(output)) = (known, &output) {
                // Whatever is wrong with it, it can be made again.
                if let Ok(base) = Base::open(&[output]) {
                    return Ok(Foundation { base, report: report(false, record.size) });
                }
            }
            Made::of(path, options, abort, || {})?
        }
    };
    if abort.load(Relaxed) {
        return Err(EncodeError::aborted(path));
    }
    let Made { input, target, encoded: Encoded { btf, beside, report: told } } = made;
    let size = Size::of(&told);
    let btf = Arc::new(Btf::parse(btf).map_err(|error| EncodeError::new("INTERNAL", path, error))?);
    let write = || -> Result<(), EncodeError> {
        let Some(output) = &output else { return Ok(()) };
        match &target {
            Some(target) => target.write(btf.bytes(), &beside)?,
            None => write_into_folder(output, btf.bytes(), &beside, true)?,
        }
        state.remember_vmlinux(&Record {
            path: text(path),
            key: key.clone(),
            input: if own_file.is_some() { input } else { stamp(path) },
            outputs: own_file.map(|path| Outputs::written(path, &beside)).unwrap_or_default(),
            status: Status::Encoded,
            size,
        });
        Ok(())
    };
    let (written, base) = jobs::both("btfkit-write", write, || Base::of(Arc::clone(&btf), path));
    written?;
    Ok(Foundation { base: base?, report: report(true, size) })
}

fn stamp(path: &Path) -> Stamp {
    Stamp::of_file(path).unwrap_or_default()
}

impl Made {
    /// Encodes a vmlinux, and does `beside` where there is time for it.
    pub fn of(
        path: &Path,
        options: &KernelOptions,
        abort: &AtomicBool,
        beside: impl FnOnce() + Send,
    ) -> Result<Made, EncodeError> {
        let input = stamp(path);
        let target = (options.destination == Destination::InPlace).then(|| InPlace::open(path));
        let target = target.transpose().map_err(|error| or_as_base(path, error))?;
        let encoded = encode_file_beside(path, &options.encode, None, abort, beside)?;
        Ok(Made { input, target, encoded })
    }
}

/// A kernel that is built has its BTF among what is loaded with it: that stays as it is, and is what modules stand on.
fn or_as_base(path: &Path, error: EncodeError) -> EncodeError {
    match error.message.strip_suffix(ELSEWHERE) {
        Some(message) if error.code == "NOT_IN_PLACE" && BtfFile::read(path).is_ok() => {
            let hint = "name it as base instead of vmlinux, and the modules get BTF on what it has, or ";
            EncodeError { message: format!("{message}{hint}{ELSEWHERE}"), ..error }
        }
        _ => error,
    }
}
