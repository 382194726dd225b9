//! Random C programs of several units, as BTF before deduplication: each unit brings all the types that it uses.
//!
//! All units draw on one stock of declarations: structs and unions, typedefs and enums, each with one to
//! three definitions, as when two files have a private struct of the same name. A unit may know only `struct s;`. Types are
//! C-like: by value only what is complete and cannot contain the whole, behind pointers anything.

mod choices;
mod stock;
mod unit;

use btfkit_btf::{Btf, Endian, Type, Writer};
use choices::Choices;
use proptest::prelude::*;
use std::ops::Range;
use std::sync::Arc;
use stock::Stock;
use unit::Units;

/// A stock of declarations and what units make of it.
#[derive(Clone, Debug)]
pub struct Program {
    stock: Stock,
    choices: Choices,
}

/// Programs; a shorter and smaller row of choices is a simpler program.
pub fn programs() -> impl Strategy<Value = Program> {
    prop::collection::vec(any::<u8>(), 10..700).prop_map(|bytes| {
        let mut choices = Choices::new(bytes);
        let stock = Stock::draw(&mut choices);
        Program { stock, choices }
    })
}

impl Program {
    /// So many units, one after the other, then their functions.
    pub fn whole(&self, units: usize, endian: Endian) -> Btf {
        Btf::parse(self.write(units, 0, Writer::new(endian))).unwrap()
    }

    /// More units on top of a base, after the first `skipped` of the program.
    pub fn on_base(&self, units: usize, skipped: usize, base: &Arc<Btf>) -> Btf {
        Btf::parse_split(self.write(units, skipped, Writer::split(base)), Arc::clone(base)).unwrap()
    }

    /// The units without functions, and each one's ids.
    pub fn in_units(&self, units: usize, endian: Endian) -> (Btf, Vec<Range<u32>>) {
        let (blob, ranges) = self.write_units(units, 0, Writer::new(endian));
        (Btf::parse(blob).unwrap(), ranges)
    }

    /// The same on top of a base, after the first `skipped` of the program. No unit refers to the base.
    pub fn in_units_on(&self, units: usize, skipped: usize, base: &Arc<Btf>) -> (Btf, Vec<Range<u32>>) {
        let (blob, ranges) = self.write_units(units, skipped, Writer::split(base));
        (Btf::parse_split(blob, Arc::clone(base)).unwrap(), ranges)
    }

    fn write_units(&self, units: usize, skipped: usize, mut writer: Writer) -> (Vec<u8>, Vec<Range<u32>>) {
        let first = writer.next_id().0;
        let mut choices = self.choices.clone();
        let made = self.units(units, skipped, &mut choices, &mut writer);
        let (types, ends) = made.finish();
        let starts = std::iter::once(first).chain(ends.iter().copied());
        let ranges = starts.zip(ends.iter().copied()).map(|(start, end)| start..end).collect();
        (finish(writer, types), ranges)
    }

    fn units<'p>(
        &'p self,
        count: usize,
        skipped: usize,
        choices: &'p mut Choices,
        writer: &'p mut Writer,
    ) -> Units<'p> {
        for _ in 0..skipped {
            Units::new(&self.stock, choices, &mut Writer::new(Endian::Little)).unit();
        }
        let mut made = Units::new(&self.stock, choices, writer);
        (0..count).for_each(|_| made.unit());
        made
    }

    fn write(&self, count: usize, skipped: usize, mut writer: Writer) -> Vec<u8> {
        let mut choices = self.choices.clone();
        let mut made = self.units(count, skipped, &mut choices, &mut writer);
        made.functions();
        let (types, _) = made.finish();
        finish(writer, types)
    }
}

fn finish(mut writer: Writer, types: Vec<Type>) -> Vec<u8> {
    for ty in types {
        writer.push(&ty).unwrap();
    }
    writer.finish(false)
}
