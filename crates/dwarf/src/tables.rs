//! The abbreviation tables of a file: each is read once where it can be, and all of them together have a bound.
//!
//! Compilers give each unit a table of its own, and linkers put tables behind each other; some let all units share one.
//! What is not written like that must not cost more than the file's size allows: a large table that thousands of units
//! share is kept, and tables that begin inside of one another, which together could be as long as the square of the
//! section's length, are refused.

use crate::abbreviations::{Abbreviations, Table};
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
    own: FxHashMap<(u64, Encoding), Rc<Table>>,
    /// These stay, as units yet to come have them as well.
    shared: FxHashMap<(u64, Encoding), Rc<Table>>,
}

impl ReadTables {
    /// Forgets what no other unit has.
    pub fn next_group(&mut self) {
        self.own.clear();
    }

    pub fn table_of(
        &mut self,
        unit: &Unit,
        tables: &Tables,
        abbrev: Bytes<'_>,
        plans: &mut Abbreviations,
    ) -> Result<Rc<Table>, Fault> {
        let key = (unit.abbrev, unit.encoding);
        let read = if tables.is_shared(unit.abbrev) { &mut self.shared } else { &mut self.own };
        if let Some(known) = read.get(&key) {
            return Ok(Rc::clone(known));
        }
        tables.check(abbrev)?;
        let table = Rc::new(plans.table(abbrev, unit.abbrev, unit.encoding)?);
        tables.count(unit.abbrev, table.length);
        tables.check(abbrev)?;
        read.insert(key, Rc::clone(&table));
        Ok(table)
    }
}
