//! What happened: counts, what was left out and why, diagnostics, phases. Serialized as it stands for `--json`.

use serde::Serialize;

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Types of the BTF by kind name ("STRUCT"), in the order of the kinds' numbers; kinds that do not occur are absent.
    pub counts: Vec<(&'static str, u32)>,
    /// Number of types, without void.
    pub types: u32,
    /// Bytes of the BTF.
    pub size: u64,
    /// Bytes of its distilled base, where it has one.
    pub base_size: Option<u64>,
    /// Compile units read, and left out by language.
    pub units: u32,
    pub units_excluded: u32,
    /// How many functions and variables were left out.
    pub functions_skipped: u32,
    pub variables_skipped: u32,
    /// Every function and variable that DWARF has a candidate for and the BTF has not, by name.
    pub skipped: Vec<Skipped>,
    pub diagnostics: Vec<Diagnostic>,
    pub phases: Vec<Phase>,
    /// Peak resident memory of this process, bytes; whether file pages are counted is the platform's choice.
    pub peak_memory: Option<u64>,
    /// Bytes of anonymous memory that the process was expected to need at most.
    pub memory_estimate: u64,
    /// The bound on them, where there was one.
    pub memory_limit: Option<u64>,
    pub jobs: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Skipped {
    /// "function" or "variable".
    pub what: &'static str,
    pub name: String,
    /// Stable, for machines: "inconsistent-prototype".
    pub reason: &'static str,
    /// For people.
    pub detail: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    /// Name of the compile unit, as DWARF has it.
    pub unit: String,
    /// Offset of the entry in `.debug_info`.
    pub offset: u64,
    /// Stable, for machines: "unsupported-tag".
    pub code: &'static str,
    pub message: String,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Phase {
    pub name: &'static str,
    pub milliseconds: f64,
}
