//! Which sections a file gets. `decide` is one function of what is known of the file and what the user wants, without
//! any look at the world; `facts` gathers what is known.

mod facts;
mod release;

pub(crate) use facts::{gather, is_external_build};
pub use release::{DISTILLED_BASE, MODULE_BTF, limit, release};

use crate::Features;
use btfkit_btf::validate::Release;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// Which files get a distilled base (`.BTF.base`) beside their split BTF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BaseRef {
    Never,
    /// Modules that are not built with the kernel that they are for: they may meet others.
    #[default]
    OutOfTree,
    Always,
}

impl FromStr for BaseRef {
    type Err = ();

    fn from_str(text: &str) -> Result<BaseRef, ()> {
        match text {
            "never" => Ok(BaseRef::Never),
            "out-of-tree" => Ok(BaseRef::OutOfTree),
            "always" => Ok(BaseRef::Always),
            _ => Err(()),
        }
    }
}

/// What is done where the file of the base is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingBase {
    #[default]
    Error,
    /// The file gets no BTF, and that is reported.
    Skip,
}

/// What is done where the kernel would not take what came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnInvalid {
    #[default]
    Error,
    /// That section is left out, and that is reported.
    SkipSection,
}

/// What the user wants of sections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wishes {
    pub base_ref: BaseRef,
    pub base_checksum: bool,
    pub missing_base: MissingBase,
    pub on_invalid: OnInvalid,
    /// Whether the file belongs to the build of its base; None means that the file and its place tell.
    pub out_of_tree: Option<bool>,
    /// The oldest kernel that has to take the result; None means that all that features ask for is written.
    pub target: Option<Release>,
}

/// The base that a file is to be encoded on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BaseState {
    /// None is named: the file stands for itself.
    None,
    Present,
    Missing,
}

/// What is known of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    pub base: BaseState,
    /// A build of external modules is going on (`KBUILD_EXTMOD` is set).
    pub extmod: bool,
    /// What the module says of itself: `intree=Y` in `.modinfo`, or a `.modinfo` without.
    pub says_in_tree: Option<bool>,
    /// Whether it lies outside of the tree that its base lies in, where both have a place.
    pub outside: Option<bool>,
}

impl Facts {
    /// Of a file whose base was named and is not there.
    pub const WITHOUT_BASE: Facts =
        Facts { base: BaseState::Missing, extmod: false, says_in_tree: None, outside: None };
}

/// What a file gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// `.BTF` that stands for itself.
    Whole,
    /// `.BTF` on a base, and beside it what else is true here.
    Split {
        distilled: bool,
        checksum: bool,
    },
    Nothing(Omission),
}

/// Why a file gets nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Omission {
    BaseMissing,
    /// The target reads no BTF of modules.
    NoModuleBtf,
}

impl Display for Omission {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Omission::BaseMissing => "its base is not there",
            Omission::NoModuleBtf => "the target kernel reads no BTF of modules",
        })
    }
}

impl Omission {
    /// For machines.
    pub fn code(self) -> &'static str {
        match self {
            Omission::BaseMissing => "base-missing",
            Omission::NoModuleBtf => "no-module-btf",
        }
    }
}

/// What cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    BaseMissing,
}

/// Decides which sections a file gets. `features` is what was asked for: `distilled_base` there is as
/// [`BaseRef::Always`], and what the target does not know is left out of it by [`limit`].
pub fn decide(facts: &Facts, wishes: &Wishes, features: &Features) -> Result<Plan, Refused> {
    match (facts.base, wishes.missing_base) {
        (BaseState::None, _) => return Ok(Plan::Whole),
        (BaseState::Missing, MissingBase::Skip) => return Ok(Plan::Nothing(Omission::BaseMissing)),
        (BaseState::Missing, MissingBase::Error) => return Err(Refused::BaseMissing),
        (BaseState::Present, _) => {}
    }
    let knows = |release: Release| wishes.target.is_none_or(|target| target >= release);
    if !knows(MODULE_BTF) {
        return Ok(Plan::Nothing(Omission::NoModuleBtf));
    }
    let is_wanted = match wishes.base_ref {
        BaseRef::Never => false,
        BaseRef::OutOfTree => is_out_of_tree(facts, wishes),
        BaseRef::Always => true,
    };
    let distilled = (is_wanted || features.distilled_base) && knows(DISTILLED_BASE);
    Ok(Plan::Split { distilled, checksum: wishes.base_checksum })
}

/// What is said counts most, then the build, the file itself, and its place. Without any of these it is in the tree.
fn is_out_of_tree(facts: &Facts, wishes: &Wishes) -> bool {
    let by_build = facts.extmod.then_some(true);
    let by_itself = facts.says_in_tree.map(|says| !says);
    wishes.out_of_tree.or(by_build).or(by_itself).or(facts.outside).unwrap_or(false)
}

#[cfg(test)]
mod tests;
