//! What is done to a BTF before both are asked.

use crate::invent::invented;
use crate::invent_special::invented_special;
use crate::parts::{self, Parts, info};
use crate::random::Random;
use crate::seeds::Seed;
use btfkit_btf::Kind;

/// A damaged blob.
pub(crate) fn damaged(random: &mut Random, seeds: &[Seed]) -> Vec<u8> {
    let mut parts = match random.below(12) {
        0 => invented_special(random),
        1..4 => invented(random),
        _ if seeds.is_empty() => invented(random),
        _ => random.pick(seeds).parts.clone(),
    };
    // Mostly one change: of several the first that is refused hides the others.
    let changes = *random.pick(&[0, 1, 1, 1, 1, 1, 2, 2, 3, 5]);
    for _ in 0..changes {
        change(random, &mut parts);
    }
    let mut blob = parts.blob();
    if random.once_in(12) {
        change_blob(random, &mut blob);
    }
    blob
}

fn change(random: &mut Random, parts: &mut Parts) {
    if parts.records.is_empty() {
        return;
    }
    let at = random.below(parts.records.len());
    match random.below(21) {
        0..5 => reference(random, parts, at),
        5..8 => name(random, parts, at),
        8..10 => word(random, parts, at),
        10..13 => head(random, parts, at),
        13..15 => place(random, parts, at),
        15 => string_byte(random, parts),
        16 => elements(random, parts, at),
        17 => records(random, parts, at),
        18 => chain(random, parts, at),
        19 => renumbered(random, parts, at),
        _ => named(random, parts, at),
    }
}

/// Ids at which the kernel's checks turn.
fn id(random: &mut Random, parts: &Parts) -> u32 {
    match random.below(16) {
        0 => 0,
        1 => parts.end_id(),
        2 => *random.pick(&[0xf_fffe, 0xf_ffff, 0x10_0000, u32::MAX, 0x7fff_ffff]),
        _ => 1 + random.word(parts.end_id() - 1),
    }
}

fn number(random: &mut Random, old: u32) -> u32 {
    match random.below(8) {
        0 => *random.pick(&[0, 1, 2, 3, 4, 7, 8, 12, 16, 31, 32, 33, 64, 127, 128, 129, 255, 256]),
        1 => *random.pick(&[0xffff, 0xff_ffff, 0x100_0000, 0x7fff_ffff, 0x8000_0000, u32::MAX]),
        2 => old.wrapping_add(1),
        3 => old.wrapping_sub(1),
        4 => old ^ 1 << random.below(32),
        5 => old.wrapping_mul(2),
        6 => old.wrapping_add(*random.pick(&[4, 8, 32, 64])),
        _ => random.word(2000),
    }
}

fn reference(random: &mut Random, parts: &mut Parts, at: usize) {
    let places = parts::references(&parts.records[at]);
    if places.is_empty() {
        return;
    }
    let to = id(random, parts);
    parts.records[at][*random.pick(&places)] = to;
}

fn name(random: &mut Random, parts: &mut Parts, at: usize) {
    let places = parts::names(&parts.records[at]);
    let end = parts.strings.len() as u32;
    let offset = match random.below(12) {
        0 => 0,
        1 => end,
        2 => end.wrapping_sub(1),
        3 => *random.pick(&[end.wrapping_add(1), 0xff_ffff, 0x100_0000, u32::MAX]),
        4 => {
            let length = *random.pick(&[1, 127, 128, 511, 512, 513, 600, 1100]);
            parts.string(&vec![b'n'; length])
        }
        5 => parts.string(random.pick::<&[u8]>(&ODD_NAMES)),
        6 => {
            let byte = [random.next() as u8 | 1, b'a'];
            parts.string(&byte[..1 + random.below(2)])
        }
        _ => random.word(end),
    };
    if !places.is_empty() {
        parts.records[at][*random.pick(&places)] = offset;
    }
}

/// Names at the border of what is one.
const ODD_NAMES: [&[u8]; 10] =
    [b"", b"9a", b"a b", b"a-b", b".", b"?.data", b"\xd7", b"\xc3\xbc", b"a\x80", b"..percpu\x7f"];

fn word(random: &mut Random, parts: &mut Parts, at: usize) {
    let words = &mut parts.records[at];
    let place = random.below(words.len());
    words[place] = number(random, words[place]);
}

