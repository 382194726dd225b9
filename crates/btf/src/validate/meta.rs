//! Pass C: each record by itself, in the order of the ids. Whether a type that it refers to exists is not asked here,
//! only whether the id is one that could be.

use super::blob::{Blob, Rec};
use super::lines::numbered;
use super::{Errno, Refusal, Release, Rules};
use crate::header::HEAD;
use crate::{Kind, MAX_TYPE_ID};
use rayon::prelude::*;

pub(super) fn check(rules: &Rules, blob: &mut Blob) -> Result<(), Refusal> {
    let first = blob.start_id;
    let (mut records, end) = records(blob);
    blob.is_complete = end == blob.types.end;
    // On all threads; of several that are wrong the kernel would have met the first.
    let pieces = (0..records.len().div_ceil(PIECE)).into_par_iter();
    let wrong = pieces.find_map_first(|piece| {
        let ids = (first + (piece * PIECE) as u32)..;
        ids.zip(records[piece * PIECE..].iter().take(PIECE))
            .find_map(|(id, &at)| record(rules, blob, id, at as usize).err())
    });
    let rest = if end < blob.types.end { record(rules, blob, first + records.len() as u32, end) } else { Ok(()) };
    // The kernel has room for this many types, void counted; it drops those beyond without a word.
    records.truncate(MAX_TYPE_ID.saturating_sub(first) as usize);
    blob.records = records;
    wrong.map_or(rest, Err)
}

/// Records that a thread checks at a time.
const PIECE: usize = 1 << 12;

/// Where records start, up to the first one of unknown length, and where these records end.
fn records(blob: &Blob) -> (Vec<u32>, usize) {
    let mut at = blob.types.start;
    // What the file's size bounds anyway; most records are a little longer.
    let mut records = Vec::with_capacity(blob.types.len() / 24);
    while blob.types.end - at >= HEAD {
        let rec = blob.record_at(at);
        let size = HEAD + rec.body_size();
        if rec.kind.is_none() || blob.types.end - at < size {
            break;
        }
        records.push(at as u32);
        at += size;
    }
    (records, at)
}

fn record(rules: &Rules, blob: &Blob, id: u32, at: usize) -> Result<(), Refusal> {
    let left = blob.types.end - at;
    if left < HEAD {
        return Err(numbered(id, format!("meta_left:{left} meta_needed:{HEAD}")));
    }
    let rec = blob.record_at(at);
    if rec.info & rules.release.reserved_info() != 0 {
        return Err(numbered(id, format!("Invalid btf_info:{:x}", rec.info)));
    }
    let Some(kind) = rec.kind.filter(|kind| *kind <= rules.release.last_kind()) else {
        return Err(numbered(id, format!("Invalid kind:{}", blob.kind_number(&rec))));
    };
    if !blob.has_string(rec.name) {
        return Err(numbered(id, format!("Invalid name_offset:{}", rec.name)));
    }
    let (left, needed) = (left - HEAD, rec.body_size());
    if left < needed {
        return Err(blob.refuse_basic(id, &rec, format!("meta_left:{left} meta_needed:{needed}")));
    }
    let check = Check { rules, blob, id, rec };
    match kind {
        Kind::Int => check.int(),
        Kind::Float => check.float(),
        Kind::Ptr | Kind::Const | Kind::Volatile | Kind::Restrict => check.reference(),
        Kind::Typedef | Kind::TypeTag => check.reference(),
        Kind::Array => check.array(),
        Kind::Struct | Kind::Union => check.aggregate(),
        Kind::Enum | Kind::Enum64 => check.enumeration(),
        Kind::Fwd => check.forward(),
        Kind::Func => check.function(),
        Kind::FuncProto => check.prototype(),
        Kind::Var => check.variable(),
        Kind::Datasec => check.section(),
        Kind::DeclTag => check.decl_tag(),
    }
}

struct Check<'b, 'a> {
    rules: &'b Rules,
    blob: &'b Blob<'a>,
    id: u32,
    rec: Rec<'a>,
}

/// Whether this could be the id of a type that is not void.
fn is_target(id: u32) -> bool {
    (1..=MAX_TYPE_ID).contains(&id)
}

impl Check<'_, '_> {
    fn refuse<T>(&self, message: &str) -> Result<T, Refusal> {
        Err(self.blob.refuse(Errno::EINVAL, self.id, &self.rec, message))
    }

    /// Refuses with `message` unless the condition holds.
    fn want(&self, condition: bool, message: &str) -> Result<(), Refusal> {
        if condition { Ok(()) } else { self.refuse(message) }
    }

    fn no_elements(&self) -> Result<(), Refusal> {
        self.want(self.rec.vlen() == 0, "vlen != 0")
    }

    fn no_kind_flag(&self) -> Result<(), Refusal> {
        self.want(!self.rec.kind_flag(), "Invalid btf_info kind_flag")
    }

    fn no_name(&self) -> Result<(), Refusal> {
        self.want(self.rec.name == 0, "Invalid name")
    }

    fn some_name(&self) -> Result<(), Refusal> {
        self.want(self.rec.name != 0 && self.blob.is_identifier(self.rec.name), "Invalid name")
    }

    fn good_name_if_any(&self) -> Result<(), Refusal> {
        self.want(self.rec.name == 0 || self.blob.is_identifier(self.rec.name), "Invalid name")
    }

    fn is_section_name(&self) -> bool {
        self.blob.string(self.rec.name).is_some_and(|name| self.rules.release.takes_section_name(name))
    }

    fn has_value(&self) -> bool {
        self.blob.string(self.rec.name).is_some_and(|value| !value.is_empty())
    }

