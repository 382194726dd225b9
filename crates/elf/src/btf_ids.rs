//! The kernel functions that `.BTF_ids` lists.
//!
//! The section is made of 32-bit words in the file's byte order. Kernel code marks a function as callable from BPF by
//! putting it into a set: a symbol `__BTF_ID__set8__SET` covers the number of entries, the flags of the set, and for
//! each function a pair of words, the id (filled in after BTF was made) and its flags. At each pair is a symbol
//! `__BTF_ID__func__FUNCTION__NUMBER`, which is where the function's name is:
//!
//! ```text
//! byte  0   2          __BTF_ID__set8__my_kfuncs (24 bytes)
//!       4   1          flags: a set of kfuncs
//!       8   0, 5       __BTF_ID__func__bpf_one__17
//!      16   0, 0       __BTF_ID__func__bpf_two__18
//! ```
//!
//! Other sets list functions too, so a function counts only where its pair lies in a set that is flagged as a set of
//! kfuncs. The section and what symbols mean by it are described in the kernel's `include/linux/btf_ids.h`.

use crate::{ElfError, Endian, Image, Symbol};
use memchr::memrchr;

/// In the flags of a set: its functions are kfuncs (BTF_SET8_KFUNCS).
const SET_OF_KFUNCS: u32 = 1;

const SET_PREFIX: &[u8] = b"__BTF_ID__set8__";
const FUNCTION_PREFIX: &[u8] = b"__BTF_ID__func__";

/// A function that BPF programs may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kfunc {
    pub name: Vec<u8>,
    /// KF_* flags.
    pub flags: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kfuncs {
    /// In the order of the symbol table. A function may occur more than once; the last one counts.
    pub functions: Vec<Kfunc>,
    pub skipped: Vec<SkippedId>,
}

/// A symbol of `.BTF_ids` that could not be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedId {
    pub symbol: String,
    pub reason: &'static str,
}

/// The functions of those `.BTF_ids` sets that are flagged as sets of kfuncs. Empty where the file has no such section
/// or no symbols.
pub fn kfuncs(image: &Image<'_>) -> Result<Kfuncs, ElfError> {
    let mut result = Kfuncs::default();
    let Some(section) = image.section_by_name(b".BTF_ids") else { return Ok(result) };
    let Some(symbols) = image.symbols()? else { return Ok(result) };
    let bytes = image.data(section)?;
    let words = Words { bytes: &bytes, base: section.address, endian: image.endian() };

    let mut sets = Vec::new();
    let mut functions = Vec::new();
    for symbol in symbols.of_section(section.index) {
        let name = symbol.name();
        if name.starts_with(SET_PREFIX) {
            if words.second_at(&symbol)? & SET_OF_KFUNCS != 0 {
                sets.push((symbol.value, symbol.value.saturating_add(symbol.size)));
            }
        } else if let Some(rest) = name.strip_prefix(FUNCTION_PREFIX) {
            functions.push((symbol, rest));
        }
    }

    let sets = joined(sets);
    for (symbol, rest) in functions {
        let after = sets.partition_point(|&(start, _)| start <= symbol.value);
        if after == 0 || symbol.value >= sets[after - 1].1 {
            continue;
        }
        match function_name(rest) {
            Some(name) => result.functions.push(Kfunc { name: name.to_vec(), flags: words.second_at(&symbol)? }),
            None => result.skipped.push(SkippedId {
                symbol: String::from_utf8_lossy(symbol.name()).into_owned(),
                reason: "the name does not end in two underscores and a number",
            }),
        }
    }
    Ok(result)
}

/// `bpf_one__17` is `bpf_one`.
fn function_name(rest: &[u8]) -> Option<&[u8]> {
    let last = memrchr(b'_', rest)?;
    rest[..last].strip_suffix(b"_")
}

/// Ranges sorted, and those that overlap made one.
fn joined(mut ranges: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    ranges.sort_unstable();
    ranges.dedup_by(|next, kept| {
        let overlap = next.0 <= kept.1;
        if overlap {
            kept.1 = kept.1.max(next.1);
        }
        overlap
    });
    ranges
}

struct Words<'a> {
    bytes: &'a [u8],
    base: u64,
    endian: Endian,
}

impl Words<'_> {
    /// The second of the two words at a symbol: the flags of a set, or of a function in a set.
    fn second_at(&self, symbol: &Symbol<'_>) -> Result<u32, ElfError> {
        let start = symbol.value.wrapping_sub(self.base);
        let word = usize::try_from(start).ok().and_then(|start| self.bytes.get(start..)?.get(4..)?.first_chunk::<4>());
        let word = word.ok_or_else(|| ElfError::BtfIds {
            symbol: String::from_utf8_lossy(symbol.name()).into_owned(),
            needed: start.saturating_add(8),
            size: self.bytes.len() as u64,
        })?;
        Ok(match self.endian {
            Endian::Little => u32::from_le_bytes(*word),
            Endian::Big => u32::from_be_bytes(*word),
        })
    }
}
