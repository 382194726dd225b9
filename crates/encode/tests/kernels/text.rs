//! Each type as a text that does not depend on ids: what is named is referred to by kind and name, everything anonymous
//! by its whole content.

use btfkit_btf::{Aggregate, Btf, Type, TypeId};
use std::fmt::Write;
use std::rc::Rc;

/// Anonymous types within one another, beyond which a text says "…". Real ones are a dozen at most.
const MAX_DEPTH: usize = 60;

pub struct Texts<'a> {
    btf: &'a Btf,
    known: Vec<Option<Rc<str>>>,
    /// Leaves out what definitions of one function may differ in: const, and names of parameters.
    loose: bool,
}

impl<'a> Texts<'a> {
    pub fn of(btf: &'a Btf) -> Texts<'a> {
        Texts { btf, known: vec![None; btf.end_id().index()], loose: false }
    }

    pub fn loose(btf: &'a Btf) -> Texts<'a> {
        Texts { loose: true, ..Texts::of(btf) }
    }

    pub fn get(&mut self, id: TypeId) -> Rc<str> {
        self.content(id, 0)
    }

    fn content(&mut self, id: TypeId, depth: usize) -> Rc<str> {
        if let Some(text) = &self.known[id.index()] {
            return text.clone();
        }
        if depth > MAX_DEPTH {
            return "…".into();
        }
        let Some(ty) = self.btf.get(id) else { return "void".into() };
        let text: Rc<str> = self.write(&ty, depth + 1).into();
        // What was cut off deep inside is whole when it is asked for by itself.
        if depth < MAX_DEPTH / 2 {
            self.known[id.index()] = Some(text.clone());
        }
        text
    }

    fn name(&self, offset: u32) -> String {
        String::from_utf8_lossy(self.btf.string(offset).unwrap_or(b"?")).into_owned()
    }

    fn reference(&mut self, id: TypeId, depth: usize) -> Rc<str> {
        let named = self.btf.get(id).filter(|ty| ty.name() != 0).and_then(|ty| {
            let name = self.name(ty.name());
            Some(match ty {
                Type::Struct(_) => format!("struct {name}"),
                Type::Union(_) => format!("union {name}"),
                Type::Enum { .. } => format!("enum {name}"),
                Type::Enum64 { .. } => format!("enum64 {name}"),
                Type::Fwd { .. } => format!("declared {name}"),
                Type::Func { .. } => format!("function {name}"),
                Type::Int { .. } | Type::Float { .. } | Type::Typedef { .. } | Type::Var { .. } => name,
                _ => return None,
            })
        });
        named.map_or_else(|| self.content(id, depth), Rc::from)
    }

    fn write(&mut self, ty: &Type, depth: usize) -> String {
        let name = self.name(ty.name());
        let kind = ty.kind().map_or("KIND", |kind| kind.name());
        match ty {
            Type::Int { size, encoding, offset, bits, .. } => {
                format!("INT {name} size={size} encoding={encoding} bits={bits} offset={offset}")
            }
            Type::Float { size, .. } => format!("FLOAT {name} size={size}"),
            Type::Const(to) if self.loose => self.reference(*to, depth).to_string(),
            Type::Ptr(to) => format!("{} *", self.reference(*to, depth)),
            Type::Const(to) | Type::Volatile(to) | Type::Restrict(to) => {
                format!("{} {}", kind.to_lowercase(), self.reference(*to, depth))
            }
            Type::Typedef { ty, .. } => format!("TYPEDEF {name} = {}", self.reference(*ty, depth)),
            Type::Array { elem, index, nelems } => {
                let (elem, index) = (self.reference(*elem, depth), self.reference(*index, depth));
                format!("{elem}[{nelems} by {index}]")
            }
            Type::Struct(body) | Type::Union(body) => self.aggregate(kind, &name, body, depth),
            Type::Enum { size, signed, values, .. } => {
                let values = values.iter().map(|&(name, value)| (name, u64::from(value)));
                self.enumeration(kind, &name, (*size, *signed), values)
            }
            Type::Enum64 { size, signed, values, .. } => {
                self.enumeration(kind, &name, (*size, *signed), values.iter().copied())
            }
            Type::Fwd { union, .. } => format!("FWD {} {name}", if *union { "union" } else { "struct" }),
            Type::Func { linkage, proto, .. } => format!("FUNC {name} {linkage} {}", self.reference(*proto, depth)),
            Type::FuncProto { ret, params } => {
                let mut text = format!("{}(", self.reference(*ret, depth));
                for (index, param) in params.iter().enumerate() {
                    text += if index == 0 { "" } else { ", " };
                    text += &self.reference(param.ty, depth);
                    if !self.loose {
                        let _ = write!(text, " {}", self.name(param.name));
                    }
                }
                text + ")"
            }
            Type::Var { ty, linkage, .. } => format!("VAR {name} {linkage} {}", self.reference(*ty, depth)),
            Type::Datasec { size, vars, .. } => {
                let mut text = format!("DATASEC {name} size={size}");
                for var in vars {
                    let _ = write!(text, "; {}@{}+{}", self.reference(var.var, depth), var.offset, var.size);
                }
                text
            }
            Type::DeclTag { ty, component, attribute, .. } => {
                format!("DECL_TAG {name} {component} {attribute} {}", self.reference(*ty, depth))
            }
            Type::TypeTag { ty, attribute, .. } => {
                format!("tag({name} {attribute}) {}", self.reference(*ty, depth))
            }
            Type::Unknown(record) => format!("{record:?}"),
        }
    }

    fn aggregate(&mut self, kind: &str, name: &str, body: &Aggregate, depth: usize) -> String {
        let mut text = format!("{kind} {name} size={} bitfields={} {{", body.size, body.kind_flag);
        for member in &body.members {
            let (ty, name) = (self.reference(member.ty, depth), self.name(member.name));
            let _ = write!(text, "{ty} {name}@{}", member.bit_offset(body.kind_flag));
            let _ = write!(text, ":{}; ", member.bitfield_width(body.kind_flag));
        }
        text + "}"
    }

    fn enumeration(
        &self,
        kind: &str,
        name: &str,
        (size, signed): (u32, bool),
        values: impl Iterator<Item = (u32, u64)>,
    ) -> String {
        let mut text = format!("{kind} {name} size={size} signed={signed} {{");
        for (name, value) in values {
            let _ = write!(text, "{}={value}, ", self.name(name));
        }
        text + "}"
    }
}