    fn int(&self) -> Result<(), Refusal> {
        self.no_elements()?;
        self.no_kind_flag()?;
        let data = self.rec.body(0);
        if data >> 28 != 0 {
            return Err(self.blob.refuse_basic(self.id, &self.rec, format!("Invalid int_data:{data:x}")));
        }
        let bits = self.rec.int_bits() + self.rec.int_offset();
        self.want(bits <= 128, "nr_bits exceeds 128")?;
        self.want(bits.div_ceil(8) <= self.rec.word, "nr_bits exceeds type_size")?;
        match self.rec.int_encoding() {
            0 | 1 | 2 | 4 => Ok(()),
            _ => Err(self.blob.refuse(Errno::ENOTSUPP, self.id, &self.rec, "Unsupported encoding")),
        }
    }

    fn float(&self) -> Result<(), Refusal> {
        self.no_elements()?;
        self.no_kind_flag()?;
        self.want(matches!(self.rec.word, 2 | 4 | 8 | 12 | 16), "Invalid type_size")
    }

    fn reference(&self) -> Result<(), Refusal> {
        self.no_elements()?;
        if !(self.rec.is(Kind::TypeTag) && self.rules.release >= Release::V6_15) {
            self.no_kind_flag()?;
        }
        self.want(self.rec.word <= MAX_TYPE_ID, "Invalid type_id")?;
        match self.rec.kind {
            Some(Kind::Typedef) => self.some_name(),
            Some(Kind::TypeTag) => self.want(self.has_value(), "Invalid name"),
            _ => self.no_name(),
        }
    }

    fn array(&self) -> Result<(), Refusal> {
        self.no_name()?;
        self.no_elements()?;
        self.no_kind_flag()?;
        self.want(self.rec.word == 0, "size != 0")?;
        self.want(is_target(self.rec.body(0)), "Invalid elem")?;
        self.want(is_target(self.rec.body(1)), "Invalid index")
    }

    fn aggregate(&self) -> Result<(), Refusal> {
        self.good_name_if_any()?;
        let union = self.rec.is(Kind::Union);
        let mut last = 0;
        for index in 0..self.rec.vlen() {
            let member = self.rec.member(index);
            let refuse = |message: &str| Err(self.blob.refuse_member(self.id, &self.rec, member, message));
            if !self.blob.has_string(member.name) {
                return refuse(&format!("Invalid member name_offset:{}", member.name));
            }
            if member.name != 0 && !self.blob.is_identifier(member.name) {
                return refuse("Invalid name");
            }
            if !is_target(member.ty) {
                return refuse("Invalid type_id");
            }
            let offset = if self.rec.kind_flag() { member.offset & 0xff_ffff } else { member.offset };
            if union && offset != 0 || last > offset {
                return refuse("Invalid member bits_offset");
            }
            if offset.div_ceil(8) > self.rec.word {
                return refuse("Member bits_offset exceeds its struct size");
            }
            last = offset;
        }
        Ok(())
    }

    fn enumeration(&self) -> Result<(), Refusal> {
        if self.rules.release < Release::V6_0 {
            self.no_kind_flag()?;
        }
        self.want(matches!(self.rec.word, 1 | 2 | 4 | 8), "Unexpected size")?;
        self.good_name_if_any()?;
        let words = if self.rec.is(Kind::Enum) { 2 } else { 3 };
        for index in 0..self.rec.vlen() as usize {
            let name = self.rec.body(words * index);
            if !self.blob.has_string(name) {
                return Err(self.blob.refuse_below(self.id, &self.rec, format!("Invalid name_offset:{name}")));
            }
            self.want(name != 0 && self.blob.is_identifier(name), "Invalid name")?;
        }
        Ok(())
    }

    fn forward(&self) -> Result<(), Refusal> {
        self.no_elements()?;
        self.want(self.rec.word == 0, "type != 0")?;
        self.some_name()
    }

    fn function(&self) -> Result<(), Refusal> {
        self.some_name()?;
        self.want(self.rec.vlen() <= crate::linkage::GLOBAL, "Invalid func linkage")?;
        self.no_kind_flag()
    }

    fn prototype(&self) -> Result<(), Refusal> {
        self.no_name()?;
        self.no_kind_flag()
    }

    fn variable(&self) -> Result<(), Refusal> {
        self.no_elements()?;
        self.no_kind_flag()?;
        self.some_name()?;
        self.want(is_target(self.rec.word), "Invalid type_id")?;
        self.want(self.rec.body(0) <= crate::linkage::GLOBAL, "Linkage not supported")
    }

    fn section(&self) -> Result<(), Refusal> {
        let size = self.rec.word;
        self.want(size != 0, "size == 0")?;
        self.no_kind_flag()?;
        let named = self.rec.name != 0 && self.is_section_name();
        self.want(named, "Invalid name")?;
        let (mut end, mut sum) = (0, 0u64);
        for index in 0..self.rec.vlen() {
            let var = self.rec.var(index);
            let refuse = |message| Err(self.blob.refuse_var(self.id, &self.rec, var, message));
            if !is_target(var.ty) {
                return refuse("Invalid type_id");
            }
            if var.offset < end || var.offset >= size {
                return refuse("Invalid offset");
            }
            if var.size == 0 || var.size > size {
                return refuse("Invalid size");
            }
            end = var.offset.wrapping_add(var.size);
            if end > size {
                return refuse("Invalid offset+size");
            }
            sum += u64::from(var.size);
        }
        self.want(sum <= u64::from(size), "Invalid btf_info size")
    }

    fn decl_tag(&self) -> Result<(), Refusal> {
        self.want(self.has_value(), "Invalid value")?;
        self.no_elements()?;
        if self.rules.release < Release::V6_15 {
            self.no_kind_flag()?;
        }
        self.want(self.rec.body(0) as i32 >= -1, "Invalid component_idx")
    }
}
