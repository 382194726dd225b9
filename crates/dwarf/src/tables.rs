//! The abbreviation tables of a file: each is read once where it can be, and all of them together have a bound.
//!
//! Compilers give each unit a table of its own, and linkers put tables behind each other; some let all units share one.
//! What is not written like that must not cost more than the file's size allows: a large table that thousands of units
//! share is kept, and tables that begin inside of one another, which together could be as long as the square of the
//! section's length, are refused.

use crate::abbreviations::Abbreviations;
use crate::codes::Numbers;
use crate::error::Fault;
use crate::plan::Encoding;
use crate::sections::Bytes;
use crate::unit::Unit;
use rustc_hash::FxHashMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// How many times as long as `.debug_abbrev` the tables of all units may be together.
const MOST: u64 = 16;

/// Which tables units have, by offset.
#[derive(Default)]
pub(crate) struct Tables {
    uses: FxHashMap<u64, Use>,
    /// Bytes of those that were read at least once: the same in the end, whoever reads them in whatever order.
    read: AtomicU64,
}

#[derive(Default)]
struct Use {
    /// Several units have it.
    shared: bool,
    counted: AtomicBool,
}

impl Tables {
    pub fn of(units: &[Unit]) -> Tables {
        let mut uses = FxHashMap::<u64, Use>::default();
        for unit in units {
            uses.entry(unit.abbrev).and_modify(|table| table.shared = true).or_default();
        }
        Tables { uses, read: AtomicU64::new(0) }
    }

    fn is_shared(&self, offset: u64) -> bool {
        self.uses.get(&offset).is_some_and(|table| table.shared)
    }

    fn count(&self, offset: u64, length: usize) {
        if self.uses.get(&offset).is_some_and(|table| !table.counted.swap(true, Relaxed)) {
            self.read.fetch_add(length as u64, Relaxed);
        }
    }

    fn check(&self, abbrev: Bytes<'_>) -> Result<(), Fault> {
        let are_too_long = self.read.load(Relaxed) > MOST * abbrev.data.len() as u64;
        if are_too_long { Err(Fault::AbbreviationTables) } else { Ok(()) }
    }
}

/// The tables that a thread has read.
#[derive(Default)]
pub(crate) struct ReadTables {
    /// Of the units that are read now.
    own: FxHashMap<(u64, Encoding), Rc<Numbers>>,
    /// These stay, as units yet to come have them as well.
    shared: FxHashMap<(u64, Encoding), Rc<Numbers>>,
    /// What was asked for last: members are read again one struct after the other.
    last: Option<((u64, Encoding), Rc<Numbers>)>,
    /// One that is done with: nearly all groups are one unit.
    spare: Option<Numbers>,
}

impl ReadTables {
    /// Forgets what no other unit has.
    pub fn next_group(&mut self) {
        self.last = None;
        let one = self.own.drain().next();
        self.spare = one.and_then(|(_, numbers)| Rc::into_inner(numbers)).or(self.spare.take());
    }

    #[inline]
    pub fn numbers_of(
        &mut self,
        unit: &Unit,
        tables: &Tables,
        abbrev: Bytes<'_>,
        plans: &mut Abbreviations,
    ) -> Result<Rc<Numbers>, Fault> {
        let key = (unit.abbrev, unit.encoding);
        if let Some((_, last)) = self.last.as_ref().filter(|(of, _)| *of == key) {
            return Ok(Rc::clone(last));
        }
        let numbers = self.read(key, tables, abbrev, plans)?;
        self.last = Some((key, Rc::clone(&numbers)));
        Ok(numbers)
    }

    #[inline(never)]
    fn read(
        &mut self,
        key: (u64, Encoding),
        tables: &Tables,
        abbrev: Bytes<'_>,
        plans: &mut Abbreviations,
    ) -> Result<Rc<Numbers>, Fault> {
        let (offset, encoding) = key;
        let read = if tables.is_shared(offset) { &mut self.shared } else { &mut self.own };
        if let Some(known) = read.get(&key) {
            return Ok(Rc::clone(known));
        }
        tables.check(abbrev)?;
        let mut numbers = self.spare.take().unwrap_or_default();
        numbers.clear();
        plans.read(abbrev, offset, encoding, &mut numbers)?;
        tables.count(offset, numbers.length);
        tables.check(abbrev)?;
        let numbers = Rc::new(numbers);
        read.insert(key, Rc::clone(&numbers));
        Ok(numbers)
    }
}
