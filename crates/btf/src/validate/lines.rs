//! Lines of the kernel's log: a record, or a record and one of its elements, and what is wrong with it.

use super::blob::{Blob, RawMember, RawVar, Rec};
use super::{Errno, Pass, Refusal};
use crate::{Kind, TypeId};
use std::borrow::Cow;

impl<'a> Blob<'a> {
    fn shown(&self, offset: u32) -> Cow<'a, str> {
        match offset {
            0 => Cow::Borrowed("(anon)"),
            _ => self.string(offset).map_or(Cow::Borrowed("(invalid-name-offset)"), String::from_utf8_lossy),
        }
    }

    /// A record without its details.
    fn basic_line(&self, id: u32, rec: &Rec) -> String {
        format!("[{id}] {} {}", rec.kind.map_or("UNKNOWN", Kind::name), self.shown(rec.name))
    }

    fn type_line(&self, id: u32, rec: &Rec) -> String {
        format!("{} {}", self.basic_line(id, rec), self.details(rec))
    }

    fn details(&self, rec: &Rec) -> String {
        let word = rec.word;
        let Some(kind) = rec.kind else { return String::new() };
        match kind {
            Kind::Int => {
                let encoding = match rec.int_encoding() {
                    0 => "(none)",
                    1 => "SIGNED",
                    2 => "CHAR",
                    4 => "BOOL",
                    _ => "UNKN",
                };
                let (offset, bits) = (rec.int_offset(), rec.int_bits());
                format!("size={word} bits_offset={offset} nr_bits={bits} encoding={encoding}")
            }
            Kind::Ptr | Kind::Func | Kind::TypeTag => format!("type_id={word}"),
            Kind::Typedef | Kind::Volatile | Kind::Const | Kind::Restrict => format!("type_id={word}"),
            Kind::Array => {
                format!("type_id={} index_type_id={} nr_elems={}", rec.body(0), rec.body(1), rec.body(2))
            }
            Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64 | Kind::Datasec => {
                format!("size={word} vlen={}", rec.vlen())
            }
            Kind::Fwd => if rec.kind_flag() { "union" } else { "struct" }.into(),
            Kind::FuncProto => format!("return={word} args=({})", self.params(rec)),
            Kind::Var => format!("type_id={word} linkage={}", rec.body(0)),
            Kind::Float => format!("size={word}"),
            Kind::DeclTag => format!("type={word} component_idx={}", rec.body(0) as i32),
        }
    }

    fn params(&self, rec: &Rec) -> String {
        let count = rec.vlen();
        let shown = (0..count).map(|index| match rec.param(index) {
            (_, 0) if index + 1 == count => "vararg".into(),
            (name, ty) => format!("{ty} {}", self.shown(name)),
        });
        if count == 0 { "void".into() } else { shown.collect::<Vec<_>>().join(", ") }
    }

    /// A refusal of a record whose line has no details.
    pub fn refuse_basic(&self, id: u32, rec: &Rec, message: impl Into<String>) -> Refusal {
        refusal(Errno::EINVAL, id, self.basic_line(id, rec), message.into())
    }

    pub fn refuse(&self, errno: Errno, id: u32, rec: &Rec, message: impl Into<String>) -> Refusal {
        refusal(errno, id, self.type_line(id, rec), message.into())
    }

    pub fn refuse_member(&self, id: u32, rec: &Rec, member: RawMember, message: impl Into<String>) -> Refusal {
        let RawMember { name, ty, offset } = member;
        let name = self.shown(name);
        let place = match rec.kind_flag() {
            true => format!("bitfield_size={} bits_offset={}", offset >> 24, offset & 0xff_ffff),
            false => format!("bits_offset={offset}"),
        };
        let lines = format!("{}\n\t{name} type_id={ty} {place}", self.type_line(id, rec));
        refusal(Errno::EINVAL, id, lines, message.into())
    }

    pub fn refuse_var(&self, id: u32, rec: &Rec, var: RawVar, message: impl Into<String>) -> Refusal {
        let RawVar { ty, offset, size } = var;
        let lines = format!("{}\n\t type_id={ty} offset={offset} size={size}", self.type_line(id, rec));
        refusal(Errno::EINVAL, id, lines, message.into())
    }

    /// A refusal whose message is a line of its own below the record's.
    pub fn refuse_below(&self, id: u32, rec: &Rec, message: String) -> Refusal {
        let detail = format!("{}\n\t{message}", self.type_line(id, rec));
        Refusal { errno: Errno::EINVAL, type_id: Some(TypeId(id)), detail, message, pass: Pass::Records }
    }
}

/// A refusal before anything but a record's number can be shown.
pub(super) fn numbered(id: u32, message: String) -> Refusal {
    refusal(Errno::EINVAL, id, format!("[{id}]"), message)
}

fn refusal(errno: Errno, id: u32, lines: String, message: String) -> Refusal {
    // Which pass it is from is told where passes are called.
    Refusal { errno, type_id: Some(TypeId(id)), detail: format!("{lines} {message}"), message, pass: Pass::Records }
}
