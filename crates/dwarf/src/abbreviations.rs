//! Abbreviation tables: from the code of an entry to its plan.
//!
//! A kernel's units have a table each, together millions of declarations, of which some thousand are distinct. Each of
//! these is turned into a plan once; a unit's table leads to plans that are there already.

use crate::codes::{Codes, Numbers};
use crate::common::Common;
use crate::declarations::{Declarations, Known};
use crate::error::Fault;
use crate::plan::{DW_AT_GNU_ANNOTATION, Encoding, Plan};
use crate::sections::Bytes;
use gimli::{DwForm, constants as dw};
use rustc_hash::FxHashMap;

/// The plans of one encoding and byte order.
#[derive(Debug)]
struct Plans {
    of: (Encoding, bool),
    plans: Vec<Plan>,
    short: Declarations,
    /// All of them, by the bytes of their declarations behind the code.
    all: FxHashMap<Box<[u8]>, u32>,
}

/// All plans that one thread has made, also of other files: a declaration means the same wherever it stands.
#[derive(Debug, Default)]
pub(crate) struct Abbreviations {
    plans: Vec<Plans>,
}

/// Declarations that are kept from one file to the next. All modules of a kernel together have some thousand.
const KEPT: usize = 1 << 15;

impl Abbreviations {
    /// Forgets all plans where they have become too many to be those of one compiler.
    pub fn bound(&mut self) {
        if self.plans.iter().map(|plans| plans.plans.len()).sum::<usize>() > KEPT {
            self.plans.clear();
        }
    }

    /// Reads the table at `offset` of `.debug_abbrev` into `numbers`, which are those of none.
    pub fn read(
        &mut self,
        abbrev: Bytes<'_>,
        offset: u64,
        encoding: Encoding,
        numbers: &mut Numbers,
    ) -> Result<(), Fault> {
        let of = (encoding, abbrev.big);
        numbers.plans = match self.plans.iter().position(|plans| plans.of == of) {
            Some(found) => found,
            None => {
                self.plans.push(Plans {
                    of,
                    plans: Vec::new(),
                    short: Declarations::default(),
                    all: FxHashMap::default(),
                });
                self.plans.len() - 1
            }
        };
        self.plans[numbers.plans].read(abbrev, offset, numbers).ok_or(Fault::AbbreviationTable(offset))
    }

    pub fn codes<'p>(&'p self, numbers: &'p Numbers) -> Codes<'p> {
        Codes { numbers, plans: self.plans.get(numbers.plans).map_or(&[], |plans| &plans.plans) }
    }
}

impl Plans {
    /// None where the table is cut off, or says what nobody understands.
    fn read(&mut self, abbrev: Bytes<'_>, offset: u64, numbers: &mut Numbers) -> Option<()> {
        let data = abbrev.data;
        let first = usize::try_from(offset).ok()?;
        let mut at = first;
        loop {
            // A last table may lack its final 0.
            if at == data.len() && at != first {
                return Some(());
            }
            let code = abbrev.uleb(&mut at).ok()?;
            if code == 0 {
                return Some(());
            }
            let window = data.get(at..)?.first_chunk();
            let length = match window.and_then(|window| self.short.find(window)) {
                Some((known, length)) => {
                    numbers.insert(code, known);
                    length
                }
                None => {
                    let (known, length) = self.look_up(abbrev, at)?;
                    numbers.insert(code, &known);
                    length
                }
            };
            numbers.length += length;
            at += length;
        }
    }

    /// The declaration whose code ends at `at`, and how many bytes it has behind that.
    #[cold]
    #[inline(never)]
    fn look_up(&mut self, abbrev: Bytes<'_>, at: usize) -> Option<(Known, usize)> {
        let declaration = abbrev.data.get(at..end_of(abbrev, at)?)?;
        let (plan, is_new) = match self.all.get(declaration) {
            Some(&plan) => (plan, false),
            None => {
                let plan = Plan::parse(Bytes::new(declaration, abbrev.big), self.of.0)?;
                let number = u32::try_from(self.plans.len()).ok()?;
                self.plans.push(plan);
                self.all.insert(declaration.into(), number);
                (number, true)
            }
        };
        let Plan { common, member, .. } = &self.plans[plan as usize];
        let (common, member) = (common.unwrap_or(Common::NONE), member.unwrap_or_default());
        let known = Known { common, member, plan };
        if is_new {
            self.short.insert(declaration, known);
        }
        Some((known, declaration.len()))
    }
}

/// May any table have an attribute that is followed, in a form that leads out of a unit? Both are one byte each, side by
/// side, and in what compilers write unit by unit there is no such pair; each table of such a file need not be looked at.
pub(crate) fn may_refer_out(abbrev: &[u8]) -> bool {
    let followed =
        [dw::DW_AT_type, dw::DW_AT_abstract_origin, dw::DW_AT_specification, dw::DW_AT_signature, DW_AT_GNU_ANNOTATION];
    // The last byte of those that have more is the upper part.
    let last = followed.map(|at| if at.0 < 0x80 { at.0 as u8 } else { (at.0 >> 7) as u8 });
    let (info, signature) = (dw::DW_FORM_ref_addr.0 as u8, dw::DW_FORM_ref_sig8.0 as u8);
    memchr::memchr2_iter(info, signature, abbrev).any(|at| at > 0 && last.contains(&abbrev[at - 1]))
}

/// Where the declaration ends whose code ends at `at`; None where it is cut off.
fn end_of(abbrev: Bytes<'_>, mut at: usize) -> Option<usize> {
    abbrev.uleb(&mut at).ok()?;
    at += 1;
    loop {
        // Nearly all names and forms take one byte.
        let (name, form) = match abbrev.data.get(at..at + 2)? {
            &[name, form] if (name | form) < 0x80 => {
                at += 2;
                (name as u64, form as u64)
            }
            _ => (abbrev.uleb(&mut at).ok()?, abbrev.uleb(&mut at).ok()?),
        };
        if name == 0 && form == 0 {
            return Some(at);
        }
        if DwForm(form as u16) == dw::DW_FORM_implicit_const {
            abbrev.skip_leb(&mut at).ok()?;
        }
    }
}

#[cfg(test)]
mod tests;
