//! What the codes of one abbreviation table stand for.
//!
//! Nearly every unit has a table of its own, which leads to plans that others have led to before. So a table is mere
//! numbers, which take the places of another one's, and no plan is touched before an entry asks for it.

use crate::common::{Common, NARROW};
use crate::common_members::{FORMS, MemberForm};
use crate::declarations::Known;
use crate::plan::Plan;
use rustc_hash::FxHashMap;

/// The numbers of plans by code.
#[derive(Debug)]
pub(crate) struct Numbers {
    /// By code, as compilers number from 1 without gaps. What comes after a gap does not belong here: a table of few bytes
    /// would be large.
    dense: Vec<u32>,
    sparse: FxHashMap<u64, u32>,
    common: Vec<Common>,
    members: Vec<MemberForm>,
    /// Bytes of its declarations.
    pub length: usize,
    /// Which of all plans: those of the table's encoding.
    pub plans: usize,
}

/// No plan has this number.
const NO_PLAN: u32 = u32::MAX;

impl Default for Numbers {
    fn default() -> Numbers {
        Numbers {
            dense: vec![NO_PLAN],
            sparse: FxHashMap::default(),
            common: vec![Common::NONE; NARROW],
            members: vec![MemberForm::default(); FORMS],
            length: 0,
            plans: 0,
        }
    }
}

impl Numbers {
    /// Leaves its room to another table.
    pub fn clear(&mut self) {
        let narrow = self.dense.len().min(NARROW);
        self.common.truncate(NARROW);
        self.common[..narrow].fill(Common::NONE);
        self.members[..narrow].fill(MemberForm::default());
        self.dense.truncate(1);
        // To empty a large one takes as long as it is large, however little is in it.
        if !self.sparse.is_empty() {
            self.sparse = FxHashMap::default();
        }
        (self.length, self.plans) = (0, 0);
    }

    #[inline(always)]
    pub fn insert(&mut self, code: u64, known: &Known) {
        let index = self.dense.len();
        // Of several with one code the first counts.
        if code == index as u64 && (self.sparse.is_empty() || !self.sparse.contains_key(&code)) {
            if index < NARROW {
                self.common[index] = known.common;
                self.members[index] = known.member;
            } else {
                self.common.push(known.common);
            }
            self.dense.push(known.plan);
        } else if code > index as u64 {
            self.sparse.entry(code).or_insert(known.plan);
        }
    }
}

/// A table's codes, with the plans that they stand for.
#[derive(Clone, Copy)]
pub(crate) struct Codes<'p> {
    pub numbers: &'p Numbers,
    pub plans: &'p [Plan],
}

impl<'p> Codes<'p> {
    #[inline(always)]
    pub fn get(&self, code: u64) -> Option<&'p Plan> {
        let number = match self.numbers.dense.get(code as usize) {
            Some(number) => number,
            None => self.numbers.sparse.get(&code)?,
        };
        self.plans.get(*number as usize)
    }

    #[cold]
    #[inline(never)]
    fn get_rarely(&self, code: u64) -> Option<&'p Plan> {
        self.get(code)
    }

    /// Does a code have references that may lead out of the unit?
    pub fn lead_out(&self) -> bool {
        let Numbers { dense, sparse, .. } = self.numbers;
        let mut plans = dense.iter().chain(sparse.values()).filter_map(|&number| self.plans.get(number as usize));
        plans.any(|plan| plan.links.is_some())
    }

    /// By the first byte of a code: how far it is to the next entry. 0 where more has to be looked at: the code, the
    /// entry's length, or a reference that leads out of the unit.
    pub fn leaps(&self) -> [u16; 256] {
        let mut leaps = [0; 256];
        // A null entry has nothing but its code.
        leaps[0] = 1;
        for (leap, &number) in leaps[1..0x80].iter_mut().zip(self.numbers.dense.iter().skip(1)) {
            let plan = self.plans.get(number as usize).filter(|plan| plan.links.is_none());
            *leap = plan.and_then(|plan| plan.length).and_then(|length| length.checked_add(1)).unwrap_or(0);
        }
        leaps
    }
}

/// The same for a walk of the whole unit: one step less to a plan.
pub(crate) struct Table<'p> {
    dense: Vec<Option<&'p Plan>>,
    codes: Codes<'p>,
    /// What entries of common layouts are read by; those of codes of one byte are all there.
    pub common: &'p [Common],
    /// The same for members, by codes of one byte.
    pub members: &'p [MemberForm],
}

impl<'p> Table<'p> {
    /// For a unit of so many bytes: many small ones may share a large table.
    pub fn new(codes: Codes<'p>, bytes: usize) -> Table<'p> {
        let Numbers { dense, common, members, .. } = codes.numbers;
        let dense = dense.iter().take(bytes / 8).map(|&number| codes.plans.get(number as usize)).collect();
        Table { dense, codes, common, members }
    }

    #[inline(always)]
    pub fn get(&self, code: u64) -> Option<&'p Plan> {
        match self.dense.get(code as usize) {
            Some(plan) => *plan,
            None => self.codes.get_rarely(code),
        }
    }
}
