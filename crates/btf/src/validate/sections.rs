//! Passes A and B: the header, the sections and the strings.

use super::blob::{InfoBits, OwnIdentifiers};
use super::{Blob, Context, Errno, Refusal, Release, Rules};
use crate::header::{LAYOUT_HEADER, MAGIC, VERSION};
use crate::{Btf, Endian, MAX_STRING_OFFSET};

/// The largest blob that a program may load.
const MAX_LOAD: usize = 16 << 20;

#[derive(Clone, Copy)]
struct Section {
    offset: u32,
    len: u32,
}

/// The header as the kernel copies it: what the blob's own length leaves out is zero.
struct Header {
    raw: [u8; LAYOUT_HEADER],
    endian: Endian,
}

impl Header {
    fn word(&self, at: usize) -> u32 {
        self.endian.u32(&self.raw, at)
    }

    fn len(&self) -> u32 {
        self.word(4)
    }

    fn section(&self, at: usize) -> Section {
        Section { offset: self.word(at), len: self.word(at + 4) }
    }
}

pub(super) fn open<'a>(rules: &Rules, bytes: &'a [u8], base: Option<&'a Btf>) -> Result<Blob<'a>, Refusal> {
    if rules.context == Context::Load && bytes.len() > MAX_LOAD {
        return Err(Refusal::plain(Errno::E2BIG, ""));
    }
    let header = header(rules, bytes, base.is_some())?;
    let body = header.len() as usize;
    let strings = header.section(16);
    // The sections were found to tile the blob, so these sums neither overflow nor pass its end.
    let start = body + strings.offset as usize;
    let end = start + strings.len as usize;
    let may_follow = rules.release >= Release::V7_1 && body >= LAYOUT_HEADER;
    if end != bytes.len() && !may_follow {
        return Err(Refusal::plain(Errno::EINVAL, "String section is not at the end"));
    }
    let strings = &bytes[start..end];
    let split = base.is_some();
    let too_long = strings.len() > MAX_STRING_OFFSET as usize + 1;
    let good = !strings.is_empty() && !too_long && strings.last() == Some(&0) && (split || strings[0] == 0);
    if !(good || split && strings.is_empty()) {
        return Err(Refusal::plain(Errno::EINVAL, "Invalid string section"));
    }
    if rules.release >= Release::V7_1 && body >= LAYOUT_HEADER {
        layout(header.section(24), bytes.len() - body)?;
    }
    let types = header.section(8);
    if rules.context == Context::Load {
        if !types.offset.is_multiple_of(4) {
            return Err(Refusal::plain(Errno::EINVAL, "Unaligned type_off"));
        }
        if !split && types.len == 0 {
            return Err(Refusal::plain(Errno::EINVAL, "No type found"));
        }
    }
    let start = body + types.offset as usize;
    let types = start..start + types.len as usize;
    Ok(Blob {
        bytes,
        endian: header.endian,
        release: rules.release,
        bits: InfoBits::of(rules.release),
        base,
        start_id: base.map_or(1, |base| base.end_id().0),
        start_string: base.map_or(0, Btf::end_string),
        types,
        strings,
        records: Vec::new(),
        is_complete: false,
        identifiers: OwnIdentifiers::of(rules.release, strings),
    })
}

fn header(rules: &Rules, bytes: &[u8], split: bool) -> Result<Header, Refusal> {
    let refuse = |errno, message: &str| Err(Refusal::plain(errno, message));
    if bytes.len() < 8 {
        return refuse(Errno::EINVAL, "hdr_len not found");
    }
    let endian = rules.endian.unwrap_or(match Endian::Big.u16(bytes, 0) {
        MAGIC => Endian::Big,
        _ => Endian::Little,
    });
    let claimed = endian.u32(bytes, 4) as usize;
    if bytes.len() < claimed {
        return refuse(Errno::EINVAL, "btf_header not found");
    }
    let known = rules.release.known_header();
    if claimed > known && bytes[known..claimed].iter().any(|byte| *byte != 0) {
        return refuse(Errno::E2BIG, "Unsupported btf_header");
    }
    let mut raw = [0; LAYOUT_HEADER];
    let copied = claimed.min(known);
    raw[..copied].copy_from_slice(&bytes[..copied]);
    let header = Header { raw, endian };
    if endian.u16(&raw, 0) != MAGIC {
        return refuse(Errno::EINVAL, "Invalid magic");
    }
    if raw[2] != VERSION {
        return refuse(Errno::ENOTSUPP, "Unsupported version");
    }
    if raw[3] != 0 {
        return refuse(Errno::ENOTSUPP, "Unsupported flags");
    }
    if !split && bytes.len() == header.len() as usize {
        return refuse(Errno::EINVAL, "No data");
    }
    let mut sections = vec![header.section(8), header.section(16)];
    let with_layout = rules.release >= Release::V7_1 && header.len() as usize >= LAYOUT_HEADER;
    if with_layout && header.section(24).len != 0 {
        sections.push(header.section(24));
    }
    tile(sections, (bytes.len() - header.len() as usize) as u32)?;
    Ok(header)
}

/// The sections must follow one another without gap or overlap and fill everything after the header.
fn tile(mut sections: Vec<Section>, available: u32) -> Result<(), Refusal> {
    // The kernel compares by the sign of the difference, which is no order for huge offsets; its sort of two or three
    // is imitated by exchanges, where a library's sort could refuse to work.
    let after = |a: Section, b: Section| {
        let by_offset = a.offset.wrapping_sub(b.offset) as i32;
        let by_len = a.len.wrapping_sub(b.len) as i32;
        (if by_offset != 0 { by_offset } else { by_len }) > 0
    };
    for end in (1..sections.len()).rev() {
        for at in 0..end {
            if after(sections[at], sections[at + 1]) {
                sections.swap(at, at + 1);
            }
        }
    }
    let refuse = |message: &str| Err(Refusal::plain(Errno::EINVAL, message));
    let mut total = 0u32;
    for Section { offset, len } in sections {
        if available < offset {
            return refuse("Invalid section offset");
        }
        if total < offset {
            return refuse("Unsupported section found");
        }
        if total > offset {
            return refuse("Section overlap found");
        }
        if available - total < len {
            return refuse("Total section length too long");
        }
        total += len;
    }
    if total != available { refuse("Unsupported section found") } else { Ok(()) }
}

/// The layout section; beyond its place and length the kernel does not look at it.
fn layout(section: Section, available: usize) -> Result<(), Refusal> {
    let Section { offset, len } = section;
    if len == 0 {
        return Ok(());
    }
    let message = if !offset.is_multiple_of(4) {
        "Unaligned layout_off"
    } else if len < 4 {
        "Layout section is too small"
    } else if !len.is_multiple_of(4) {
        "layout_len is not multiple of 4"
    } else if u64::from(offset) + u64::from(len) > available as u64 {
        "Layout section is too big"
    } else {
        return Ok(());
    };
    Err(Refusal::plain(Errno::EINVAL, message))
}
