//! What a run hands to JavaScript. Failures are values too: the facade makes its typed errors from them.

use btfkit_encode::{EncodeError, Report};
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;
use serde::Serialize;

#[napi(object)]
pub struct Failure {
    /// Stable, for machines: "NO_DWARF".
    pub code: String,
    /// For people: names the file and says what to do.
    pub message: String,
}

/// Either `failure`, or `report` and, unless it was written to a file, `btf`.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct Outcome {
    pub failure: Option<Failure>,
    /// The raw BTF.
    pub btf: Option<Buffer>,
    /// Its distilled base, where it has one.
    pub base: Option<Buffer>,
    /// The section with the checksum of the base that it stands on, where it has one.
    pub checksum: Option<Buffer>,
    /// The report as JSON.
    pub report: Option<String>,
    /// What belongs into the report as its `skipped`, as JSON. Of a kernel that is nine tenths of it, and few look at it.
    pub skipped: Option<Buffer>,
}

impl From<EncodeError> for Failure {
    fn from(error: EncodeError) -> Failure {
        Failure { code: error.code.to_owned(), message: error.message }
    }
}

impl From<EncodeError> for Outcome {
    fn from(error: EncodeError) -> Outcome {
        Outcome { failure: Some(error.into()), ..Outcome::default() }
    }
}

impl Outcome {
    /// With the report of an encoding.
    pub fn told(mut report: Report) -> Result<Outcome, EncodeError> {
        let skipped = json(&std::mem::take(&mut report.skipped))?.into_bytes();
        Ok(Outcome { report: Some(json(&report)?), skipped: Some(skipped.into()), ..Outcome::default() })
    }
}

/// For an outcome's report.
pub fn json(value: &impl Serialize) -> Result<String, EncodeError> {
    serde_json::to_string(value).map_err(|error| EncodeError { code: "INTERNAL", message: error.to_string() })
}
