//! What a run tells: of each module, of the base, and in sum.

use crate::{Beside, EncodeError};
use serde::{Deserialize, Serialize};

/// What became of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Its BTF was made.
    Encoded,
    /// Its BTF was there from an earlier run and is what would be made again.
    Current,
    /// It has no debug information to make BTF from.
    NoDwarf,
    /// It has no type that its base has not.
    NoTypes,
    /// There is no base for it.
    BaseMissing,
    /// It gets none: by the target kernel, or because that would refuse it.
    Omitted,
    Failed,
}

/// One module.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModuleReport {
    /// Its path in the folder of modules.
    pub module: String,
    pub status: Status,
    /// The file that has its BTF.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    #[serde(flatten)]
    pub size: Size,
    pub milliseconds: f64,
    /// Of a file that should get its BTF and has no debug information: what BTF it has, and keeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<Kept>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// Where it goes to who reads the results.
    #[serde(skip)]
    pub btf: Option<Vec<u8>>,
    #[serde(skip)]
    pub beside: Beside,
}

/// How much it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Size {
    /// Types of its own.
    pub types: u32,
    /// Bytes of its BTF.
    pub size: u64,
    /// Bytes of its distilled base.
    #[serde(default)]
    pub base_size: u64,
    /// Functions and variables that were left out.
    pub skipped: u32,
    /// Oddities of the debug information that were worked around.
    pub diagnostics: u32,
}

/// Whether the BTF that a file has belongs to the base, as `fits` tells.
#[derive(Debug, Clone, Serialize)]
pub struct Kept {
    /// "exact", "relocatable", "mismatched" or "unknown".
    pub verdict: &'static str,
    /// Of "mismatched": for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    /// As of [`EncodeError`].
    pub code: &'static str,
    pub message: String,
}

impl From<EncodeError> for Failure {
    fn from(EncodeError { code, message }: EncodeError) -> Failure {
        Failure { code, message }
    }
}

/// What the modules build on.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BaseReport {
    /// The files that it was made of, or read from.
    pub inputs: Vec<String>,
    /// The file that has the BTF of vmlinux.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Was it made by this run?
    pub encoded: bool,
    #[serde(flatten)]
    pub size: Size,
    pub milliseconds: f64,
}

/// The whole run.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// None where it is missing, and that was to be no error.
    pub base: Option<BaseReport>,
    /// How many there are, and of which status.
    pub modules: u32,
    pub encoded: u32,
    pub current: u32,
    pub no_dwarf: u32,
    pub no_types: u32,
    pub base_missing: u32,
    pub omitted: u32,
    pub failed: u32,
    /// After a failure, those whose turn did not come.
    pub not_begun: u32,
    /// Sums over the modules.
    pub types: u64,
    pub size: u64,
    pub base_size: u64,
    pub skipped: u64,
    pub diagnostics: u64,
    pub milliseconds: f64,
    /// Peak resident memory of this process, bytes.
    pub peak_memory: Option<u64>,
    pub jobs: u32,
    /// The first failure, by the modules' order.
    #[serde(skip)]
    pub failure: Option<Failure>,
}

impl Summary {
    pub(super) fn done(&self) -> u32 {
        self.encoded + self.current + self.no_dwarf + self.no_types + self.base_missing + self.omitted + self.failed
    }

    pub(super) fn add(&mut self, module: &ModuleReport) {
        *match module.status {
            Status::Encoded => &mut self.encoded,
            Status::Current => &mut self.current,
            Status::NoDwarf => &mut self.no_dwarf,
            Status::NoTypes => &mut self.no_types,
            Status::BaseMissing => &mut self.base_missing,
            Status::Omitted => &mut self.omitted,
            Status::Failed => &mut self.failed,
        } += 1;
        self.types += u64::from(module.size.types);
        self.size += module.size.size;
        self.base_size += module.size.base_size;
        self.skipped += u64::from(module.size.skipped);
        self.diagnostics += u64::from(module.size.diagnostics);
        if self.failure.is_none() {
            self.failure.clone_from(&module.error);
        }
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Modules that are done, of all.
    pub done: u32,
    pub modules: u32,
    /// Bytes of their files.
    pub bytes_done: u64,
    pub bytes: u64,
}
