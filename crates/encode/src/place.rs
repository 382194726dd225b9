//! Which variables are emitted, and where they stand in their section.
//!
//! The kernel refuses a DATASEC with a variable of no size, or with two variables that overlap.

use crate::program::{DataSection, Program};
use crate::report::Skipped;
use btfkit_btf::MAX_VLEN;
use btfkit_btf::names::{is_identifier, is_section_name};
use btfkit_btf::unit::{NameRef, name_hash};
use btfkit_dwarf::Variable;

/// A variable that is emitted.
pub(crate) struct Placed<'a> {
    pub group: u32,
    pub variable: &'a Variable,
    pub name: &'a [u8],
    /// From the start of the section, and size, in bytes.
    pub offset: u32,
    pub size: u32,
}

/// A section and its variables, in the order of their offsets.
pub(crate) struct Section<'a> {
    pub name: &'a [u8],
    pub variables: Vec<Placed<'a>>,
}

/// A variable that the kernel would refuse; without `encode_force` that is an error.
pub(crate) struct Unfit {
    pub name: String,
    pub why: &'static str,
}

/// Prefixes of variables that tools and the build make; the reference's list.
const FILTERED: [&[u8]; 5] =
    [b"__UNIQUE_ID", b"__tpstrtab_", b"__exitcall_", b"__gendwarfksyms_ptr_", b"__func_stack_frame_non_standard_"];

/// The limit of the reference for names of variables.
const MAX_VARIABLE_NAME: usize = 128;

pub(crate) fn place<'a>(
    program: &Program<'a>,
    variables: impl Iterator<Item = (u32, &'a Variable)>,
    name_of: impl Fn(NameRef) -> &'a [u8],
    force: bool,
    skipped: &mut Vec<Skipped>,
) -> Result<Vec<Section<'a>>, Unfit> {
    let mut sections: Vec<(usize, Section<'a>)> = Vec::new();
    let mut skip = |name: &[u8], reason, detail| {
        let name = String::from_utf8_lossy(name).into_owned();
        skipped.push(Skipped { what: "variable", name, reason, detail });
    };
    for (group, variable) in variables {
        if variable.name.is_none() {
            continue;
        }
        let name = name_of(variable.name.at);
        let Some(home) = program.section_at(variable.address) else { continue };
        if filtered(name) && at_start_without_symbol(name, variable, home) {
            // Of a section that the linker has left out: address 0 is nobody's.
            continue;
        }
        match fit(name, variable, home) {
            Fit::Skipped("invalid-name" | "void-type", why) if !force => {
                return Err(Unfit { name: String::from_utf8_lossy(name).into_owned(), why });
            }
            Fit::Skipped(reason, detail) => skip(name, reason, detail),
            Fit::Taken { offset, size } => {
                let placed = Placed { group, variable, name, offset, size };
                match sections.iter_mut().find(|(index, _)| *index == home.index) {
                    Some((_, section)) => section.variables.push(placed),
                    None => sections.push((home.index, Section { name: home.name, variables: vec![placed] })),
                }
            }
        }
    }
    sections.sort_by_key(|(index, _)| *index);
    for (_, section) in &mut sections {
        // Stable: of two variables at one place the first in the order of units stays.
        section.variables.sort_by_key(|v| v.offset);
        let mut end = 0u64;
        let mut count = 0;
        section.variables.retain(|v| {
            if (v.offset as u64) < end {
                skip(v.name, "overlap", "another variable is described at this place already");
                return false;
            }
            if count == MAX_VLEN {
                skip(v.name, "too-many", "the section has more variables than BTF has room for");
                return false;
            }
            count += 1;
            end = v.offset as u64 + v.size as u64;
            true
        });
    }
    let mut sections: Vec<Section<'a>> = sections.into_iter().map(|(_, section)| section).collect();
    sections.retain(|section| {
        let good = is_section_name(section.name) && !section.variables.is_empty();
        if !good {
            section
                .variables
                .iter()
                .for_each(|v| skip(v.name, "section-name", "the kernel would not take the section's name"));
        }
        good
    });
    Ok(sections)
}

enum Fit {
    Taken { offset: u32, size: u32 },
    Skipped(&'static str, &'static str),
}

fn filtered(name: &[u8]) -> bool {
    FILTERED.iter().any(|prefix| name.starts_with(prefix))
}

fn at_start_without_symbol(name: &[u8], variable: &Variable, home: &DataSection<'_>) -> bool {
    variable.address == home.address && !home.first_objects.contains(&name_hash(name))
}

/// The checks of one variable, in the reference's order.
fn fit(name: &[u8], variable: &Variable, home: &DataSection<'_>) -> Fit {
    let offset = variable.address - home.address;
    if filtered(name) {
        return Fit::Skipped("filtered-name", "variables with names of this kind are made by macros");
    }
    if at_start_without_symbol(name, variable, home) {
        return Fit::Skipped("no-symbol", "no symbol confirms that it stands at the start of the section");
    }
    if !is_identifier(name) || name.len() > MAX_VARIABLE_NAME {
        return Fit::Skipped("invalid-name", "the kernel would not take the variable's name");
    }
    if variable.ty.is_none() {
        return Fit::Skipped("void-type", "the variable has no type");
    }
    match (u32::try_from(offset), u32::try_from(variable.size)) {
        (_, Ok(0)) => Fit::Skipped("zero-size", "the kernel would not take a variable of no size"),
        (Ok(offset), Ok(size)) if offset.checked_add(size).is_some() => Fit::Taken { offset, size },
        _ => Fit::Skipped("too-large", "BTF has 32 bits for offsets and sizes in a section"),
    }
}
