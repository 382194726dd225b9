//! BTF read anew, so that a mistake that the library's reader and writer share shows here, and written as lines that do
//! not depend on ids: what is referred to is spelled out.
//!
//! ```text
//! INT int size=4 bits=32 signed
//! STRUCT s size=8 kflag { a:int@0:3 next:*struct s@64 }
//! UNION u size=4 { a:int@0 }          ENUM e size=4 signed { A=-1 }        FWD struct s
//! TYPEDEF t = const char              FLOAT double size=8                  VAR v global : [3]int
//! FUNC f static (a:int ...) -> void   DATASEC .data size=8 { v@0+8 }       DECL_TAG 'x' -> STRUCT s @-1
//! ```

#[derive(Debug, Clone)]
pub struct Btf {
    pub types: Vec<Type>,
    pub strings: Vec<u8>,
}

#[derive(Debug, Clone, Default)]
pub struct Type {
    pub kind: u8,
    pub name: String,
    pub flag: bool,
    pub vlen: u32,
    /// Size or type, as the kind has it.
    pub value: u32,
    /// The one word after it of INT, VAR and DECL_TAG.
    pub extra: u32,
    /// Element, index, count.
    pub array: [u32; 3],
    /// Members (name, type, offset word), enumerators (name, low, high), parameters (name, type, 0) and variables of a
    /// section (VAR, offset, size).
    pub items: Vec<(String, u32, u32, u32)>,
}

pub const KINDS: [&str; 20] = [
    "VOID",
    "INT",
    "PTR",
    "ARRAY",
    "STRUCT",
    "UNION",
    "ENUM",
    "FWD",
    "TYPEDEF",
    "VOLATILE",
    "CONST",
    "RESTRICT",
    "FUNC",
    "FUNC_PROTO",
    "VAR",
    "DATASEC",
    "FLOAT",
    "DECL_TAG",
    "TYPE_TAG",
    "ENUM64",
];

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    big: bool,
}

impl Reader<'_> {
    fn u(&mut self, size: usize) -> u32 {
        let bytes = &self.bytes[self.at..self.at + size];
        self.at += size;
        let fold = |value: u32, byte: &u8| value << 8 | u32::from(*byte);
        if self.big { bytes.iter().fold(0, fold) } else { bytes.iter().rev().fold(0, fold) }
    }

    fn word(&mut self) -> u32 {
        self.u(4)
    }
}

impl Btf {
    pub fn parse(bytes: &[u8]) -> Btf {
        let big = bytes[0] == 0xeb;
        let mut header = Reader { bytes, at: 0, big };
        assert_eq!(header.u(2), 0xeb9f, "magic");
        assert_eq!(header.u(1), 1, "version");
        assert_eq!(header.u(1), 0, "flags");
        let [length, type_off, type_len, str_off, str_len] = [(); 5].map(|()| header.word() as usize);
        let strings = bytes[length + str_off..length + str_off + str_len].to_vec();
        let mut btf = Btf { types: vec![Type::default()], strings };
        let end = length + type_off + type_len;
        let mut reader = Reader { bytes: &bytes[..end], at: length + type_off, big };
        while reader.at < end {
            let one = btf.read(&mut reader);
            btf.types.push(one);
        }
        btf
    }

    fn string(&self, offset: u32) -> String {
        let rest = &self.strings[offset as usize..];
        let end = rest.iter().position(|byte| *byte == 0).expect("a terminated string");
        String::from_utf8_lossy(&rest[..end]).into_owned()
    }

    fn read(&self, reader: &mut Reader) -> Type {
        let (name, info, value) = (reader.word(), reader.word(), reader.word());
        let kind = (info >> 24 & 0x1f) as u8;
        let vlen = info & 0xffff;
        let mut one = Type { kind, name: self.string(name), flag: info >> 31 == 1, vlen, value, ..Type::default() };
        match KINDS[usize::from(kind)] {
            "INT" | "VAR" | "DECL_TAG" => one.extra = reader.word(),
            "ARRAY" => one.array = [(); 3].map(|()| reader.word()),
            "STRUCT" | "UNION" | "ENUM64" => {
                one.items = (0..vlen).map(|_| (self.string(reader.word()), reader.word(), reader.word(), 0)).collect();
            }
            "ENUM" | "FUNC_PROTO" => {
                one.items = (0..vlen).map(|_| (self.string(reader.word()), reader.word(), 0, 0)).collect();
            }
            "DATASEC" => {
                let item = |reader: &mut Reader| (String::new(), reader.word(), reader.word(), reader.word());
                one.items = (0..vlen).map(|_| item(reader)).collect();
            }
            _ => {}
        }
        one
    }

    /// The lines of all types of these kinds, in the order of their ids.
    pub fn lines(&self, kinds: &[&str]) -> Vec<String> {
        let wanted = |one: &&Type| kinds.contains(&KINDS[usize::from(one.kind)]);
        self.types.iter().skip(1).filter(wanted).map(|one| self.line(one)).collect()
    }

    pub fn count(&self, kind: &str) -> usize {
        self.types.iter().filter(|one| KINDS[usize::from(one.kind)] == kind).count()
    }

    pub fn get(&self, id: u32) -> &Type {
        &self.types[id as usize]
    }

