//! `encodeKernel` for JavaScript: results are asked for, some at a time.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use btfkit_encode::kernel::{BaseFrom, Batch, Destination, KernelRun, MissingBase, Shard};
use btfkit_encode::{Beside, EncodeError, fault};
use napi::bindgen_prelude::{AsyncTask, Buffer};
use napi::{Env, Task};
use napi_derive::napi;

use crate::control::{Control, Shared};
use crate::encode::EncodeOptions;
use crate::guard::guard;
use crate::outcome::{Failure, Outcome, json};
use crate::task::{Run, run};

/// So long is waited for results, before there is only progress to tell.
const PATIENCE: Duration = Duration::from_millis(50);

/// The options of `btfkit-encode`'s `kernel` as JavaScript says them. The facade has checked them before.
#[napi(object, object_to_js = false)]
pub struct KernelOptions {
    pub modules: String,
    /// Either this or `base`.
    pub vmlinux: Option<String>,
    pub base: Option<Vec<String>>,
    /// At most one of this and `inPlace`; without either, results have the BTF.
    pub out: Option<String>,
    pub in_place: Option<bool>,
    /// "error" or "skip".
    pub missing_base: Option<String>,
    pub keep_going: Option<bool>,
    /// "2/8".
    pub shard: Option<String>,
    pub force: Option<bool>,
    /// By a module's path in the folder: "never", "out-of-tree" or "always", where it is not what all others get.
    pub base_refs: Option<HashMap<String, String>>,
}

impl KernelOptions {
    fn with(self, encode: EncodeOptions) -> Result<btfkit_encode::kernel::KernelOptions, EncodeError> {
        let invalid = |message: String| EncodeError { code: "INVALID_OPTION", message };
        let shard = self.shard.map(|shard| shard.parse::<Shard>().map_err(|error| invalid(error.to_string())));
        let base_refs = self.base_refs.into_iter().flatten().map(|(module, text)| match text.parse() {
            Ok(base_ref) => Ok((module, base_ref)),
            Err(()) => Err(invalid(format!("unknown baseRef '{text}' for {module}"))),
        });
        Ok(btfkit_encode::kernel::KernelOptions {
            modules: self.modules.into(),
            base: match (self.vmlinux, self.base) {
                (Some(vmlinux), None) => BaseFrom::Vmlinux(vmlinux.into()),
                (None, Some(paths)) => BaseFrom::Btf(paths.into_iter().map(PathBuf::from).collect()),
                _ => return Err(invalid("either vmlinux or base has to be there".into())),
            },
            destination: match (self.out, self.in_place.unwrap_or(false)) {
                (Some(folder), false) => Destination::Folder(folder.into()),
                (None, true) => Destination::InPlace,
                (None, false) => Destination::Reader,
                (Some(_), true) => return Err(invalid("out and inPlace exclude each other".into())),
            },
            missing_base: match self.missing_base.as_deref() {
                Some("skip") => MissingBase::Skip,
                _ => MissingBase::Error,
            },
            keep_going: self.keep_going.unwrap_or(false),
            shard: shard.transpose()?.unwrap_or(Shard::ALL),
            force: self.force.unwrap_or(false),
            encode: encode.try_into()?,
            base_refs: base_refs.collect::<Result<_, EncodeError>>()?,
        })
    }
}

/// The paths of all modules of a folder, relative to it: an array as JSON, as the report.
#[napi(ts_return_type = "Promise<Outcome>")]
pub fn kernel_modules(folder: String, control: &Control) -> AsyncTask<Run> {
    run("kernelModules", control, move |_| {
        let modules = btfkit_encode::kernel::modules(Path::new(&folder))?;
        let modules: Vec<_> = modules.iter().map(|path| path.to_string_lossy()).collect();
        Ok(Outcome { report: Some(json(&modules)?), ..Outcome::default() })
    })
}

/// A kernel that is encoded. The work begins when results are first asked for, and ends when `control` says so, or when
/// nobody has this any more.
#[napi]
pub struct KernelEncoding {
    state: Arc<Mutex<State>>,
    shared: Arc<Shared>,
}

