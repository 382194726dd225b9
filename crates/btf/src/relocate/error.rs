//! Why a split BTF cannot be carried to another base.

use super::stubs::encoding_name;
use super::{Stub, matching::text};
use crate::{Endian, Kind, ReadError, TypeId, WriteError};
use std::fmt::{self, Display, Formatter};
use thiserror::Error;

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RelocateError {
    #[error("this BTF stands on no base: only split BTF with its distilled base can be carried to another one")]
    NotSplit,
    #[error("the new base is the one that the split BTF stands on already")]
    SameBase,
    #[error("the split BTF is {split:?} endian, the new base {target:?} endian")]
    Endian { split: Endian, target: Endian },
    #[error("type {id} of the distilled base, {}, has no name to look for", kind.name())]
    Anonymous { id: TypeId, kind: Kind },
    #[error("type {id} of the base is {what}: this is no distilled base", what = kind.map_or("of a kind that is not known", Kind::name))]
    UnexpectedKind { id: TypeId, kind: Option<Kind> },
    #[error("too many types have the name '{name}' to compare them all")]
    Namesakes { name: String },
    /// What stands in the way: first what the kernel would name.
    #[error("{}", told(.0))]
    Obstacles(Vec<Obstacle>),
    #[error("the name '{text}' at {offset} of the distilled base's strings belongs to none of its types")]
    UnmappedString { offset: u32, text: String },
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// A stub that is not found, or found twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    pub stub: Stub,
    pub cause: Cause,
    /// What has its name in the new base: at most [`NAMESAKES`](Obstacle::NAMESAKES) of them.
    pub instead: Vec<Namesake>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Nothing in the new base has its name.
    Missing,
    /// What has its name is something else.
    Different,
    /// These two have its name and fit.
    Ambiguous { first: TypeId, second: TypeId },
}

/// A type of the new base that has the stub's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namesake {
    pub id: TypeId,
    pub kind: Kind,
    /// Bytes; of a forward declaration 0.
    pub size: u32,
    /// What is different; `None` where it fits.
    pub misfit: Option<Misfit>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    Kind,
    Size,
    /// The integer's encoding, which is this one.
    Encoding(u8),
    /// There are several structs or unions of the name, and the size does not tell which is meant.
    Several,
    /// The kernel takes the definition's kind flag (bitfields) for that of a declaration (union).
    KindFlag,
}

impl Obstacle {
    pub const NAMESAKES: usize = 8;
}

impl RelocateError {
    /// What the kernel writes to its log when it loads a module that has this wrong.
    pub fn kernel_message(&self) -> Option<String> {
        match self {
            RelocateError::Anonymous { id, kind } => {
                Some(format!("type [{id}], kind [{}] is invalid for distilled base BTF; it is anonymous", *kind as u8))
            }
            RelocateError::UnexpectedKind { id, kind } => {
                let kind = kind.map_or(0, |kind| kind as u8);
                Some(format!("type [{id}] in distilled based BTF has unexpected kind [{kind}]"))
            }
            RelocateError::Obstacles(obstacles) => obstacles.first().map(Obstacle::kernel_message),
            RelocateError::UnmappedString { offset, text } => {
                Some(format!("string '{text}' [offset {offset}] is not mapped to base BTF"))
            }
            _ => None,
        }
    }
}

impl Obstacle {
    fn kernel_message(&self) -> String {
        let (name, id) = (text(&self.stub.name), self.stub.id);
        match self.cause {
            Cause::Ambiguous { first, second } => {
                let size = self.instead.iter().find(|other| other.id == second).map_or(0, |other| other.size);
                format!(
                    "distilled base BTF type '{name}' [{id}], size {size} has multiple candidates of the same size \
                     (ids [{second}, {first}]) in base BTF"
                )
            }
            _ => format!("distilled base BTF type '{name}' [{id}] is not mapped to base BTF id"),
        }
    }
}

fn told(obstacles: &[Obstacle]) -> String {
    let first = obstacles.first().map(Obstacle::to_string).unwrap_or_default();
    match obstacles.len() {
        0 | 1 => first,
        count => format!("{first} (and {} more)", count - 1),
    }
}

impl Display for Obstacle {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.stub)?;
        match self.cause {
            Cause::Missing => f.write_str(" is not in the new base, which has nothing of that name"),
            Cause::Different => {
                f.write_str(" is not in the new base, which has")?;
                list(f, &self.instead, " and")
            }
            Cause::Ambiguous { .. } => {
                f.write_str(" may be several types of the new base:")?;
                let fitting: Vec<_> = self.instead.iter().filter(|other| other.misfit.is_none()).cloned().collect();
                list(f, &fitting, " or")
            }
        }
    }
}

fn list(f: &mut Formatter<'_>, namesakes: &[Namesake], join: &str) -> fmt::Result {
    for (at, namesake) in namesakes.iter().enumerate() {
        if at != 0 {
            f.write_str(join)?;
        }
        write!(f, " {namesake}")?;
    }
    Ok(())
}

impl Display for Namesake {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Namesake { id, kind, size, .. } = self;
        match kind {
            Kind::Fwd => write!(f, "FWD {id}")?,
            kind => write!(f, "{} {id} of {size} bytes", kind.name())?,
        }
        match self.misfit {
            None => Ok(()),
            Some(Misfit::Kind) => f.write_str(" (another kind)"),
            Some(Misfit::Size) => f.write_str(" (another size)"),
            Some(Misfit::Encoding(bits)) => write!(f, " ({})", encoding_name(bits)),
            Some(Misfit::Several) => f.write_str(" (one of several, of another size)"),
            Some(Misfit::KindFlag) => {
                let bitfields = if *kind == Kind::Struct { "has" } else { "has no" };
                write!(f, " (which {bitfields} bitfields: kernels take that for another kind)")
            }
        }
    }
}
