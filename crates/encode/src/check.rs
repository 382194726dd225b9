//! `check`: would a kernel take the BTF in these files? Raw BTF, or ELF files with `.BTF` and `.BTF.base`.

use crate::btf_file::{BtfFile, whole};
use crate::{EncodeError, fault, jobs};
use btfkit_btf::validate::{Context, Release, Rules, Severity, Verdict};
use btfkit_btf::{Btf, ReadError};
use rayon::prelude::*;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Clone, Debug, Default)]
pub struct CheckOptions {
    /// What split BTF stands on: a file as those that are checked.
    pub base: Option<PathBuf>,
    /// `None`: [`Context::Module`] on a base, [`Context::Load`] in a BPF object, else [`Context::Vmlinux`].
    pub context: Option<Context>,
    /// `None`: [`CheckOptions::RELEASE`].
    pub release: Option<Release>,
}

impl CheckOptions {
    /// The last release that has no rule of its own about the order of names.
    pub const RELEASE: Release = Release::new(6, 18);
}

/// What was found in one file. Serialized as it stands for `--json`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    pub file: String,
    /// "accepted", "refused", or absent where the file could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<&'static str>,
    /// The kernel's error number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errno: Option<i32>,
    /// The kernel's words; empty where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    pub findings: Vec<CheckedFinding>,
    /// Why it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Unreadable>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckedFinding {
    /// "error" or "warning".
    pub severity: &'static str,
    /// `.BTF` or `.BTF.base`; a raw file counts as the former.
    pub section: &'static str,
    pub type_id: Option<u32>,
    pub name: String,
    pub path: String,
    pub rule: String,
    pub source: &'static str,
    pub message: String,
    pub advice: &'static str,
}

#[derive(Clone, Debug, Serialize)]
pub struct Unreadable {
    pub code: &'static str,
    pub message: String,
}

/// Checks each file, in the order in which they are named. A file that cannot be read is a record too; a base that
/// cannot be used is an error.
pub fn check_files(paths: &[PathBuf], options: &CheckOptions, abort: &AtomicBool) -> Result<Vec<Checked>, EncodeError> {
    let base = options.base.as_deref().map(whole).transpose()?;
    let check = |path: &PathBuf| {
        if abort.load(Ordering::Relaxed) {
            return Err(EncodeError::aborted(path));
        }
        fault::at("file");
        let file = path.display().to_string();
        Ok(match BtfFile::read(path) {
            Ok(contents) => Checked { file, ..judge(&contents, base.as_ref(), options) },
            Err(EncodeError { code, message }) => {
                Checked { file, error: Some(Unreadable { code, message }), ..Checked::default() }
            }
        })
    };
    let first = paths.first().map_or(Path::new(""), PathBuf::as_path);
    jobs::on_shared(first, || paths.par_iter().map(check).collect())
}

fn judge(contents: &BtfFile, base: Option<&Arc<Btf>>, options: &CheckOptions) -> Checked {
    let own_base = contents.distilled.as_deref();
    let has_base = own_base.is_some() || base.is_some();
    let context = options.context.unwrap_or(match (has_base, contents.is_bpf) {
        (true, _) => Context::Module,
        (_, true) => Context::Load,
        _ => Context::Vmlinux,
    });
    let release = options.release.unwrap_or(CheckOptions::RELEASE);
    let parsed = own_base.and_then(|bytes| Btf::parse(bytes).ok()).map(Arc::new);
    let under = if own_base.is_some() { parsed.as_ref() } else { base };
    let pointer_size = contents.pointer_size.or_else(|| pointer_size(&contents.btf, under)).unwrap_or(8);
    let rules = |context| Rules { context, release, pointer_size, endian: None };
    let mut checked = Checked { verdict: Some("accepted"), context: Some(context_name(context)), ..Checked::default() };
    if let Some(bytes) = own_base {
        checked.add(".BTF.base", rules(Context::Base).judge(bytes, None));
        // Without it nothing can be said of what stands on it.
        if under.is_none() {
            checked.verdict = Some("refused");
            return checked;
        }
    }
    checked.add(".BTF", rules(context).judge(&contents.btf, under.map(Arc::as_ref)));
    // The strings of split BTF go on where its base's end.
    let is_refused = checked.errno.is_some() && !has_base;
    if is_refused && matches!(Btf::parse(contents.btf.as_slice()), Err(ReadError::StringsStart)) {
        let findings = checked.findings.iter_mut().filter(|finding| finding.severity == "error");
        findings.take(1).for_each(|finding| finding.advice = "if this is split BTF, name the base that it stands on");
    }
    checked
}

impl Checked {
    fn add(&mut self, section: &'static str, verdict: Verdict) {
        if let Some(refusal) = verdict.refusal.filter(|_| self.errno.is_none()) {
            self.verdict = Some("refused");
            self.errno = Some(refusal.errno.number());
            self.message = Some(refusal.message);
        }
        self.findings.extend(verdict.findings.into_iter().map(|finding| CheckedFinding {
            severity: if finding.severity == Severity::Error { "error" } else { "warning" },
            section,
            type_id: finding.type_id.map(|id| id.0),
            name: finding.name,
            path: finding.path,
            rule: finding.rule,
            source: finding.source,
            message: finding.message,
            advice: finding.advice,
        }));
    }
}

fn context_name(context: Context) -> &'static str {
    match context {
        Context::Load => "load",
        Context::Vmlinux => "vmlinux",
        Context::Module => "module",
        Context::Base => "base",
    }
}

fn pointer_size(btf: &[u8], base: Option<&Arc<Btf>>) -> Option<u8> {
    match base {
        Some(base) => base.pointer_size(),
        None => Btf::parse(btf).ok()?.pointer_size(),
    }
}