enum State {
    Waiting(Box<(KernelOptions, EncodeOptions)>),
    Running(KernelRun),
    Over,
}

#[napi]
impl KernelEncoding {
    #[napi(constructor, catch_unwind)]
    pub fn new(kernel: KernelOptions, encode: EncodeOptions, control: &Control) -> KernelEncoding {
        let state = State::Waiting(Box::new((kernel, encode)));
        KernelEncoding { state: Arc::new(Mutex::new(state)), shared: Arc::clone(&control.shared) }
    }

    /// What has been done since the last call.
    #[napi(ts_return_type = "Promise<KernelBatch>")]
    pub fn next(&self) -> AsyncTask<Next> {
        AsyncTask::new(Next { state: Arc::clone(&self.state), shared: Arc::clone(&self.shared) })
    }
}

/// Some results, or none yet; or `failure`. With `summary` or `failure` comes the end.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct KernelBatch {
    pub failure: Option<Failure>,
    /// A line of JSON for each module.
    pub modules: String,
    /// The raw BTF of those that have one, with their place in `modules`, where it is not written anywhere.
    pub btf: Vec<KernelBtf>,
    /// As JSON.
    pub progress: String,
    /// As JSON.
    pub summary: Option<String>,
    /// Of the first module that failed, with the summary.
    pub module_failure: Option<Failure>,
}

#[napi(object, object_from_js = false)]
pub struct KernelBtf {
    pub index: u32,
    pub btf: Buffer,
    pub base: Option<Buffer>,
    pub checksum: Option<Buffer>,
}

pub struct Next {
    state: Arc<Mutex<State>>,
    shared: Arc<Shared>,
}

impl Next {
    fn next(&self) -> Result<KernelBatch, EncodeError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::Waiting(_) = *state {
            *state = match std::mem::replace(&mut *state, State::Over) {
                State::Waiting(options) if self.shared.begin() => {
                    let (kernel, encode) = *options;
                    State::Running(KernelRun::start(kernel.with(encode)?, self.shared.flag())?)
                }
                _ => State::Over,
            };
        }
        let State::Running(run) = &mut *state else {
            return Err(EncodeError { code: "ABORTED", message: "there is nothing more to come".into() });
        };
        let batch = run.next(PATIENCE);
        if batch.as_ref().map_or(true, |batch| batch.summary.is_some()) {
            *state = State::Over;
        }
        batch.and_then(KernelBatch::try_from)
    }
}

impl TryFrom<Batch> for KernelBatch {
    type Error = EncodeError;

    fn try_from(batch: Batch) -> Result<KernelBatch, EncodeError> {
        let mut modules = String::with_capacity(batch.modules.len() * 256);
        let mut btf = Vec::new();
        for (index, mut module) in batch.modules.into_iter().enumerate() {
            modules += &json(&module)?;
            modules.push('\n');
            let Beside { base, checksum } = std::mem::take(&mut module.beside);
            btf.extend(module.btf.take().map(|bytes| KernelBtf {
                index: index as u32,
                btf: bytes.into(),
                base: base.map(Into::into),
                checksum: checksum.map(Into::into),
            }));
        }
        let failure = batch.summary.as_ref().and_then(|summary| summary.failure.as_ref());
        Ok(KernelBatch {
            failure: None,
            modules,
            btf,
            progress: json(&batch.progress)?,
            module_failure: failure
                .map(|failure| Failure { code: failure.code.to_owned(), message: failure.message.clone() }),
            summary: batch.summary.as_ref().map(json).transpose()?,
        })
    }
}

impl Task for Next {
    type Output = KernelBatch;
    type JsValue = KernelBatch;

    fn compute(&mut self) -> napi::Result<KernelBatch> {
        let next = || {
            fault::at("next");
            self.next()
        };
        Ok(guard(next).unwrap_or_else(|error| KernelBatch { failure: Some(error.into()), ..Default::default() }))
    }

    fn resolve(&mut self, _env: Env, batch: KernelBatch) -> napi::Result<KernelBatch> {
        Ok(batch)
    }
}
