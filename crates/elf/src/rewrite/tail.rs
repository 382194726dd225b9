//! Where the tail begins: behind the file, or where an earlier run has put one.
//!
//! An earlier tail is told by what it is, not by a mark: sections that are about to be replaced or removed, one of them at
//! least, then names and table, up to the end of the file and with nothing between but padding, and nothing of the file
//! that stays is in it.

use super::{ALIGNMENT, names_of_their_own};
use crate::Image;
use crate::constants::SHT_NOBITS;
use std::ops::Range;

/// No section asks for more than a page, and more than that between two pieces is somebody's zeros.
const LARGEST_ALIGNMENT: u64 = 4096;

/// How much of the file stays.
pub(super) fn start(image: &Image<'_>, gives_way: &[usize]) -> u64 {
    let size = image.file().len() as u64;
    let Some(stays) = end_of_what_stays(image, gives_way) else { return size };
    let mut pieces: Vec<(Range<u64>, u64, bool)> = vec![(image.table_range(), ALIGNMENT, false)];
    pieces.extend(names_of_their_own(image).and_then(|index| Some((range(image, index)?, ALIGNMENT, false))));
    pieces.extend(gives_way.iter().filter_map(|&index| {
        let alignment = image.sections()[index].alignment.clamp(ALIGNMENT, LARGEST_ALIGNMENT);
        Some((range(image, index)?, alignment, true))
    }));
    pieces.sort_by_key(|(range, ..)| std::cmp::Reverse((range.end, range.start)));

    let (mut start, mut room, mut was_ours) = (size, ALIGNMENT, false);
    for (range, alignment, is_ours) in pieces {
        let is_next = range.start >= stays && range.end <= start && start - range.end < room;
        if !is_next || image.file()[range.end as usize..start as usize].iter().any(|&byte| byte != 0) {
            break;
        }
        (start, room) = (range.start, alignment);
        was_ours |= is_ours;
    }
    if was_ours { start } else { size }
}

/// Bytes up to the next multiple of the alignment.
pub(super) fn padding(offset: u64, alignment: u64) -> u64 {
    offset.next_multiple_of(alignment) - offset
}

/// None where the headers do not tell.
fn end_of_what_stays(image: &Image<'_>, gives_way: &[usize]) -> Option<u64> {
    let mut goes = vec![false; image.sections().len()];
    for &index in gives_way.iter().chain(&names_of_their_own(image)) {
        goes[index] = true;
    }
    let stays = image.sections().iter().skip(1).filter(|section| !goes[section.index]);
    let sections = stays.filter(|section| section.sh_type != SHT_NOBITS.0);
    let sections = sections.map(|section| section.offset.saturating_add(section.size)).max().unwrap_or(0);
    Some(sections.max(image.end_of_segments()?))
}

/// None where the file has no such bytes.
fn range(image: &Image<'_>, index: usize) -> Option<Range<u64>> {
    let section = &image.sections()[index];
    let size = image.file_bytes(section).ok()?.len() as u64;
    Some(section.offset..section.offset.checked_add(size)?)
}