/// Kind, count, flag or unknown bits.
fn head(random: &mut Random, parts: &mut Parts, at: usize) {
    let info = match parts.records[at].get_mut(1) {
        Some(info) => info,
        None => return,
    };
    *info = match random.below(8) {
        0 | 1 => *info ^ 1 << 31,
        2 => *info & !0x1f00_0000 | random.word(32) << 24,
        3 => info.wrapping_add(1),
        4 => info.wrapping_sub(1),
        5 => *info ^ 1 << random.below(32),
        6 => *info & !0xffff | random.word(4),
        _ => *info & !0xffff | *random.pick(&[0, 1, 2, 0xffff]),
    };
}

/// Size of the record, or a number of one of its elements.
fn place(random: &mut Random, parts: &mut Parts, at: usize) {
    let words = &mut parts.records[at];
    let place = match words.len() {
        0..3 => return,
        3 => 2,
        _ if random.once_in(3) => 2,
        length => 3 + random.below(length - 3),
    };
    words[place] = match random.below(4) {
        0 => words[place] & 0xff_ffff | random.word(130) << 24,
        1 => words[place].wrapping_add_signed(*random.pick(&[-64, -32, -8, -4, -1, 1, 4, 8, 32, 64])),
        2 => random.word(300),
        _ => number(random, words[place]),
    };
}

fn string_byte(random: &mut Random, parts: &mut Parts) {
    if parts.strings.is_empty() {
        return;
    }
    match random.below(8) {
        0 => {
            let at = random.below(parts.strings.len());
            parts.strings.remove(at);
        }
        1 => {
            let at = random.below(parts.strings.len() + 1);
            parts.strings.insert(at, random.next() as u8);
        }
        2 => parts.strings.clear(),
        3 => *parts.strings.last_mut().expect("not empty") = random.next() as u8,
        4 => parts.strings[0] = random.next() as u8,
        5 => {
            let at = random.below(parts.strings.len());
            parts.strings[at] = 0;
        }
        _ => {
            let at = random.below(parts.strings.len());
            parts.strings[at] = random.next() as u8;
        }
    }
}

/// One element more, one less, two in another order, or one of another record's.
fn elements(random: &mut Random, parts: &mut Parts, at: usize) {
    let Some(shape) = parts::kind(&parts.records[at]).map(Kind::shape) else { return };
    let (each, first) = (shape.element_words, 3 + shape.fixed_words);
    let words = &mut parts.records[at];
    if each == 0 || words.len() < first + each {
        return;
    }
    let count = (words.len() - first) / each;
    let one = first + each * random.below(count);
    match random.below(3) {
        0 => {
            words.drain(one..one + each);
            words[1] = words[1].wrapping_sub(1);
        }
        1 => {
            let copy = words[one..one + each].to_vec();
            words.splice(one..one, copy);
            words[1] = words[1].wrapping_add(1);
        }
        _ => {
            let other = first + each * random.below(count);
            (0..each).for_each(|word| words.swap(one + word, other + word));
        }
    }
}

/// A record gone, twice, at another's place, or without its end.
fn records(random: &mut Random, parts: &mut Parts, at: usize) {
    let other = random.below(parts.records.len());
    match random.below(5) {
        0 => drop(parts.records.remove(at)),
        1 => parts.records.insert(other, parts.records[at].clone()),
        2 => parts.records.swap(at, other),
        3 => drop(parts.records[at].pop()),
        _ => {
            let word = number(random, 0);
            parts.records[at].push(word);
        }
    }
}

/// A long chain of references in place of one, about as long as the kernel allows.
fn chain(random: &mut Random, parts: &mut Parts, at: usize) {
    let places = parts::references(&parts.records[at]);
    if places.is_empty() {
        return;
    }
    let place = *random.pick(&places);
    let mut target = parts.records[at][place];
    let kinds = match random.below(4) {
        0 => vec![Kind::Const],
        1 => vec![Kind::Ptr],
        2 => vec![Kind::Const, Kind::Volatile, Kind::Restrict, Kind::Typedef],
        _ => vec![Kind::Const, Kind::Ptr, Kind::TypeTag, Kind::Struct, Kind::Array],
    };
    let name = parts.string(b"link");
    let index = target;
    for _ in 0..*random.pick(&[1, 2, 3, 5, 30, 31, 32, 33, 34, 40]) {
        let kind = *random.pick(&kinds);
        parts.records.push(match kind {
            Kind::Array => vec![0, info(kind, 0, false), 0, target, index, 1],
            Kind::Struct => vec![0, info(kind, 1, false), 4096, 0, target, 0],
            Kind::Typedef | Kind::TypeTag => vec![name, info(kind, 0, false), target],
            _ => vec![0, info(kind, 0, false), target],
        });
        target = parts.end_id() - 1;
    }
    parts.records[at][place] = target;
    if random.once_in(2) {
        renumbered(random, parts, at);
    }
}

