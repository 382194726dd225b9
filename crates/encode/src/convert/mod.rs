//! From BTF to BTF: what compilers and other encoders have made, as files.
//!
//! Each function reads files, calls the algorithm of `btfkit-btf`, checks what comes out, and names the file in errors.

mod fits;

pub(crate) use fits::judge;
pub use fits::{FitReport, GarbledReport, InsteadReport, ObstacleReport, fits};

use crate::btf_file::{BtfFile, parse, whole, with_suffix};
use crate::{EncodeError, jobs, write_together};
use btfkit_btf::relocate::RelocateError;
use btfkit_btf::validate::{Context, Rules};
use btfkit_btf::{Btf, append};
use serde::Serialize;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

/// A BTF, and its distilled base if it has one.
pub struct Converted {
    pub btf: Vec<u8>,
    pub base: Option<Vec<u8>>,
    pub report: ConvertReport,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConvertReport {
    /// Types that came in, and that went out; the distilled base's are not counted.
    pub types_before: u32,
    pub types: u32,
    /// Bytes of the BTF, and of its distilled base.
    pub size: u64,
    pub base_size: Option<u64>,
    /// What the kernel does not mind and somebody else might: types that were taken for types of another kind.
    pub doubts: Vec<String>,
}

impl Converted {
    fn new(before: &Btf, after: &Btf, base: Option<&Btf>) -> Converted {
        Converted {
            btf: after.bytes().to_vec(),
            base: base.map(|base| base.bytes().to_vec()),
            report: ConvertReport {
                types_before: before.len() as u32,
                types: after.len() as u32,
                size: after.bytes().len() as u64,
                base_size: base.map(|base| base.bytes().len() as u64),
                doubts: Vec::new(),
            },
        }
    }

