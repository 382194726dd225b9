//! From a file to what lowering reads: sections, with relocations where values are not in place yet.

use btfkit_dwarf::{Placed, Plain, RawRelocation, Relocate, RelocationSource, Section, Sections};
use btfkit_elf::{DebugSection, DebugSections, Relocations};

/// Relocations of the ELF crate, as the DWARF crate asks for them.
pub(crate) struct Source<'s, 'data>(&'s Relocations<'data>);

struct Cursor<'s, 'data>(btfkit_elf::RelocationCursor<'s, 'data>);

impl RelocationSource for Source<'_, '_> {
    fn cursor(&self) -> Box<dyn Relocate + '_> {
        Box::new(Cursor(self.0.cursor()))
    }

    fn entries(&self) -> &[RawRelocation] {
        self.0.sorted_entries()
    }
}

impl Relocate for Cursor<'_, '_> {
    fn value(&mut self, offset: u64, size: u8, raw: u64) -> Result<u64, String> {
        match self.0.lookup(offset) {
            None => Ok(raw),
            // What is only known at load time is nothing that the encoder asks for.
            Some(relocation) => {
                relocation.apply(raw, size).map(|value| value.unwrap_or(raw)).map_err(|e| e.to_string())
            }
        }
    }

    fn ahead(&mut self, from: u64, into: &mut [Placed]) -> usize {
        let mut count = 0;
        self.0.each_from(from, into.len(), |offset, plain| {
            into[count] = match plain {
                Some(plain) => Placed { offset, value: plain.value, size: plain.size, in_place: plain.in_place },
                None => Placed { offset, ..Placed::default() },
            };
            count += 1;
        });
        count
    }

    fn plain(&mut self, information: u64) -> Option<Plain> {
        self.0.plain(information).map(|plain| Plain { value: plain.value, size: plain.size })
    }
}

/// The relocation sources of a file's debug sections; [`sections`] borrows them.
pub(crate) struct Sources<'s, 'data> {
    all: [Option<Source<'s, 'data>>; 9],
    debug: &'s DebugSections<'data>,
}

impl<'s, 'data> Sources<'s, 'data> {
    pub fn of(debug: &'s DebugSections<'data>) -> Sources<'s, 'data> {
        let source = |section: &'s DebugSection<'data>| {
            (!section.relocations.is_empty()).then_some(Source(&section.relocations))
        };
        let all = [
            source(&debug.info),
            source(&debug.types),
            source(&debug.abbrev),
            source(&debug.str),
            source(&debug.line_str),
            source(&debug.str_offsets),
            source(&debug.addr),
            source(&debug.loc),
            source(&debug.loclists),
        ];
        Sources { all, debug }
    }

    pub fn sections(&'s self, big_endian: bool) -> Sections<'s> {
        let section = |at: usize, section: &'s DebugSection<'data>| Section {
            data: &section.data,
            relocations: self.all[at].as_ref().map(|source| source as &dyn RelocationSource),
        };
        Sections {
            big_endian,
            info: section(0, &self.debug.info),
            types: section(1, &self.debug.types),
            abbrev: section(2, &self.debug.abbrev),
            str: section(3, &self.debug.str),
            line_str: section(4, &self.debug.line_str),
            str_offsets: section(5, &self.debug.str_offsets),
            addr: section(6, &self.debug.addr),
            loc: section(7, &self.debug.loc),
            loclists: section(8, &self.debug.loclists),
        }
    }
}