    fn line(&self, one: &Type) -> String {
        let kind = KINDS[usize::from(one.kind)];
        let name = if one.name.is_empty() { "(anon)" } else { &one.name };
        let linkage = |number| ["static", "global", "extern"][number as usize];
        match kind {
            "INT" => {
                let encodings = [(1, " signed"), (2, " char"), (4, " bool")];
                let encoding: String =
                    encodings.iter().filter(|(bit, _)| one.extra >> 24 & bit != 0).map(|(_, text)| *text).collect();
                let offset = one.extra >> 16 & 0xff;
                let offset = if offset == 0 { String::new() } else { format!(" off={offset}") };
                format!("INT {name} size={} bits={}{offset}{encoding}", one.value, one.extra & 0xff)
            }
            "FLOAT" => format!("FLOAT {name} size={}", one.value),
            "STRUCT" | "UNION" => {
                let flag = if one.flag { " kflag" } else { "" };
                format!("{kind} {name} size={}{flag} {}", one.value, self.members(one, 0))
            }
            "ENUM" | "ENUM64" => {
                let sign = if one.flag { "signed" } else { "unsigned" };
                format!("{kind} {name} size={} {sign} {}", one.value, enumerators(one))
            }
            "FWD" => format!("FWD {} {name}", if one.flag { "union" } else { "struct" }),
            "TYPEDEF" => format!("TYPEDEF {name} = {}", self.spell(one.value, 0)),
            "FUNC" => format!("FUNC {name} {} {}", linkage(one.vlen), self.spell(one.value, 0)),
            "VAR" => format!("VAR {name} {} : {}", linkage(one.extra), self.spell(one.value, 0)),
            "DATASEC" => {
                let items =
                    one.items.iter().map(|(_, id, offset, size)| format!("{}@{offset}+{size}", self.get(*id).name));
                format!("DATASEC {name} size={} {}", one.value, braces(items))
            }
            "DECL_TAG" => {
                let target = self.get(one.value);
                let flag = if one.flag { " attr" } else { "" };
                let kind = KINDS[usize::from(target.kind)];
                format!("DECL_TAG '{}' -> {kind} {} @{}{flag}", one.name, target.name, one.extra as i32)
            }
            _ => format!("{kind} {}", self.spell_type(one, 0)),
        }
    }

    pub fn spell(&self, id: u32, depth: u32) -> String {
        if depth > 24 {
            return "...".to_owned();
        }
        if id == 0 { "void".to_owned() } else { self.spell_type(self.get(id), depth) }
    }

    fn spell_type(&self, one: &Type, depth: u32) -> String {
        let target = || self.spell(one.value, depth + 1);
        match KINDS[usize::from(one.kind)] {
            "PTR" => format!("*{}", target()),
            "CONST" => format!("const {}", target()),
            "VOLATILE" => format!("volatile {}", target()),
            "RESTRICT" => format!("restrict {}", target()),
            "TYPE_TAG" => format!("tag({}{}) {}", one.name, if one.flag { " attr" } else { "" }, target()),
            "ARRAY" => format!("[{}]{}", one.array[2], self.spell(one.array[0], depth + 1)),
            "FUNC_PROTO" => {
                let last = one.items.len().wrapping_sub(1);
                let parameters = one.items.iter().enumerate().map(|(at, (name, id, ..))| match (name.as_str(), id) {
                    ("", 0) if at == last => "...".to_owned(),
                    ("", id) => self.spell(*id, depth + 1),
                    (name, id) => format!("{name}:{}", self.spell(*id, depth + 1)),
                });
                format!("({}) -> {}", parameters.collect::<Vec<_>>().join(" "), target())
            }
            kind @ ("STRUCT" | "UNION") => match one.name.as_str() {
                "" => format!("{} {}", kind.to_lowercase(), self.members(one, depth + 1)),
                name => format!("{} {name}", kind.to_lowercase()),
            },
            kind @ ("ENUM" | "ENUM64") => match one.name.as_str() {
                "" => format!("{} {}", kind.to_lowercase(), enumerators(one)),
                name => format!("{} {name}", kind.to_lowercase()),
            },
            "FWD" => format!("fwd {} {}", if one.flag { "union" } else { "struct" }, one.name),
            _ => one.name.clone(),
        }
    }

    fn members(&self, one: &Type, depth: u32) -> String {
        braces(one.items.iter().map(|(name, id, offset, _)| {
            let name = if name.is_empty() { "_" } else { name };
            let spelled = self.spell(*id, depth + 1);
            match (one.flag, offset >> 24) {
                (false, _) => format!("{name}:{spelled}@{offset}"),
                (true, 0) => format!("{name}:{spelled}@{}", offset & 0xff_ffff),
                (true, size) => format!("{name}:{spelled}@{}:{size}", offset & 0xff_ffff),
            }
        }))
    }
}

fn enumerators(one: &Type) -> String {
    braces(one.items.iter().map(|(name, low, high, _)| {
        let value = match (KINDS[usize::from(one.kind)], one.flag) {
            ("ENUM", true) => i128::from(*low as i32),
            ("ENUM", false) => i128::from(*low),
            (_, flag) => {
                let value = u64::from(*high) << 32 | u64::from(*low);
                if flag { i128::from(value as i64) } else { i128::from(value) }
            }
        };
        format!("{name}={value}")
    }))
}

fn braces(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", items.join(" ")) }
}
