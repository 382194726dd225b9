//! Whether a module's BTF belongs to a base: what a kernel with that base makes of it, and whether that is what was
//! meant.
//!
//! A kernel has no way to tell a module's BTF that was made for another kernel. Names are offsets into the base's
//! strings: on another base they start in the middle of other names, and the kernel refuses what then is no identifier,
//! or takes what happens to be one. So two questions are answered: does the kernel take it, and is it right.
//!
//! 1. With a distilled base the kernel relocates, and so do we ([`relocate`](mod@crate::relocate)).
//! 2. Without one, a checksum tells.
//! 3. Without that, the BTF itself is asked where its base ended (`anchor`).

mod anchor;

use crate::checksum::{BaseChecksum, ChecksumError};
use crate::relocate::{Doubt, RelocateError, relocate};
use crate::validate::{Context, Refusal, Rules};
use crate::{Btf, Kind, ReadError, TypeId};
use anchor::{Anchor, Testimony, ask};
use std::sync::Arc;
use thiserror::Error;

/// The sections of a module.
#[derive(Clone, Copy, Debug)]
pub struct ModuleBtf<'a> {
    /// `.BTF`
    pub split: &'a [u8],
    /// `.BTF.base`
    pub distilled: Option<&'a [u8]>,
    /// `.BTF.base_checksum`
    pub checksum: Option<&'a [u8]>,
}

/// What becomes of a module's BTF on a base.
#[derive(Debug)]
pub struct Fit {
    pub verdict: Verdict,
    /// What the kernel's message would be; `None` where it takes the BTF, rightly or not.
    pub refused: Option<String>,
}

#[derive(Debug)]
pub enum Verdict {
    /// It was made on this base.
    Exact { proof: Proof },
    /// It was made on another base, and its distilled base carries it to this one.
    Relocatable { doubts: Vec<Doubt> },
    /// It does not belong to this base.
    Mismatched { reason: Mismatch, garbled: Option<Garbled> },
    /// Nothing says so, and nothing speaks against it.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The base's bytes have the checksum that the module has.
    Checksum,
    /// The module's own strings and types go on where this base's end, and the names that it takes from the base are
    /// names there.
    Layout,
}

/// Why a BTF does not belong to a base.
#[derive(Debug, Error)]
pub enum Mismatch {
    #[error("it was made on a base with checksum {recorded}, this one has {actual}")]
    Checksum { recorded: BaseChecksum, actual: BaseChecksum },
    #[error("{0}")]
    Relocation(#[from] RelocateError),
    #[error("{}", elsewhere(*strings, *types, *base_strings, *base_types))]
    Elsewhere { strings: u32, types: u32, base_strings: u32, base_types: u32 },
    #[error("names or references in it lead to nothing that can be meant")]
    Contradiction,
}

/// The first name that is not what it was meant to be: a type's own, or that of a member, parameter or value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Garbled {
    /// The type that has it.
    pub id: TypeId,
    pub kind: Option<Kind>,
    /// What it is on this base; `None` where no string of it starts there.
    pub is: Option<String>,
    pub meant: String,
}

