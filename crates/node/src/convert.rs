//! From BTF to BTF, for JavaScript. With `output` results are written there; without, they come back as buffers.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use btfkit_encode::EncodeError;
use btfkit_encode::convert::{self, Converted};
use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use crate::check::release;
use crate::control::Control;
use crate::outcome::{Outcome, json};
use crate::task::{Run, run};

/// Makes the split BTF of a file, which was made on `base`, and a distilled base of it. The latter is written beside the
/// former, with `.base` at the end of its name.
#[napi(ts_return_type = "Promise<Outcome>")]
pub fn distill(input: String, base: String, output: Option<String>, control: &Control) -> AsyncTask<Run> {
    run("distill", control, move |aborted| {
        let converted = convert::distill(Path::new(&input), Path::new(&base))?;
        deliver(converted, output, &input, aborted)
    })
}

/// Carries the split BTF of a file from its distilled base, or the one in the file `base`, to the base `to`.
#[napi(ts_return_type = "Promise<Outcome>")]
pub fn relocate(
    input: String,
    base: Option<String>,
    to: String,
    output: Option<String>,
    control: &Control,
) -> AsyncTask<Run> {
    run("relocate", control, move |aborted| {
        let converted = convert::relocate(Path::new(&input), base.as_deref().map(Path::new), Path::new(&to))?;
        deliver(converted, output, &input, aborted)
    })
}

/// Says whether the BTF of the file `input` belongs to `base`, by the rules of the release `target_kernel`: the report
/// tells.
#[napi(ts_return_type = "Promise<Outcome>")]
pub fn fits(input: String, base: String, target_kernel: Option<String>, control: &Control) -> AsyncTask<Run> {
    run("fits", control, move |_| {
        let release = target_kernel.map(release).transpose()?;
        let report = convert::fits(Path::new(&input), Path::new(&base), release)?;
        Ok(Outcome { report: Some(json(&report)?), ..Outcome::default() })
    })
}

/// Merges what is the same in the BTF of a file; split BTF stands on `base`.
#[napi(ts_return_type = "Promise<Outcome>")]
pub fn dedup(input: String, base: Option<String>, output: Option<String>, control: &Control) -> AsyncTask<Run> {
    run("dedup", control, move |aborted| {
        let converted = convert::dedup(Path::new(&input), base.as_deref().map(Path::new))?;
        deliver(converted, output, &input, aborted)
    })
}

/// Puts the BTF of several files together, all of which stand on `base` if there is one, and merges what is the same.
#[napi(ts_return_type = "Promise<Outcome>")]
pub fn merge(inputs: Vec<String>, base: Option<String>, output: Option<String>, control: &Control) -> AsyncTask<Run> {
    run("merge", control, move |aborted| {
        let paths: Vec<&Path> = inputs.iter().map(Path::new).collect();
        deliver(convert::merge(&paths, base.as_deref().map(Path::new))?, output, &inputs.join(", "), aborted)
    })
}

fn deliver(
    converted: Converted,
    output: Option<String>,
    input: &str,
    aborted: &AtomicBool,
) -> Result<Outcome, EncodeError> {
    let report = Some(json(&converted.report)?);
    // The last moment at which nothing has happened yet.
    if aborted.load(SeqCst) {
        return Err(EncodeError { code: "ABORTED", message: format!("{input}: the work was aborted") });
    }
    let Some(output) = output else {
        let (btf, base) = (Some(converted.btf.into()), converted.base.map(Into::into));
        return Ok(Outcome { btf, base, report, ..Outcome::default() });
    };
    converted.write(Path::new(&output))?;
    Ok(Outcome { report, ..Outcome::default() })
}
