//! The notation of `btfkit_btf::dump`, read back into a blob.
//!
//! It is assembled word by word, without the crate's writer, and can say what no writer would: flags and counts where
//! they do not belong (`kflag`, `vlen=1`), names of types that have none, a wrong word (`size=` of an array, `type=` of
//! a forward declaration, `int_data=`, `info=`), names that are no strings (`<badoff:0x7f>`).
//!
//! A line `strings: "", "a", "b"` gives the string section as it is; without one, strings are laid out in the order of
//! first use. Lines that are not about types or strings are left to the caller.

mod cursor;

use btfkit_btf::{Btf, Endian, Kind};
use cursor::Cursor;

/// What a text says: the words of each record and the bytes of the string section.
pub struct Assembly {
    pub endian: Endian,
    pub types: Vec<u32>,
    pub strings: Vec<u8>,
}

pub fn word(endian: Endian, word: u32) -> [u8; 4] {
    match endian {
        Endian::Little => word.to_le_bytes(),
        Endian::Big => word.to_be_bytes(),
    }
}

impl Assembly {
    pub fn type_len(&self) -> u32 {
        4 * self.types.len() as u32
    }

    /// A blob with the header words that come after magic, version and flags: header length, type and string section.
    pub fn with_header(&self, header: [u32; 5]) -> Vec<u8> {
        let mut blob = match self.endian {
            Endian::Little => vec![0x9f, 0xeb, 1, 0],
            Endian::Big => vec![0xeb, 0x9f, 1, 0],
        };
        let words = header.into_iter().chain(self.types.iter().copied());
        blob.extend(words.flat_map(|value| word(self.endian, value)));
        blob.extend(&self.strings);
        blob
    }

    pub fn header(&self) -> [u32; 5] {
        [24, 0, self.type_len(), self.type_len(), self.strings.len() as u32]
    }

    pub fn blob(&self) -> Vec<u8> {
        self.with_header(self.header())
    }
}

/// The blob that a text describes.
pub fn blob(text: &str, endian: Endian, base: Option<&Btf>) -> Vec<u8> {
    assemble(text, endian, base).blob()
}

/// Assembles the lines of a text that start with `[` or `strings`.
pub fn assemble(text: &str, endian: Endian, base: Option<&Btf>) -> Assembly {
    let mut assembler = Assembler { base, given: false, strings: Vec::new(), types: Vec::new() };
    if let Some(line) = text.lines().find(|line| line.starts_with("strings")) {
        assembler.given = true;
        assembler.strings = string_section(line);
    } else if base.is_none() {
        assembler.strings.push(0);
    }
    let first = base.map_or(1, |base| base.end_id().0);
    let lines = text.lines().filter(|line| line.starts_with('['));
    for (id, line) in (first..).zip(lines) {
        let rest = line.strip_prefix(&format!("[{id}] "));
        assembler.record(rest.unwrap_or_else(|| panic!("expected type {id}: {line}")));
    }
    Assembly { endian, types: assembler.types, strings: assembler.strings }
}

/// The strings of `strings: "", "a"` or, with the number of bytes for a check, `strings(3 bytes): "", "a"`.
fn string_section(line: &str) -> Vec<u8> {
    let (head, list) = line.split_once(':').expect("a list after the word strings");
    let list = list.trim();
    let unterminated = list.strip_suffix("<no NUL>");
    let mut cursor = Cursor::new(unterminated.unwrap_or(list));
    let mut section = Vec::new();
    while !cursor.is_at_end() {
        section.extend(cursor.quoted('"'));
        section.push(0);
        cursor.accept(",");
    }
    if unterminated.is_some() {
        section.pop();
    }
    if let Some(count) = head.strip_prefix("strings(").and_then(|rest| rest.strip_suffix(" bytes)")) {
        assert_eq!(section.len(), count.parse::<usize>().unwrap(), "{line}");
    }
    section
}

struct Assembler<'a> {
    base: Option<&'a Btf>,
    /// Whether the text says what strings there are; then none is added.
    given: bool,
    strings: Vec<u8>,
    types: Vec<u32>,
}

/// Words of a record while its line is read.
#[derive(Default)]
struct Draft {
    name: u32,
    kind: u32,
    vlen: Option<u32>,
    kind_flag: bool,
    info: Option<u32>,
    /// Size or type.
    word: u32,
    bits: u32,
    offset: u32,
    encoding: u32,
    int_data: Option<u32>,
    /// Element, index and count of an array; linkage of a variable; component of a tag.
    fixed: [u32; 3],
    linkage: u32,
    elements: Vec<u32>,
    count: u32,
}