    /// Writes both: the distilled base goes beside the BTF, with `.base` at the end of its name.
    pub fn write(&self, path: &Path) -> Result<(), EncodeError> {
        let beside = with_suffix(path, ".base");
        let base = self.base.iter().map(|base| (beside.as_path(), base.as_slice()));
        write_together(&base.chain([(path, self.btf.as_slice())]).collect::<Vec<_>>())
    }
}

/// Makes the split BTF of a file and a distilled base of what it has and the base that it stands on.
pub fn distill(path: &Path, base: &Path) -> Result<Converted, EncodeError> {
    jobs::on_shared(path, || distilled(path, base))
}

fn distilled(path: &Path, base: &Path) -> Result<Converted, EncodeError> {
    let split = on_base(path, Some(&whole(base)?))?;
    let distilled =
        btfkit_btf::distill::distill(&split).map_err(|error| EncodeError::new("INVALID_BTF", path, error))?;
    let after = parse(path, distilled.split, Some(Arc::clone(&distilled.base)))?;
    checked(path, Context::Base, &distilled.base)?;
    checked(path, Context::Module, &after)?;
    Ok(Converted::new(&split, &after, Some(&distilled.base)))
}

/// Carries the split BTF of a file from its distilled base, its own or the one in `base`, to another base.
pub fn relocate(path: &Path, base: Option<&Path>, to: &Path) -> Result<Converted, EncodeError> {
    jobs::on_shared(path, || relocated(path, base, to))
}

fn relocated(path: &Path, base: Option<&Path>, to: &Path) -> Result<Converted, EncodeError> {
    let file = BtfFile::read(path)?;
    let distilled = match (base, file.distilled) {
        (Some(base), _) => match BtfFile::read(base)? {
            // A module has its distilled base beside what stands on it.
            BtfFile { distilled: Some(distilled), .. } => parse(base, distilled, None)?,
            BtfFile { btf, .. } => parse(base, btf, None)?,
        },
        (None, Some(distilled)) => parse(path, distilled, None)?,
        (None, None) => {
            let what = "has no distilled base (.BTF.base); name one, or encode the module with one (--base-ref always)";
            return Err(EncodeError::new("NO_BTF", path, what));
        }
    };
    let split = parse(path, file.btf, Some(distilled))?;
    let target = whole(to)?;
    let relocated = btfkit_btf::relocate::relocate(&split, &target)
        .map_err(|error| EncodeError::new("NOT_RELOCATABLE", path, in_the_way(&error, to)))?;
    let after = parse(path, relocated.split, Some(target))?;
    checked(path, Context::Module, &after)?;
    let mut converted = Converted::new(&split, &after, None);
    converted.report.doubts = relocated.doubts.iter().map(ToString::to_string).collect();
    Ok(converted)
}

/// Merges what is the same in a BTF. Split BTF stands on `base`, or on its own distilled base, which comes out with it.
pub fn dedup(path: &Path, base: Option<&Path>) -> Result<Converted, EncodeError> {
    let before = on_base(path, base.map(whole).transpose()?.as_ref())?;
    deduplicated(path, &before, &before, base.is_none())
}

/// Puts BTFs together, of which all stand on `base` or none on any, and merges what is the same.
pub fn merge(paths: &[&Path], base: Option<&Path>) -> Result<Converted, EncodeError> {
    let base = base.map(whole).transpose()?;
    let last = paths.last().copied().unwrap_or(Path::new(""));
    let mut parts = Vec::with_capacity(paths.len());
    for path in paths {
        let part = on_base(path, base.as_ref())?;
        if base.is_none() && part.base().is_some() {
            let what = "has a distilled base of its own; name the base that all of them stand on (--base)";
            return Err(EncodeError::new("INVALID_BTF", path, what));
        }
        parts.push(Arc::into_inner(part).ok_or_else(|| EncodeError::new("INTERNAL", path, "its BTF is in use"))?);
    }
    let all = append(&parts).map_err(|error| EncodeError::new("INVALID_BTF", last, error))?;
    let all = parse(last, all, base)?;
    deduplicated(last, &all, &all, false)
}

/// The BTF of a file on this base; without one, as [`whole`].
fn on_base(path: &Path, base: Option<&Arc<Btf>>) -> Result<Arc<Btf>, EncodeError> {
    let Some(base) = base else { return whole(path) };
    let file = BtfFile::read(path)?;
    if file.distilled.is_some() {
        let what =
            "stands on its own distilled base, not on the one that is named; relocate it first (btfkit relocate)";
        return Err(EncodeError::new("INVALID_BTF", path, what));
    }
    parse(path, file.btf, Some(Arc::clone(base)))
}

fn deduplicated(path: &Path, before: &Btf, input: &Btf, with_base: bool) -> Result<Converted, EncodeError> {
    let blob = jobs::on_shared(path, || Ok(btfkit_btf::dedup::dedup(input)))?;
    let blob = blob.map_err(|error| EncodeError::new("INVALID_BTF", path, error))?;
    let after = parse(path, blob, input.base().cloned())?;
    Ok(Converted::new(before, &after, input.base().filter(|_| with_base).map(Arc::as_ref)))
}

/// What is written the kernel takes.
fn checked(path: &Path, context: Context, btf: &Btf) -> Result<(), EncodeError> {
    Rules::new(context).check(btf.bytes(), btf.base().map(Arc::as_ref)).map_err(|refusal| {
        let what = format!("the kernel would refuse the result, so nothing is written: {refusal}");
        EncodeError::new("INVALID_BTF", path, what)
    })
}

/// How many obstacles a message tells.
const OBSTACLES_SHOWN: usize = 20;

fn in_the_way(error: &RelocateError, to: &Path) -> String {
    let mut told = format!("cannot be carried to {}: ", to.display());
    let RelocateError::Obstacles(obstacles) = error else { return told + &error.to_string() };
    match &obstacles[..] {
        [one] => _ = write!(told, "{one}"),
        several => {
            _ = write!(told, "{} types are in the way", several.len());
            several.iter().take(OBSTACLES_SHOWN).for_each(|obstacle| _ = write!(told, "\n  {obstacle}"));
            if several.len() > OBSTACLES_SHOWN {
                told += "\n  …";
            }
        }
    }
    told
}
