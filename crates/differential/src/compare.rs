//! Two answers side by side.

use crate::kernel::{Answer, Kernel};
use btfkit_btf::validate::{Context, Refusal, Rules};
use btfkit_btf::{Btf, Endian};
use std::collections::BTreeMap;

/// Where the answers differ.
#[derive(Clone, Debug)]
pub struct Difference {
    /// Of the damaged blob, see [`crate::damaged`].
    pub number: u64,
    pub kernel: Answer,
    pub validator: Result<(), Refusal>,
}

/// What came of many comparisons.
#[derive(Default)]
pub struct Tally {
    pub compared: u64,
    pub accepted: u64,
    /// How often each message was the first, with its numbers left out.
    pub messages: BTreeMap<String, u64>,
    pub different: u64,
    /// The first few.
    pub differences: Vec<Difference>,
}

/// Differences that are kept.
const KEPT: usize = 1000;

pub(crate) struct Judge<'k> {
    kernel: &'k Kernel,
    rules: Rules,
}

/// Where both agree: the message, or `None` where the blob is taken.
pub(crate) type Agreement = Option<String>;

impl<'k> Judge<'k> {
    pub fn new(kernel: &'k Kernel) -> Judge<'k> {
        let release = kernel.release;
        let pointer_size = size_of::<usize>() as u8;
        Judge { kernel, rules: Rules { context: Context::Load, release, pointer_size, endian: Some(Endian::NATIVE) } }
    }

    pub fn compare(&self, blob: &[u8]) -> Result<Agreement, (Answer, Result<(), Refusal>)> {
        let kernel = self.kernel.load(blob);
        let validator = self.rules.check(blob, None);
        match &validator {
            Ok(()) if kernel.errno == 0 => Ok(None),
            Err(refusal) if refusal.errno.number() == kernel.errno && same_words(refusal, blob, &kernel.log) => {
                Ok(Some(refusal.message.clone()))
            }
            _ => Err((kernel, validator)),
        }
    }
}

/// Lines from here on are not whole: the kernel prints a record, a member and a message by themselves, each cut off
/// where it fills its buffer of 1024 bytes.
const CUT: usize = 1000;

/// The log ends with the line of the refusal. Before it the kernel lists what it took, so that the line of a record may
/// stand further up.
fn same_words(refusal: &Refusal, blob: &[u8], log: &[u8]) -> bool {
    let log = String::from_utf8_lossy(log);
    let log = log.strip_suffix('\n').unwrap_or(&log);
    if refusal.message.is_empty() {
        return is_wordless(blob, log);
    }
    let element = refusal.detail.rfind("\n\t").map_or(0, |at| at + 1);
    let (record, line) = refusal.detail.split_at(element);
    if record.len() > CUT || line.len() > CUT {
        return log.ends_with(&refusal.message);
    }
    let Some(before) = log.strip_suffix(line) else { return false };
    (before.is_empty() || before.ends_with('\n')) && log.contains(record)
}

/// Whether the log has a line for each record and none that says what is wrong: those of references start with the
/// record's line again, those of chains with a word.
fn is_wordless(blob: &[u8], log: &str) -> bool {
    let records = Btf::parse(blob).map_or(0, |btf| btf.len());
    let of_records = log.lines().filter(|line| line.starts_with('[')).count();
    of_records == records && !log.lines().any(|line| CHAIN_WORDS.contains(&line))
}

const CHAIN_WORDS: [&str; 2] = ["Max chain length or cycle detected", "Type tags don't precede modifiers"];

impl Tally {
    pub(crate) fn add(&mut self, number: u64, outcome: Result<Agreement, (Answer, Result<(), Refusal>)>) {
        self.compared += 1;
        match outcome {
            Ok(None) => self.accepted += 1,
            Ok(Some(message)) => {
                let message = if message.is_empty() { "(no word)".to_owned() } else { without_numbers(&message) };
                *self.messages.entry(message).or_default() += 1;
            }
            Err((kernel, validator)) => {
                self.different += 1;
                if self.differences.len() < KEPT {
                    self.differences.push(Difference { number, kernel, validator });
                }
            }
        }
    }

    pub(crate) fn merge(&mut self, other: Tally) {
        self.compared += other.compared;
        self.accepted += other.accepted;
        self.different += other.different;
        self.differences.extend(other.differences);
        self.differences.sort_by_key(|difference| difference.number);
        self.differences.truncate(KEPT);
        for (message, count) in other.messages {
            *self.messages.entry(message).or_default() += count;
        }
    }
}

fn without_numbers(message: &str) -> String {
    let cut = message.find([':', '#']).filter(|at| message[at + 1..].starts_with(|c: char| c.is_ascii_hexdigit()));
    cut.map_or(message, |at| &message[..at]).to_owned()
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "blob {}:", self.number)?;
        let log = String::from_utf8_lossy(&self.kernel.log);
        let lines: Vec<_> = log.lines().rev().take(3).collect();
        writeln!(f, "  kernel     {}", self.kernel.errno)?;
        lines.iter().rev().try_for_each(|line| writeln!(f, "             {line}"))?;
        match &self.validator {
            Ok(()) => write!(f, "  validator  0"),
            Err(refusal) => {
                write!(f, "  validator  {}", refusal.errno.number())?;
                refusal.detail.lines().try_for_each(|line| write!(f, "\n             {line}"))
            }
        }
    }
}
