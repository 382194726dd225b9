//! The validator's verdict and words against those of a real kernel.

use super::case::{Case, cases};
use crate::notation;
use btfkit_btf::Endian;
use btfkit_btf::validate::{Context, Refusal, Release, Rules};

/// The kernel that made the cases.
const KERNEL: Rules =
    Rules { context: Context::Load, release: Release::V6_15, pointer_size: 8, endian: Some(Endian::Little) };

/// A verdict in the cases' form: OK, or the error number and the lines of the log.
pub fn verdict(outcome: &Result<(), Refusal>) -> Vec<String> {
    match outcome {
        Ok(()) => vec!["OK".into()],
        Err(refusal) => {
            let lines = refusal.detail.lines().map(|line| printable(line.trim()));
            std::iter::once(format!("{:?}", refusal.errno)).chain(lines).collect()
        }
    }
}

/// Control characters as the cases write them.
fn printable(line: &str) -> String {
    let escaped = |c: char| if c.is_control() { format!("\\x{:02x}", c as u32) } else { c.into() };
    line.chars().map(escaped).collect()
}

/// The blob of a case, with what its `header:` line changes.
pub fn blob(case: &Case) -> Vec<u8> {
    let assembly = notation::assemble(case.text, Endian::Little, None);
    let mut header = assembly.header();
    if let Some(change) = case.line("header") {
        let sign = change.find(['+', '-']).unwrap();
        let fields = ["hdr_len", "type_off", "type_len", "str_off", "str_len"];
        let field = fields.iter().position(|field| *field == &change[..sign]).unwrap();
        header[field] = header[field].wrapping_add_signed(change[sign..].parse().unwrap());
    }
    assembly.with_header(header)
}

fn run(file: &'static str) {
    let mut wrong = Vec::new();
    for case in cases(file) {
        let expected: Vec<_> = case.line("kernel").unwrap().split(" | ").map(str::trim).collect();
        let outcome = KERNEL.check(&blob(&case), None);
        let told = verdict(&outcome);
        // The cases keep the last lines of the log.
        let lines = told.len().saturating_sub(expected.len());
        let shown: Vec<_> = told[..1].iter().chain(&told[1 + lines..]).map(String::as_str).collect();
        if shown != expected {
            wrong.push(format!("{}\n  expected {expected:?}\n  found    {told:?}", case.title));
        }
        if let Err(refusal) = outcome {
            assert!(refusal.detail.ends_with(&refusal.message), "{}", case.title);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn selftest_cases_are_judged_as_the_kernel_judges_them() {
    run(include_str!("kernel.txt"));
}

#[test]
fn probes_are_judged_as_the_kernel_judges_them() {
    run(include_str!("kernel-probes.txt"));
}
