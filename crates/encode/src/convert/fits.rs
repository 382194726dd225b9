//! Whether a module's BTF belongs to a base, as a report.

use crate::btf_file::{BtfFile, whole};
use crate::policy::DISTILLED_BASE;
use crate::{CheckOptions, EncodeError, jobs};
use btfkit_btf::fits::{FitError, Garbled, Mismatch, ModuleBtf, Proof, Verdict};
use btfkit_btf::relocate::{Cause, Namesake, Obstacle, RelocateError};
use btfkit_btf::validate::{Context, Release, Rules};
use btfkit_btf::{Btf, Kind};
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FitReport {
    /// "exact", "relocatable", "mismatched" or "unknown".
    pub verdict: &'static str,
    /// Whether a kernel with this base takes the module's BTF, rightly or not.
    pub loads: bool,
    /// What it writes to its log where it does not.
    pub kernel_message: Option<String>,
    /// Of "exact": "checksum" or "layout".
    pub proof: Option<&'static str>,
    /// Of "mismatched": for people.
    pub reason: Option<String>,
    pub garbled: Option<GarbledReport>,
    pub obstacles: Vec<ObstacleReport>,
    /// Of "relocatable": types that are taken for types of another kind.
    pub doubts: Vec<String>,
}

/// The first name that is not what was meant.
#[derive(Debug, Serialize)]
pub struct GarbledReport {
    #[serde(rename = "type")]
    pub id: u32,
    pub kind: Option<&'static str>,
    pub is: Option<String>,
    pub meant: String,
}

/// A type that stands in the way of relocation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObstacleReport {
    pub name: String,
    pub kind: &'static str,
    pub size: u32,
    /// Whether the module contains it by value, so that its size counts.
    pub by_value: bool,
    /// "missing", "different" or "ambiguous".
    pub cause: &'static str,
    /// What the base has under that name.
    pub instead: Vec<InsteadReport>,
    /// All of this, for people.
    pub message: String,
}

#[derive(Debug, Serialize)]
pub struct InsteadReport {
    #[serde(rename = "type")]
    pub id: u32,
    pub kind: &'static str,
    pub size: u32,
}

/// Judges the BTF of the file at `path` on the base at `base`, by the rules of that release of the kernel.
pub fn fits(path: &Path, base: &Path, release: Option<Release>) -> Result<FitReport, EncodeError> {
    let file = BtfFile::read(path)?;
    let base = whole(base)?;
    jobs::on_shared(path, || judge(path, &file, &base, release))
}

/// The same of what is read. Works on the threads of the pool that it is called in.
pub(crate) fn judge(
    path: &Path,
    file: &BtfFile,
    base: &Arc<Btf>,
    release: Option<Release>,
) -> Result<FitReport, EncodeError> {
    let pointer_size = file.pointer_size.or(base.pointer_size()).unwrap_or(8);
    let release = release.unwrap_or(CheckOptions::RELEASE);
    let rules = Rules { pointer_size, release, ..Rules::new(Context::Module) };
    // An older kernel does not look at it, and takes what stands on it for what stands on its own BTF; which that is not,
    // whatever the checksum says of where the distilled base comes from.
    let unseen = release < DISTILLED_BASE && file.distilled.is_some();
    let [distilled, checksum] = [&file.distilled, &file.checksum].map(|bytes| bytes.as_deref().filter(|_| !unseen));
    let module = ModuleBtf { split: &file.btf, distilled, checksum };
    let fit = btfkit_btf::fits::fits(module, base, rules);
    let fit =
        fit.map_err(|error: FitError| EncodeError::new("MALFORMED_BTF", path, format!("cannot be read: {error}")))?;
    let mut report = FitReport {
        verdict: "unknown",
        loads: fit.refused.is_none(),
        kernel_message: fit.refused,
        proof: None,
        reason: None,
        garbled: None,
        obstacles: Vec::new(),
        doubts: Vec::new(),
    };
    match fit.verdict {
        Verdict::Exact { proof } => {
            report.verdict = "exact";
            report.proof = Some(match proof {
                Proof::Checksum => "checksum",
                Proof::Layout => "layout",
            });
        }
        Verdict::Relocatable { doubts } => {
            report.verdict = "relocatable";
            report.doubts = doubts.iter().map(ToString::to_string).collect();
        }
        Verdict::Mismatched { reason, garbled } => {
            report.verdict = "mismatched";
            report.reason = Some(reason.to_string());
            report.garbled = garbled.map(GarbledReport::from);
            if let Mismatch::Relocation(RelocateError::Obstacles(obstacles)) = reason {
                report.obstacles = obstacles.iter().map(ObstacleReport::from).collect();
            }
        }
        Verdict::Unknown => {}
    }
    Ok(report)
}

impl From<Garbled> for GarbledReport {
    fn from(garbled: Garbled) -> GarbledReport {
        let Garbled { id, kind, is, meant } = garbled;
        GarbledReport { id: id.0, kind: kind.map(Kind::name), is, meant }
    }
}

impl From<&Obstacle> for ObstacleReport {
    fn from(obstacle: &Obstacle) -> ObstacleReport {
        let stub = &obstacle.stub;
        let instead = |other: &Namesake| InsteadReport { id: other.id.0, kind: other.kind.name(), size: other.size };
        ObstacleReport {
            name: String::from_utf8_lossy(&stub.name).into_owned(),
            kind: stub.kind.name(),
            size: stub.size,
            by_value: stub.part_of.is_some(),
            cause: match obstacle.cause {
                Cause::Missing => "missing",
                Cause::Different => "different",
                Cause::Ambiguous { .. } => "ambiguous",
            },
            instead: obstacle.instead.iter().map(instead).collect(),
            message: obstacle.to_string(),
        }
    }
}
