//! `check` for JavaScript.

use std::path::PathBuf;

use btfkit_encode::{CheckOptions, Context, EncodeError, Release};
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use crate::control::Control;
use crate::outcome::{Outcome, json};
use crate::task::{Run, run};

/// The options of `check` as JavaScript says them.
#[napi(object, object_to_js = false)]
pub struct CheckSettings {
    pub base: Option<String>,
    /// "load", "vmlinux", "module" or "base".
    pub context: Option<String>,
    /// "6.12".
    pub target_kernel: Option<String>,
}

impl TryFrom<CheckSettings> for CheckOptions {
    type Error = EncodeError;

    fn try_from(settings: CheckSettings) -> Result<CheckOptions, EncodeError> {
        let invalid = |message: String| EncodeError { code: "INVALID_OPTION", message };
        let context = |name: String| match name.as_str() {
            "load" => Ok(Context::Load),
            "vmlinux" => Ok(Context::Vmlinux),
            "module" => Ok(Context::Module),
            "base" => Ok(Context::Base),
            _ => Err(invalid(format!("unknown context '{name}'"))),
        };
        Ok(CheckOptions {
            base: settings.base.map(PathBuf::from),
            context: settings.context.map(context).transpose()?,
            release: settings.target_kernel.map(release).transpose()?,
        })
    }
}

/// A release as the option `targetKernel` names it.
pub(crate) fn release(text: String) -> Result<Release, EncodeError> {
    text.parse().map_err(|error| EncodeError { code: "INVALID_OPTION", message: format!("targetKernel: {error}") })
}

/// Checks files; the report is a list with a record for each.
#[napi(ts_return_type = "Promise<Outcome>")]
pub fn check(files: Vec<String>, settings: CheckSettings, control: &Control) -> AsyncTask<Run> {
    run("check", control, move |aborted| {
        let files: Vec<PathBuf> = files.into_iter().map(PathBuf::from).collect();
        let checked = btfkit_encode::check_files(&files, &settings.try_into()?, aborted)?;
        Ok(Outcome { report: Some(json(&checked)?), ..Outcome::default() })
    })
}
