//! Abbreviation tables: from the code of an entry to its plan.
//!
//! A kernel's units have a table each, together millions of declarations, of which some thousand are distinct. Each of
//! these is turned into a plan once; a unit's table leads to plans that are there already.

use crate::common::{Common, NARROW};
use crate::common_members::{FORMS, MemberForm};
use crate::error::Fault;
use crate::plan::{DW_AT_GNU_ANNOTATION, Encoding, Plan};
use crate::sections::Bytes;
use gimli::{DwForm, constants as dw};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// The plans of one table, by code.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// By code, as compilers number from 1 without gaps. What comes after a gap does not belong here: a table of few bytes
    /// would be large.
    dense: Vec<Option<Arc<Plan>>>,
    sparse: FxHashMap<u64, Arc<Plan>>,
    /// What entries of common layouts are read by; those of codes of one byte are all there.
    pub common: Vec<Common>,
    /// The same for members, by codes of one byte.
    pub members: Vec<MemberForm>,
    /// Bytes of its declarations.
    pub length: usize,
}

impl Table {
    #[inline(always)]
    pub fn get(&self, code: u64) -> Option<&Plan> {
        match self.dense.get(code as usize) {
            Some(plan) => plan.as_deref(),
            None => self.sparse.get(&code).map(|plan| &**plan),
        }
    }

    /// Does a code have references that may lead out of the unit?
    pub fn leads_out(&self) -> bool {
        self.dense.iter().flatten().chain(self.sparse.values()).any(|plan| plan.links.is_some())
    }

    /// By the first byte of a code: how far it is to the next entry. 0 where more has to be looked at: the code, the
    /// entry's length, or a reference that leads out of the unit.
    pub fn leaps(&self) -> [u16; 256] {
        let mut leaps = [0; 256];
        // A null entry has nothing but its code.
        leaps[0] = 1;
        for (leap, plan) in leaps[1..0x80].iter_mut().zip(self.dense.iter().skip(1)) {
            let length = plan.as_ref().filter(|plan| plan.links.is_none()).and_then(|plan| plan.length);
            *leap = length.and_then(|length| length.checked_add(1)).unwrap_or(0);
        }
        leaps
    }

    fn insert(&mut self, code: u64, plan: Arc<Plan>) {
        if self.dense.is_empty() {
            self.dense.push(None);
        }
        let index = self.dense.len();
        // Of several with one code the first counts.
        if code == index as u64 && !self.sparse.contains_key(&code) {
            if let Some(common) = plan.common {
                if self.common.len() <= index {
                    self.common.resize(index + 1, Common::NONE);
                }
                self.common[index] = common;
            }
            if let Some(form) = plan.member.filter(|_| index < NARROW) {
                self.members[index] = form;
            }
            self.dense.push(Some(plan));
        } else if code > index as u64 {
            self.sparse.entry(code).or_insert(plan);
        }
    }
}

/// Plans by the bytes of their declarations behind the code.
type Declarations = FxHashMap<Box<[u8]>, Arc<Plan>>;

/// All plans that one thread has made, also of other files: a declaration means the same wherever it stands.
#[derive(Debug, Default)]
pub(crate) struct Abbreviations {
    plans: Vec<(Encoding, Declarations)>,
}

/// Declarations that are kept from one file to the next. All modules of a kernel together have some thousand.
const KEPT: usize = 1 << 15;

impl Abbreviations {
    /// Forgets all plans where they have become too many to be those of one compiler.
    pub fn bound(&mut self) {
        if self.plans.iter().map(|(_, declarations)| declarations.len()).sum::<usize>() > KEPT {
            self.plans.clear();
        }
    }

    /// Reads the table at `offset` of `.debug_abbrev`.
    pub fn table(&mut self, abbrev: Bytes<'_>, offset: u64, encoding: Encoding) -> Result<Table, Fault> {
        let known = match self.plans.iter().position(|(of, _)| *of == encoding) {
            Some(found) => found,
            None => {
                self.plans.push((encoding, Declarations::default()));
                self.plans.len() - 1
            }
        };
        let plans = &mut self.plans[known].1;
        let mut table = Table {
            common: vec![Common::NONE; NARROW],
            members: vec![MemberForm::default(); FORMS],
            ..Table::default()
        };
        let complete = each(abbrev, offset, |declaration| {
            let plan = match plans.get(declaration.bytes) {
                Some(plan) => Arc::clone(plan),
                None => {
                    let plan = Arc::new(Plan::parse(Bytes::new(declaration.bytes, abbrev.big), encoding)?);
                    plans.insert(declaration.bytes.into(), Arc::clone(&plan));
                    plan
                }
            };
            table.length += declaration.bytes.len();
            table.insert(declaration.code, plan);
            Some(())
        });
        complete.map(|()| table).ok_or(Fault::AbbreviationTable(offset))
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

struct Declaration<'a> {
    code: u64,
    /// What follows the code.
    bytes: &'a [u8],
}

/// Calls back for each declaration of a table; None where it is cut off, or the callback says so.
fn each<'a>(abbrev: Bytes<'a>, offset: u64, mut found: impl FnMut(Declaration<'a>) -> Option<()>) -> Option<()> {
    let data = abbrev.data;
    let mut at = usize::try_from(offset).ok()?;
    let first = at;
    loop {
        // A last table may lack its final 0.
        if at == data.len() && at != first {
            return Some(());
        }
        let code = abbrev.uleb(&mut at).ok()?;
        if code == 0 {
            return Some(());
        }
        let start = at;
        abbrev.uleb(&mut at).ok()?;
        at += 1;
        loop {
            // Nearly all names and forms take one byte.
            let (name, form) = match data.get(at..at + 2)? {
                &[name, form] if (name | form) < 0x80 => {
                    at += 2;
                    (name as u64, form as u64)
                }
                _ => (abbrev.uleb(&mut at).ok()?, abbrev.uleb(&mut at).ok()?),
            };
            if name == 0 && form == 0 {
                break;
            }
            if DwForm(form as u16) == dw::DW_FORM_implicit_const {
                abbrev.skip_leb(&mut at).ok()?;
            }
        }
        found(Declaration { code, bytes: data.get(start..at)? })?;
    }
}
