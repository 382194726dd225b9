//! Whether a kernel takes a blob, and what it says when it does not.
//!
//! The checks are those of the kernel's `kernel/bpf/btf.c`, in its order, so that the first one that fails is the one
//! that the kernel would name:
//!
//! | pass | room | what |
//! |---|---|---|
//! | A, B | `sections` | header; sections without gap or overlap; string section |
//! | C | `meta` | each record by itself |
//! | D | `resolve`, `members`, `sound` | what records refer to: missing targets, loops, sizes, prototypes |
//! | E | `chains` | chains of modifiers: length, and type tags before all others |
//! | F | `special` | structs with locks, lists, trees or reference counts of the kernel |
//!
//! [`Rules::judge`] goes on where the kernel stops: it tells everything that pass D minds, also where the kernel does not
//! run it, what no kernel checks (`beyond`), and how to reach each type from one with a name (`paths`).
//!
//! Which passes run depends on how the blob gets into the kernel, see [`Context`].

mod beyond;
mod blob;
mod chains;
mod lines;
mod members;
mod meta;
mod paths;
mod release;
mod remembered;
mod resolve;
mod sections;
mod sound;
mod special;
mod verdict;

use crate::{Btf, Endian, TypeId};
use blob::Blob;
pub use release::{Release, UnknownRelease};
pub(crate) use remembered::Remembered;
pub use verdict::{Finding, Severity, Verdict};

/// How a blob gets into the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    /// Loaded by a program with `BPF_BTF_LOAD`: every pass. The kernel takes no split BTF this way; with a base it is
    /// checked as if both were one.
    Load,
    /// The `.BTF` section of vmlinux: all but passes D and F.
    Vmlinux,
    /// The `.BTF` section of a module, on the base that is given: all but passes D and F.
    Module,
    /// The `.BTF.base` section of a module: all but passes D and F.
    Base,
}

/// The error number of the system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Errno {
    ENOENT,
    E2BIG,
    EFAULT,
    EEXIST,
    EINVAL,
    ELOOP,
    ENOTSUPP,
}

impl Errno {
    pub fn number(self) -> i32 {
        match self {
            Errno::ENOENT => 2,
            Errno::E2BIG => 7,
            Errno::EFAULT => 14,
            Errno::EEXIST => 17,
            Errno::EINVAL => 22,
            Errno::ELOOP => 40,
            Errno::ENOTSUPP => 524,
        }
    }
}

/// A part of the kernel's checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pass {
    Sections,
    Records,
    References,
    Chains,
    Fields,
}

impl Pass {
    /// Where the rules of it stand.
    pub fn source(self) -> &'static str {
        match self {
            Pass::Sections => "kernel/bpf/btf.c, header and strings",
            Pass::Records => "kernel/bpf/btf.c, each record by itself",
            Pass::References => "kernel/bpf/btf.c, what records refer to (BPF_BTF_LOAD only)",
            Pass::Chains => "kernel/bpf/btf.c, chains of modifiers",
            Pass::Fields => "kernel/bpf/btf.c, special fields of structs (BPF_BTF_LOAD only)",
        }
    }
}

/// Why a kernel refuses a blob.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{errno:?}: {}", if detail.is_empty() { message } else { detail })]
pub struct Refusal {
    pub errno: Errno,
    /// The kernel's words for the error; empty for the few that it does not explain.
    pub message: String,
    /// The record that the kernel was at.
    pub type_id: Option<TypeId>,
    /// The lines of the kernel's log that end with the message: the record and, where it is about one, its element.
    pub detail: String,
    pub pass: Pass,
}

/// The kernel that is asked.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub context: Context,
    pub release: Release,
    /// Bytes of a pointer; pass D compares it with the room that structs leave.
    pub pointer_size: u8,
    /// The kernel's byte order; `None` takes the one that the blob's magic number shows.
    pub endian: Option<Endian>,
}

impl Rules {
    /// The newest kernel that this crate knows, of 64 bits and the blob's byte order.
    pub fn new(context: Context) -> Rules {
        Rules { context, release: Release::V7_1, pointer_size: 8, endian: None }
    }

    /// Says whether the kernel takes the blob. `base` is what a split BTF stands on.
    pub fn check(&self, bytes: &[u8], base: Option<&Btf>) -> Result<(), Refusal> {
        self.walk(bytes, base).1.map_or(Ok(()), Err)
    }

    /// Says it together with everything else that is wrong: what other contexts would refuse, what no kernel checks.
    pub fn judge(&self, bytes: &[u8], base: Option<&Btf>) -> Verdict {
        verdict::judge(self, bytes, base)
    }

    /// The blob as far as it was understood, and why it is refused.
    fn walk<'a>(&self, bytes: &'a [u8], base: Option<&'a Btf>) -> (Option<Blob<'a>>, Option<Refusal>) {
        let mut blob = match sections::open(self, bytes, base) {
            Ok(blob) => blob,
            Err(refusal) => return (None, Some(refusal)),
        };
        let refusal = self.passes(&mut blob).err();
        (Some(blob), refusal)
    }

    fn passes(&self, blob: &mut Blob) -> Result<(), Refusal> {
        let of = |pass| move |refusal| Refusal { pass, ..refusal };
        let load = self.context == Context::Load;
        meta::check(self, blob).map_err(of(Pass::Records))?;
        if load {
            resolve::check(self, blob).map_err(of(Pass::References))?;
        }
        chains::check(blob).map_err(of(Pass::Chains))?;
        if load { special::check(self, blob).map_err(of(Pass::Fields)) } else { Ok(()) }
    }
}

/// Asks the newest kernel that this crate knows, see [`Rules`] for others.
pub fn validate(bytes: &[u8], context: Context, base: Option<&Btf>, pointer_size: u8) -> Result<(), Refusal> {
    Rules { pointer_size, ..Rules::new(context) }.check(bytes, base)
}

impl Refusal {
    /// A refusal that is about no record, or whose log line is the message alone.
    fn plain(errno: Errno, message: impl Into<String>) -> Refusal {
        let message = message.into();
        Refusal { errno, detail: message.clone(), message, type_id: None, pass: Pass::Sections }
    }
}