/// Two records in each other's place, and whatever refers to them: which is met first is what the kernel's walk turns
/// on.
fn renumbered(random: &mut Random, parts: &mut Parts, at: usize) {
    let other = random.below(parts.records.len());
    parts.records.swap(at, other);
    let (a, b) = (at as u32 + 1, other as u32 + 1);
    for record in &mut parts.records {
        for place in parts::references(record) {
            record[place] = match record[place] {
                id if id == a => b,
                id if id == b => a,
                id => id,
            };
        }
    }
}

/// A name that the kernel treats as special, to a type or as a tag.
fn named(random: &mut Random, parts: &mut Parts, at: usize) {
    let offset = parts.string(random.pick::<&[u8]>(&SPECIAL_NAMES));
    match random.below(3) {
        0 => parts.records.push(vec![offset, info(Kind::TypeTag, 0, false), 1 + at as u32]),
        1 => {
            let component = if random.once_in(2) { u32::MAX } else { random.word(4) };
            parts.records.push(vec![offset, info(Kind::DeclTag, 0, false), 1 + at as u32, component]);
        }
        _ => parts.records[at][0] = offset,
    }
}

/// Types and tags that pass F of the kernel looks for; `kptr` is not among them, as what it leads to is compared with the
/// kernel's own types.
const SPECIAL_NAMES: [&[u8]; 10] = [
    b"bpf_spin_lock",
    b"bpf_res_spin_lock",
    b"bpf_list_head",
    b"bpf_list_node",
    b"bpf_rb_root",
    b"bpf_rb_node",
    b"bpf_refcount",
    b"uptr",
    b"contains:a:b",
    b"user",
];

/// Header, length, or any byte.
fn change_blob(random: &mut Random, blob: &mut Vec<u8>) {
    match random.below(9) {
        0 => blob.truncate(random.below(blob.len())),
        1 => blob.extend((0..1 + random.below(9)).map(|_| 0)),
        2 => longer_header(random, blob),
        3 => {
            let at = random.below(blob.len());
            blob[at] = random.next() as u8;
        }
        4 => {
            let at = random.below(blob.len().min(24));
            blob[at] ^= 1 << random.below(8);
        }
        5 => strings_first(blob),
        6 => {
            // Two sections that stay one beside the other.
            let by = *random.pick(&[1, 4, 8, 12]);
            add(blob, 12, by);
            add(blob, 16, by);
            add(blob, 20, by.wrapping_neg());
        }
        _ => {
            let at = 4 * (1 + random.below(5));
            if let Some(old) = read(blob, at) {
                let new = number(random, old);
                blob[at..at + 4].copy_from_slice(&new.to_ne_bytes());
            }
        }
    }
}

/// The sections in the other order, which makes the types start where the strings end.
fn strings_first(blob: &mut [u8]) {
    let (Some(types), Some(strings)) = (read(blob, 12), read(blob, 20)) else { return };
    if 24 + types as usize + strings as usize == blob.len() {
        blob[24..].rotate_left(types as usize);
        blob[8..12].copy_from_slice(&strings.to_ne_bytes());
        blob[16..20].copy_from_slice(&0u32.to_ne_bytes());
    }
}

fn longer_header(random: &mut Random, blob: &mut Vec<u8>) {
    if blob.len() < 24 {
        return;
    }
    let by = 1 + random.below(16);
    let fill = if random.once_in(3) { 1 } else { 0 };
    blob.splice(24..24, std::iter::repeat_n(fill, by));
    add(blob, 4, by as u32);
}

fn read(blob: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(blob.get(at..at + 4)?.try_into().ok()?))
}

fn add(blob: &mut [u8], at: usize, by: u32) {
    if let Some(old) = read(blob, at) {
        blob[at..at + 4].copy_from_slice(&old.wrapping_add(by).to_ne_bytes());
    }
}