impl Assembler<'_> {
    fn string(&mut self, text: &[u8]) -> u32 {
        let start = self.base.map_or(0, Btf::end_string);
        if let Some(offset) = self.base.and_then(|base| base.find_string(text)) {
            return offset;
        }
        // An empty string that is written out is not the one at 0, which says that there is no name.
        let from = if text.is_empty() { 1 } else { 0 };
        let mut at = 0;
        for known in self.strings.split(|byte| *byte == 0) {
            if known == text && at >= from {
                return start + at as u32;
            }
            at += known.len() + 1;
        }
        assert!(!self.given, "the strings lack {:?}", String::from_utf8_lossy(text));
        let offset = start + self.strings.len() as u32;
        self.strings.extend(text);
        self.strings.push(0);
        offset
    }

    /// A name in quotes, `_` for none, or an offset that is no string's.
    fn name(&mut self, cursor: &mut Cursor) -> u32 {
        if cursor.accept("_") {
            0
        } else if cursor.accept("<badoff:") {
            let offset = cursor.number() as u32;
            cursor.expect(">");
            offset
        } else {
            let text = cursor.quoted('\'');
            self.string(&text)
        }
    }

    fn record(&mut self, line: &str) {
        let mut cursor = Cursor::new(line);
        let kind_name = cursor.word();
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == kind_name);
        let mut draft = Draft { kind: kind.map_or(0, |kind| kind as u32), ..Draft::default() };
        if matches!(kind, Some(Kind::DeclTag)) {
            draft.fixed[0] = u32::MAX;
        }
        while !cursor.is_at_end() {
            self.attribute(&mut cursor, kind, &mut draft);
        }
        let vlen = draft.vlen.unwrap_or(if kind == Some(Kind::Func) { draft.linkage } else { draft.count });
        let info = draft.info.unwrap_or(vlen | draft.kind << 24 | u32::from(draft.kind_flag) << 31);
        self.types.extend([draft.name, info, draft.word]);
        match kind {
            Some(Kind::Int) => {
                let data = draft.encoding << 24 | draft.offset << 16 | draft.bits;
                self.types.push(draft.int_data.unwrap_or(data));
            }
            Some(Kind::Array) => self.types.extend(draft.fixed),
            Some(Kind::Var) => self.types.push(draft.linkage),
            Some(Kind::DeclTag) => self.types.push(draft.fixed[0]),
            _ => {}
        }
        self.types.extend(draft.elements);
    }

    fn attribute(&mut self, cursor: &mut Cursor, kind: Option<Kind>, draft: &mut Draft) {
        if cursor.accept("->") {
            draft.word = cursor.number() as u32;
        } else if cursor.peek('\'') || cursor.peek('<') {
            draft.name = self.name(cursor);
        } else if cursor.accept("{") {
            self.elements(cursor, kind, draft, "}");
        } else if cursor.accept("(") {
            self.elements(cursor, kind, draft, ")");
        } else {
            let key = cursor.word();
            if !cursor.accept("=") {
                return flag(&key, kind, draft);
            }
            let value = cursor.number() as u32;
            match key.as_str() {
                "size" | "ret" | "type" | "word" => draft.word = value,
                "bits" => draft.bits = value,
                "off" => draft.offset = value,
                "encoding" => draft.encoding = value,
                "int_data" => draft.int_data = Some(value),
                "elem" | "idx" => draft.fixed[0] = value,
                "index" => draft.fixed[1] = value,
                "n" => draft.fixed[2] = value,
                "vlen" => draft.vlen = Some(value),
                "info" => draft.info = Some(value),
                "linkage" => draft.linkage = value,
                _ => panic!("unknown attribute {key}"),
            }
        }
    }

    fn elements(&mut self, cursor: &mut Cursor, kind: Option<Kind>, draft: &mut Draft, end: &str) {
        while !cursor.accept(end) {
            match kind {
                Some(Kind::Struct | Kind::Union) => {
                    let name = self.name(cursor);
                    cursor.expect(":");
                    let ty = cursor.number() as u32;
                    cursor.expect("@");
                    let offset = cursor.number() as u32;
                    let width = if cursor.accept(":") { cursor.number() as u32 } else { 0 };
                    draft.elements.extend([name, ty, offset | width << 24]);
                }
                Some(Kind::FuncProto) => {
                    let name = self.name(cursor);
                    cursor.expect(":");
                    draft.elements.extend([name, cursor.number() as u32]);
                }
                Some(Kind::Datasec) => {
                    let var = cursor.number() as u32;
                    cursor.expect("@");
                    let offset = cursor.number() as u32;
                    cursor.expect("+");
                    draft.elements.extend([var, offset, cursor.number() as u32]);
                }
                Some(Kind::Enum | Kind::Enum64) => {
                    let name = self.name(cursor);
                    cursor.expect("=");
                    let value = cursor.number();
                    draft.elements.extend([name, value as u32]);
                    if kind == Some(Kind::Enum64) {
                        draft.elements.push((value >> 32) as u32);
                    }
                }
                _ => draft.elements.push(cursor.number() as u32),
            }
            draft.count += 1;
            cursor.accept(",");
        }
    }
}

/// A word that stands for itself.
fn flag(word: &str, kind: Option<Kind>, draft: &mut Draft) {
    match (word, kind) {
        ("kflag" | "attr", _) => draft.kind_flag = true,
        ("signed", Some(Kind::Int)) => draft.encoding = 1,
        ("char", Some(Kind::Int)) => draft.encoding = 2,
        ("bool", Some(Kind::Int)) => draft.encoding = 4,
        ("signed" | "union", _) => draft.kind_flag = true,
        ("unsigned" | "struct" | "static", _) => {}
        ("global", _) => draft.linkage = 1,
        ("extern", _) => draft.linkage = 2,
        _ => panic!("unknown word {word}"),
    }
}
