//! What kernels do not check, or not in each context, and what nobody can work with.

use super::verdict::{Found, MOST, Severity};
use super::{Blob, Context, Release, Rules};
use crate::MAX_STRING_OFFSET;

pub(super) fn found(rules: &Rules, blob: &Blob) -> Vec<Found> {
    let mut found: Vec<Found> = long_strings(blob).into_iter().collect();
    if rules.release >= Release::V7_0 && rules.context != Context::Load {
        found.extend(unsorted(rules, blob));
    }
    found
}

/// References to types that do not exist. The kernel looks at them in what programs load; libbpf refuses the whole BTF.
/// There are none where all types are sound.
pub(super) fn dangling(blob: &Blob) -> Vec<Found> {
    let end = blob.end_id();
    let of = |id: u32| {
        let target = blob.get(id)?.references().find(|target| *target >= end)?;
        Some(Found {
            severity: Severity::Error,
            type_id: Some(id),
            rule: "dangling-reference".to_owned(),
            source: "libbpf, and kernels in BPF_BTF_LOAD",
            message: format!("refers to type {target}, the last one is {}", end - 1),
            advice: "encode it again, or give the base that it was made for",
        })
    };
    (blob.start_id..end).filter_map(of).take(MOST).collect()
}

/// Offsets have 24 bits, and a base's strings count: names behind that cannot be used by any type.
fn long_strings(blob: &Blob) -> Option<Found> {
    let end = u64::from(blob.start_string) + blob.strings.len() as u64;
    let limit = u64::from(MAX_STRING_OFFSET) + 1;
    (end > limit).then(|| Found {
        severity: Severity::Warning,
        type_id: None,
        rule: "strings-past-16-mib".to_owned(),
        source: "kernel/bpf/btf.c, BTF_MAX_NAME_OFFSET",
        message: format!("the strings, with those of the base, end at {end}; names past {limit} cannot be used"),
        advice: "leave out types, or encode against a smaller base",
    })
}

/// From 7.0 on, names of kernels and modules are found by halving, anonymous types first.
fn unsorted(rules: &Rules, blob: &Blob) -> Option<Found> {
    let name = |id: u32| blob.get(id).and_then(|rec| blob.string(rec.name)).unwrap_or_default();
    let id = (blob.start_id + 1..blob.end_id()).find(|id| name(*id) < name(id - 1))?;
    let (severity, message) = match rules.context {
        Context::Module => (Severity::Warning, "types are not sorted by name: the kernel looks at each to find one"),
        _ => (Severity::Warning, "types are not sorted by name: the kernel takes them for sorted and misses some"),
    };
    Some(Found {
        severity,
        type_id: Some(id),
        rule: "unsorted-names".to_owned(),
        source: "kernel/bpf/btf.c since Linux 7.0",
        message: message.to_owned(),
        advice: "sort it, as resolve_btfids does when it builds a kernel",
    })
}