/// Why there is nothing to judge.
#[derive(Debug, Error)]
pub enum FitError {
    #[error(".BTF: {0}")]
    Split(#[source] ReadError),
    #[error(".BTF.base: {0}")]
    Distilled(#[source] ReadError),
    #[error(".BTF.base_checksum: {0}")]
    Checksum(#[from] ChecksumError),
}

fn elsewhere(strings: u32, types: u32, base_strings: u32, base_types: u32) -> String {
    let mut differences = Vec::new();
    if strings != base_strings {
        differences.push(format!("{strings} bytes of strings where this one has {base_strings}"));
    }
    if types != base_types {
        differences.push(format!(
            "{} types where this one has {}",
            types.saturating_sub(1),
            base_types.saturating_sub(1)
        ));
    }
    format!("it was made on another base, which has {}", differences.join(", and "))
}

/// Judges. `kernel` is the one that has the base: release and pointer size.
pub fn fits(module: ModuleBtf<'_>, base: &Arc<Btf>, kernel: Rules) -> Result<Fit, FitError> {
    let recorded = module.checksum.map(BaseChecksum::parse).transpose()?;
    let checked = recorded.map(|recorded| (recorded, BaseChecksum::of(base.bytes())));
    let is_proven = checked.is_some_and(|(recorded, actual)| recorded == actual);
    if let Some(distilled) = module.distilled {
        return on_distilled(module.split, distilled, base, kernel, is_proven);
    }

    let refused = module_refused(module.split, base, kernel);
    let verdict = match checked {
        Some(_) if is_proven => Verdict::Exact { proof: Proof::Checksum },
        Some((recorded, actual)) => {
            let garbled = match testimony(module.split, base)? {
                (Testimony::Elsewhere(anchor), wrong) => garbled(module.split, &wrong, anchor),
                _ => None,
            };
            Verdict::Mismatched { reason: Mismatch::Checksum { recorded, actual }, garbled }
        }
        None => match testimony(module.split, base)? {
            (Testimony::Agrees, _) => Verdict::Exact { proof: Proof::Layout },
            (Testimony::Silent, _) => Verdict::Unknown,
            (Testimony::Elsewhere(anchor), wrong) => {
                let reason = Mismatch::Elsewhere {
                    strings: anchor.string,
                    types: anchor.id.0,
                    base_strings: base.end_string(),
                    base_types: base.end_id().0,
                };
                Verdict::Mismatched { reason, garbled: garbled(module.split, &wrong, anchor) }
            }
            (Testimony::Contradicts, _) => Verdict::Mismatched { reason: Mismatch::Contradiction, garbled: None },
        },
    };
    Ok(Fit { verdict, refused })
}

/// With a distilled base the kernel relocates, also on the base that the module was made on.
fn on_distilled(
    split: &[u8],
    distilled: &[u8],
    base: &Arc<Btf>,
    kernel: Rules,
    is_proven: bool,
) -> Result<Fit, FitError> {
    let distilled = Arc::new(Btf::parse(distilled).map_err(FitError::Distilled)?);
    let parsed = Btf::parse_split(split, Arc::clone(&distilled)).map_err(FitError::Split)?;
    let invalid = Rules { context: Context::Base, ..kernel }.check(distilled.bytes(), None).err();
    let invalid = invalid.map(|refusal| refusal.detail).or_else(|| module_refused(split, &distilled, kernel));
    Ok(match relocate(&parsed, base) {
        Ok(_) if is_proven => Fit { verdict: Verdict::Exact { proof: Proof::Checksum }, refused: invalid },
        Ok(relocated) => Fit { verdict: Verdict::Relocatable { doubts: relocated.doubts }, refused: invalid },
        Err(error) => {
            let refused = invalid.or_else(|| error.kernel_message());
            Fit { verdict: Verdict::Mismatched { reason: error.into(), garbled: None }, refused }
        }
    })
}

fn module_refused(split: &[u8], base: &Btf, kernel: Rules) -> Option<String> {
    let refusal = Rules { context: Context::Module, ..kernel }.check(split, Some(base)).err();
    refusal.map(|refusal: Refusal| if refusal.detail.is_empty() { refusal.to_string() } else { refusal.detail })
}

/// What the BTF says of its base, and how it is read on this one.
fn testimony(split: &[u8], base: &Arc<Btf>) -> Result<(Testimony, Btf), FitError> {
    let start = (base.end_id(), base.end_string());
    let read = Btf::parse_unlinked(split.to_vec(), Some(Arc::clone(base)), start).map_err(FitError::Split)?;
    Ok((ask(&read, base), read))
}

/// The first own name that is another one on the wrong base.
fn garbled(split: &[u8], wrong: &Btf, anchor: Anchor) -> Option<Garbled> {
    let right = Btf::parse_unlinked(split.to_vec(), None, (anchor.id, anchor.string)).ok()?;
    let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    wrong.records().find_map(|(id, record)| {
        let mut first = None;
        record.names(|name| {
            let (is, meant) = (wrong.string(name), right.string(name));
            if let Some(meant) = meant.filter(|meant| name >= anchor.string && is != Some(*meant)) {
                first.get_or_insert((is, meant));
            }
        });
        let (is, meant) = first?;
        Some(Garbled { id, kind: record.kind(), is: is.map(text), meant: text(meant) })
    })
}

impl std::fmt::Display for Garbled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "type {} ({}) ", self.id, self.kind.map_or("of an unknown kind", Kind::name))?;
        match &self.is {
            Some(is) => write!(f, "has the name '{is}' and was meant to have '{}'", self.meant),
            None => write!(f, "has no name and was meant to have '{}'", self.meant),
        }
    }
}
