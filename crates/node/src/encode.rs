//! `encode` for JavaScript: a task on libuv's pool that never throws.

use std::path::Path;
use std::sync::Arc;

use btfkit_encode::{EncodeError, Encoded, Features, Options, Report};
use napi::bindgen_prelude::AsyncTask;
use napi::{Env, Task};
use napi_derive::napi;

use crate::control::{Control, Shared};
use crate::guard::guard;
use crate::outcome::Outcome;

/// The options of `btfkit-encode` as JavaScript says them. The facade has checked them before.
#[napi(object, object_to_js = false)]
pub struct EncodeOptions {
    /// A comma-separated list, as for `pahole --btf_features`.
    pub features: Option<String>,
    pub jobs: Option<u32>,
    /// Bytes.
    pub memory_limit: Option<f64>,
    /// Names of languages.
    pub lang_exclude: Option<Vec<String>>,
    pub strict: Option<bool>,
}

impl TryFrom<EncodeOptions> for Options {
    type Error = EncodeError;

    fn try_from(options: EncodeOptions) -> Result<Options, EncodeError> {
        let invalid = |message: String| EncodeError { code: "INVALID_OPTION", message };
        let mut lang_exclude = Vec::new();
        for name in options.lang_exclude.unwrap_or_default() {
            let code = btfkit_encode::language_code(&name);
            lang_exclude.push(code.ok_or_else(|| invalid(format!("unknown language '{name}'")))?);
        }
        Ok(Options {
            features: match options.features {
                Some(list) => Features::parse(&list).map_err(|unknown| invalid(unknown.to_string()))?,
                None => Features::default(),
            },
            jobs: options.jobs.map(|jobs| jobs as usize),
            memory_limit: options.memory_limit.map(|bytes| bytes as u64),
            lang_exclude,
            strict: options.strict.unwrap_or(false),
        })
    }
}

/// Encodes the file at `input`. With `output` the BTF is written there, beside the target and then renamed over it;
/// without, it comes back as a buffer.
#[napi(ts_return_type = "Promise<Outcome>")]
pub fn encode(
    input: String,
    output: Option<String>,
    options: EncodeOptions,
    control: &Control,
) -> AsyncTask<EncodeTask> {
    let shared = Arc::clone(&control.shared);
    AsyncTask::new(EncodeTask { input, output, options: Some(options), shared })
}

pub struct EncodeTask {
    input: String,
    output: Option<String>,
    options: Option<EncodeOptions>,
    shared: Arc<Shared>,
}

impl EncodeTask {
    fn run(&mut self) -> Result<Outcome, EncodeError> {
        let options = self.options.take().expect("a task runs once").try_into()?;
        let aborted = || EncodeError { code: "ABORTED", message: format!("{}: encoding was aborted", self.input) };
        if !self.shared.begin() {
            return Err(aborted());
        }
        let Encoded { btf, report } =
            btfkit_encode::encode_file(Path::new(&self.input), &options, &self.shared.aborted)?;
        let report = json(&report)?;
        let Some(output) = &self.output else {
            return Ok(Outcome { btf: Some(btf.into()), report: Some(report), failure: None });
        };
        // The last moment at which nothing has happened yet.
        if self.shared.aborted.load(std::sync::atomic::Ordering::SeqCst) {
            return Err(aborted());
        }
        btfkit_encode::write_atomically(Path::new(output), &btf)?;
        Ok(Outcome { report: Some(report), ..Outcome::default() })
    }
}

fn json(report: &Report) -> Result<String, EncodeError> {
    serde_json::to_string(report).map_err(|error| EncodeError { code: "INTERNAL", message: error.to_string() })
}

impl Task for EncodeTask {
    type Output = Outcome;
    type JsValue = Outcome;

    fn compute(&mut self) -> napi::Result<Outcome> {
        Ok(guard(|| self.run()).unwrap_or_else(Outcome::from))
    }

    fn resolve(&mut self, _env: Env, outcome: Outcome) -> napi::Result<Outcome> {
        Ok(outcome)
    }
}
