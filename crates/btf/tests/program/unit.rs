//! Types of units, in the order in which they are first needed.

use super::choices::Choices;
use super::stock::{AGGREGATES, Body, Draw, ENUMS, Expr, INTS, Stock, TYPEDEFS};
use btfkit_btf::{Aggregate, Member, Param, Type, TypeId, Writer, encoding, linkage};
use std::collections::HashMap;

/// Several units; ids go on from the writer's.
pub struct Units<'p> {
    stock: &'p Stock,
    choices: &'p mut Choices,
    writer: &'p mut Writer,
    first: u32,
    types: Vec<Option<Type>>,
    known: Vec<Known>,
    ends: Vec<u32>,
}

/// What a unit declares, and what it has written so far.
#[derive(Default)]
struct Known {
    /// Which definition of each struct or union it has, if any.
    aggregates: Vec<Option<usize>>,
    typedefs: Vec<usize>,
    enums: Vec<Option<usize>>,
    written: HashMap<Expr, TypeId>,
}

impl<'p> Units<'p> {
    pub fn new(stock: &'p Stock, choices: &'p mut Choices, writer: &'p mut Writer) -> Units<'p> {
        let first = writer.next_id().0;
        Units { stock, choices, writer, first, types: Vec::new(), known: Vec::new(), ends: Vec::new() }
    }

    /// The types, and one past the last id of each unit.
    pub fn finish(self) -> (Vec<Type>, Vec<u32>) {
        let types = self.types.into_iter().map(|ty| ty.expect("every id that was given is filled"));
        (types.collect(), self.ends)
    }

    /// One more unit: a few declarations and all that they need.
    pub fn unit(&mut self) {
        let choices = &mut self.choices;
        // In many programs nearly all units know the first definition.
        let rarely = self.stock.usual_definitions;
        let pick = |choices: &mut Choices, count: usize| match rarely && !choices.once_in(8) {
            true => 0,
            false => choices.below(count),
        };
        let known = Known {
            aggregates: (self.stock.aggregates.iter())
                .map(|variants| (!choices.once_in(3)).then(|| pick(choices, variants.len())))
                .collect(),
            typedefs: self.stock.typedefs.iter().map(|variants| pick(choices, variants.len())).collect(),
            enums: (self.stock.enums.iter())
                .map(|variants| (!choices.once_in(3)).then(|| pick(choices, variants.len())))
                .collect(),
            written: HashMap::new(),
        };
        self.known.push(known);
        let unit = self.known.len() - 1;
        for _ in 0..1 + self.choices.below(4) {
            let root = match self.choices.below(4) {
                0 | 1 => Expr::Aggregate(self.choices.below(AGGREGATES.len())),
                2 => Expr::Typedef(self.choices.below(TYPEDEFS.len())),
                _ => Draw { choices: &mut *self.choices, typedefs: TYPEDEFS.len(), depth: 0 }.pointer(),
            };
            self.write(unit, &root);
        }
        self.ends.push(self.first + self.types.len() as u32);
    }

    /// A function of each unit, after all units.
    pub fn functions(&mut self) {
        for unit in 0..self.known.len() {
            let proto = Draw { choices: &mut *self.choices, typedefs: TYPEDEFS.len(), depth: 0 }.proto();
            let proto = self.write(unit, &proto);
            let text = ["g", "h"][self.choices.below(2)];
            let name = self.name(text);
            let id = self.reserve();
            self.fill(id, Type::Func { name, linkage: linkage::STATIC, proto });
        }
    }

    fn name(&mut self, text: &str) -> u32 {
        self.writer.string(text.as_bytes()).unwrap()
    }

    fn reserve(&mut self) -> TypeId {
        self.types.push(None);
        TypeId(self.first + self.types.len() as u32 - 1)
    }

    fn fill(&mut self, id: TypeId, ty: Type) {
        self.types[(id.0 - self.first) as usize] = Some(ty);
    }

    /// The id of a type in a unit, which is written when it is first used there.
    fn write(&mut self, unit: usize, expr: &Expr) -> TypeId {
        if *expr == Expr::Void {
            return TypeId::VOID;
        }
        // Each anonymous struct is one of its own; of arrays compilers sometimes describe one twice.
        let again = match expr {
            Expr::Anonymous(_) => true,
            Expr::Array(..) => self.choices.once_in(4),
            _ => false,
        };
        if let Some(id) = self.known[unit].written.get(expr).filter(|_| !again) {
            return *id;
        }
        let id = self.reserve();
        self.known[unit].written.insert(expr.clone(), id);
        let ty = self.ty(unit, expr);
        self.fill(id, ty);
        id
    }

    fn ty(&mut self, unit: usize, expr: &Expr) -> Type {
        match expr {
            Expr::Void => unreachable!("void has no record"),
            Expr::Int(index) => {
                let (name, size) = INTS[*index];
                let (name, bits) = (self.name(name), 8 * size as u8);
                Type::Int { name, size, encoding: encoding::SIGNED, offset: 0, bits }
            }
            Expr::Aggregate(index) => {
                let stock = self.stock;
                let name = self.name(AGGREGATES[*index]);
                match self.known[unit].aggregates[*index] {
                    Some(variant) => self.aggregate(unit, name, &stock.aggregates[*index][variant]),
                    None => Type::Fwd { name, union: stock.aggregates[*index][0].union },
                }
            }
            Expr::Typedef(index) => {
                let stock = self.stock;
                let target = &stock.typedefs[*index][self.known[unit].typedefs[*index]];
                Type::Typedef { name: self.name(TYPEDEFS[*index]), ty: self.write(unit, target) }
            }
            Expr::Enum(index) => {
                let stock = self.stock;
                let variant = self.known[unit].enums[*index];
                let texts = variant.map_or(&[][..], |variant| &stock.enums[*index][variant]);
                let values = texts.iter().zip(0..).map(|(text, value)| (self.name(text), value)).collect();
                Type::Enum { name: self.name(ENUMS[*index]), size: 4, signed: false, values }
            }
            Expr::Ptr(target) => Type::Ptr(self.write(unit, target)),
            Expr::Const(target) => Type::Const(self.write(unit, target)),
            Expr::Volatile(target) => Type::Volatile(self.write(unit, target)),
            Expr::Array(elem, nelems) => {
                let elem = self.write(unit, elem);
                Type::Array { elem, index: self.write(unit, &Expr::Int(0)), nelems: *nelems }
            }
            Expr::Anonymous(body) => self.aggregate(unit, 0, body),
            Expr::Proto(ret, params) => {
                let ret = self.write(unit, ret);
                let param = |(name, ty): &(&str, Expr)| Param { name: self.name(name), ty: self.write(unit, ty) };
                Type::FuncProto { ret, params: params.iter().map(param).collect() }
            }
        }
    }

    fn aggregate(&mut self, unit: usize, name: u32, body: &Body) -> Type {
        let mut members = Vec::new();
        for (at, (name, ty)) in body.members.iter().enumerate() {
            let ty = self.member(unit, ty);
            let offset = if body.union { 0 } else { 1024 * at as u32 };
            members.push(Member { name: self.name(name), ty, offset });
        }
        let size = 128 * body.members.len() as u32;
        let body_of = Aggregate { name, size, kind_flag: false, members };
        if body.union { Type::Union(body_of) } else { Type::Struct(body_of) }
    }

    /// A member's type; what the unit knows no size of is pointed to instead.
    fn member(&mut self, unit: usize, ty: &Expr) -> TypeId {
        let complete = match ty {
            Expr::Aggregate(index) => self.known[unit].aggregates[*index].is_some(),
            Expr::Typedef(index) => self.stock.is_complete(*index),
            _ => true,
        };
        if complete { self.write(unit, ty) } else { self.write(unit, &Expr::Ptr(Box::new(ty.clone()))) }
    }
}
