//! A verdict with everything that is worth knowing about a blob, not only what the kernel would say first.

use super::paths::Paths;
use super::{Blob, Context, Pass, Refusal, Rules, beyond, resolve};
use crate::{Btf, TypeId};

/// What a kernel rules, and why.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// `None` where the kernel takes the blob.
    pub refusal: Option<Refusal>,
    /// What the refusal is about, then everything else that is wrong, up to a thousand.
    pub findings: Vec<Finding>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The kernel that was asked takes it, others or tools do not.
    Warning,
    /// The kernel refuses it, or nobody can make sense of it.
    Error,
}

/// Something that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    /// `None` where it is about no type.
    pub type_id: Option<TypeId>,
    /// The type's own name, empty where it has none.
    pub name: String,
    /// From a named type down to this one: `STRUCT 'sk_buff' member 'cb' > ARRAY [7]`. Empty where it is about no type.
    pub path: String,
    /// Stable, for machines: "member-exceeds-struct-size".
    pub rule: String,
    /// Who has this rule.
    pub source: &'static str,
    /// In the kernel's words where it is the kernel's rule.
    pub message: String,
    /// What to do.
    pub advice: &'static str,
}

/// Findings that are kept.
pub(super) const MOST: usize = 1000;

/// What was found, before it has a name and a path.
pub(super) struct Found {
    pub severity: Severity,
    pub type_id: Option<u32>,
    pub rule: String,
    pub source: &'static str,
    pub message: String,
    pub advice: &'static str,
}

impl Verdict {
    pub fn is_accepted(&self) -> bool {
        self.refusal.is_none()
    }
}

pub(super) fn judge(rules: &Rules, bytes: &[u8], base: Option<&Btf>) -> Verdict {
    let (blob, refusal) = rules.walk(bytes, base);
    let mut found: Vec<Found> = refusal.iter().map(|refusal| of_kernel(refusal, Severity::Error)).collect();
    // Records of an unknown length end the list of records: what refers to those behind would be called dangling.
    if let Some(blob) = blob.as_ref().filter(|blob| blob.is_complete) {
        let (without_rule, is_sound) = rayon::join(|| beyond::found(rules, blob), || resolve::is_sound(rules, blob));
        let (dangling, more) = match is_sound {
            true => (Vec::new(), Vec::new()),
            false => (beyond::dangling(blob), resolve::survey(rules, blob, MOST)),
        };
        found.extend(dangling);
        found.extend(without_rule);
        let severity = if rules.context == Context::Load { Severity::Error } else { Severity::Warning };
        let known = refusal.as_ref().map(|refusal| (refusal.type_id, refusal.message.clone()));
        let more = more.into_iter().filter(|refusal| Some((refusal.type_id, refusal.message.clone())) != known);
        found.extend(more.map(|refusal| of_kernel(&refusal, severity)));
        found.truncate(MOST);
    }
    let findings = match &blob {
        Some(blob) if !found.is_empty() => {
            let paths = Paths::to(blob, found.iter().filter_map(|found| found.type_id));
            found.into_iter().map(|found| with_place(blob, &paths, found)).collect()
        }
        _ => found.into_iter().map(|found| finding(found, String::new(), String::new())).collect(),
    };
    Verdict { refusal, findings }
}

fn of_kernel(refusal: &Refusal, severity: Severity) -> Found {
    let rule = rule(refusal);
    let advice = advice(&rule);
    let lines = refusal.detail.trim_start();
    let message = match (refusal.message.is_empty(), refusal.pass) {
        (false, _) => lines.replace("\n\t", ": "),
        (_, Pass::Sections) => "larger than 16 MiB".to_owned(),
        (_, Pass::Fields) => format!("a special field ({:?}); the kernel says no more", refusal.errno),
        _ => "refers to a type that does not exist; the kernel says no more".to_owned(),
    };
    let type_id = refusal.type_id.map(|id| id.0);
    Found { severity, type_id, rule, source: refusal.pass.source(), message, advice }
}

fn with_place(blob: &Blob, paths: &Paths, found: Found) -> Finding {
    let rec = found.type_id.and_then(|id| blob.get(id));
    let name = rec.and_then(|rec| blob.string(rec.name)).unwrap_or_default();
    let name = String::from_utf8_lossy(name).into_owned();
    let path = found.type_id.map_or(String::new(), |id| paths.path(blob, id));
    finding(found, name, path)
}

fn finding(found: Found, name: String, path: String) -> Finding {
    let Found { severity, type_id, rule, source, message, advice } = found;
    Finding { severity, type_id: type_id.map(TypeId), name, path, rule, source, message, advice }
}

/// "Member exceeds struct_size" is "member-exceeds-struct-size".
fn rule(refusal: &Refusal) -> String {
    if refusal.message.is_empty() {
        let rule = match refusal.pass {
            Pass::Sections => "blob-too-large",
            Pass::Fields => "special-field",
            _ => "dangling-reference",
        };
        return rule.to_owned();
    }
    let words = refusal.message.split([':', '#']).next().unwrap_or_default();
    let words = words.replace("!=", "not").replace("==", "is").to_lowercase();
    let words: Vec<_> = words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join("-")
}

fn advice(rule: &str) -> &'static str {
    match rule {
        "invalid-name" | "invalid-value" => {
            "give it a name of letters, digits, '_' and '.', of at most 512 bytes (128 before Linux 6.1)"
        }
        "invalid-name-offset" | "invalid-member-name-offset" => "a name lies outside the strings: make the BTF again",
        "invalid-arg" => "name every parameter, and give it a complete type",
        "invalid-return-type" => "return void or a complete type",
        "loop-detected" | "max-chain-length-or-cycle-detected" => "a type contains itself: break the loop",
        "exceeded-max-resolving-depth" => "shorten the chain of types to 32",
        "type-tags-don-t-precede-modifiers" => "put type tags before const, volatile, restrict and typedef",
        "member-exceeds-struct-size" | "member-bits-offset-exceeds-its-struct-size" => {
            "correct the struct's size or the member's place"
        }
        "invalid-member-bitfield-size" => "a bitfield must not be wider than its type",
        "invalid-kind" | "invalid-btf-info" | "invalid-btf-info-kind-flag" => {
            "leave out what this release does not know, or ask for a newer one with --target-kernel"
        }
        "unsupported-btf-header" => "write a header of 24 bytes (leave out the feature layout)",
        "unsupported-section-found" | "string-section-is-not-at-the-end" => "remove what follows the strings",
        "blob-too-large" => "load fewer types: a program's BTF may have 16 MiB",
        "linkage-not-supported" | "invalid-func-linkage" => "leave out extern declarations",
        "special-field" => "see the kernel's rules for locks, lists, trees and reference counts of BPF objects",
        "dangling-reference" => "encode it again, or give the base that it was made for",
        _ => "correct the encoder: this is not how BTF is written",
    }
}
