//! `encode` for JavaScript.

use std::path::Path;
use std::sync::atomic::Ordering::SeqCst;

use btfkit_encode::policy::{BaseRef, MissingBase, OnInvalid, Wishes};
use btfkit_encode::{Base, EncodeError, Encoded, Features, Options};
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use crate::control::Control;
use crate::outcome::Outcome;
use crate::task::{Run, run};

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
    /// Paths, each on top of the one before.
    pub base: Option<Vec<String>>,
    /// "never", "out-of-tree" or "always".
    pub base_ref: Option<String>,
    pub base_checksum: Option<bool>,
    pub out_of_tree: Option<bool>,
    /// "5.15"
    pub target_kernel: Option<String>,
    /// "error" or "skip".
    pub missing_base: Option<String>,
    /// "error" or "skip-section".
    pub on_invalid: Option<String>,
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
            sections: Wishes {
                base_ref: match options.base_ref {
                    Some(text) => text.parse().map_err(|()| invalid(format!("unknown baseRef '{text}'")))?,
                    None => BaseRef::default(),
                },
                base_checksum: options.base_checksum.unwrap_or(false),
                missing_base: match options.missing_base.as_deref() {
                    Some("skip") => MissingBase::Skip,
                    _ => MissingBase::Error,
                },
                on_invalid: match options.on_invalid.as_deref() {
                    Some("skip-section") => OnInvalid::SkipSection,
                    _ => OnInvalid::Error,
                },
                out_of_tree: options.out_of_tree,
                target: match options.target_kernel {
                    Some(text) => Some(btfkit_encode::policy::release(&text).map_err(invalid)?),
                    None => None,
                },
            },
        })
    }
}

/// What the options name as the base, and the options of the encoder.
fn prepare(input: &str, mut options: EncodeOptions) -> Result<(Option<Base>, Options), EncodeError> {
    let paths = options.base.take().unwrap_or_default();
    let paths: Vec<&Path> = paths.iter().map(Path::new).collect();
    let options = Options::try_from(options)?;
    Ok((Base::open_for(Path::new(input), &paths, &options.sections)?, options))
}

/// Encodes the file at `input`. With `output` the BTF is written there, beside the target and then renamed over it;
/// without, it comes back as a buffer.
#[napi(ts_return_type = "Promise<Outcome>")]
pub fn encode(input: String, output: Option<String>, options: EncodeOptions, control: &Control) -> AsyncTask<Run> {
    run("encode", control, move |aborted| {
        let (base, options) = prepare(&input, options)?;
        let mut encoded = btfkit_encode::encode_file(Path::new(&input), &options, base.as_ref(), aborted)?;
        let told = Outcome::told(std::mem::take(&mut encoded.report))?;
        let Some(output) = output else {
            let Encoded { btf, beside, .. } = encoded;
            let (base, checksum) = (beside.base.map(Into::into), beside.checksum.map(Into::into));
            return Ok(Outcome { btf: Some(btf.into()), base, checksum, ..told });
        };
        // The last moment at which nothing has happened yet.
        if aborted.load(SeqCst) {
            return Err(EncodeError { code: "ABORTED", message: format!("{input}: encoding was aborted") });
        }
        encoded.write(Path::new(&output))?;
        // To give a kernel's BTF back takes the allocator some milliseconds. Without a thread it is done here.
        let _ = std::thread::Builder::new().name("btfkit-free".into()).spawn(move || drop(encoded));
        Ok(told)
    })
}

/// Encodes the file at `input` and puts the BTF into it.
#[napi(ts_return_type = "Promise<Outcome>")]
pub fn encode_in_place(input: String, options: EncodeOptions, control: &Control) -> AsyncTask<Run> {
    run("encode_in_place", control, move |aborted| {
        let (base, options) = prepare(&input, options)?;
        Outcome::told(btfkit_encode::encode_in_place(Path::new(&input), &options, base.as_ref(), aborted)?)
    })
}
