//! Declarations that the units of a program share.

use super::choices::Choices;

/// A C type as it is spelled.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expr {
    Void,
    Int(usize),
    Aggregate(usize),
    Typedef(usize),
    Enum(usize),
    Ptr(Box<Expr>),
    Const(Box<Expr>),
    Volatile(Box<Expr>),
    Array(Box<Expr>, u32),
    Anonymous(Body),
    Proto(Box<Expr>, Vec<(&'static str, Expr)>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Body {
    pub union: bool,
    pub members: Vec<(&'static str, Expr)>,
}

#[derive(Clone, Debug)]
pub struct Stock {
    /// Definitions by name.
    pub aggregates: Vec<Vec<Body>>,
    pub typedefs: Vec<Vec<Expr>>,
    pub enums: Vec<Vec<Vec<&'static str>>>,
    /// Only a few units know other definitions than the first ones.
    pub usual_definitions: bool,
}

pub const INTS: [(&str, u32); 3] = [("int", 4), ("char", 1), ("long", 8)];
pub const AGGREGATES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
pub const TYPEDEFS: [&str; 4] = ["t", "u", "v", "w"];
pub const ENUMS: [&str; 2] = ["x", "y"];
const MEMBERS: [&str; 3] = ["m", "n", "o"];
const VALUES: [&str; 3] = ["ONE", "TWO", "THREE"];

impl Stock {
    pub fn draw(choices: &mut Choices) -> Stock {
        let usual_definitions = choices.once_in(2);
        let enums = ENUMS.map(|_| variants(choices, |choices| VALUES[choices.below(3)..].to_vec()));
        let mut typedefs = Vec::new();
        for index in 0..TYPEDEFS.len() {
            typedefs.push(variants(choices, |choices| Draw { choices, typedefs: index, depth: 0 }.target()));
        }
        let mut aggregates = Vec::new();
        for index in 0..AGGREGATES.len() {
            let union = choices.once_in(4);
            aggregates.push(variants(choices, |choices| {
                let union = union != choices.once_in(12);
                Draw { choices, typedefs: TYPEDEFS.len(), depth: 0 }.body(union, index)
            }));
        }
        Stock { aggregates, typedefs, enums: enums.to_vec(), usual_definitions }
    }

    /// Whether a typedef names an object of known size, whatever the unit knows.
    pub fn is_complete(&self, typedef: usize) -> bool {
        let complete = |target: &Expr| !matches!(target, Expr::Void | Expr::Aggregate(_) | Expr::Proto(..));
        self.typedefs[typedef].iter().all(complete)
    }
}

fn variants<T>(choices: &mut Choices, mut one: impl FnMut(&mut Choices) -> T) -> Vec<T> {
    let count = [1, 1, 1, 1, 2, 3][choices.below(6)];
    (0..count).map(|_| one(choices)).collect()
}

/// Draws types that use only the first few typedefs.
pub struct Draw<'c> {
    pub choices: &'c mut Choices,
    pub typedefs: usize,
    pub depth: usize,
}

impl Draw<'_> {
    fn deeper<T>(&mut self, draw: impl FnOnce(&mut Self) -> T) -> T {
        self.depth += 1;
        let drawn = draw(self);
        self.depth -= 1;
        drawn
    }

    /// What a typedef stands for.
    fn target(&mut self) -> Expr {
        match self.choices.below(4) {
            0 => Expr::Aggregate(self.choices.below(AGGREGATES.len())),
            1 => Expr::Int(self.choices.below(INTS.len())),
            2 => self.deeper(|draw| draw.pointer()),
            _ => self.deeper(|draw| draw.value(0)),
        }
    }

    pub fn body(&mut self, union: bool, aggregates: usize) -> Body {
        let count = self.choices.below(MEMBERS.len() + 1);
        let members = (0..count).map(|at| (MEMBERS[at], self.deeper(|draw| draw.value(aggregates)))).collect();
        Body { union, members }
    }

    /// An object; by value it contains only the first few structs and unions.
    fn value(&mut self, aggregates: usize) -> Expr {
        let kinds = if self.depth > 3 { 3 } else { 9 };
        match self.choices.below(kinds) {
            0 => Expr::Int(self.choices.below(INTS.len())),
            1 => Expr::Ptr(Box::new(Expr::Aggregate(self.choices.below(AGGREGATES.len())))),
            2 if aggregates > 0 => Expr::Aggregate(self.choices.below(aggregates)),
            2 => Expr::Enum(self.choices.below(ENUMS.len())),
            3 | 4 => self.deeper(|draw| draw.pointer()),
            5 => {
                let elem = self.deeper(|draw| draw.value(aggregates));
                Expr::Array(Box::new(elem), 1 + self.choices.below(2) as u32)
            }
            6 if self.typedefs > 0 => Expr::Typedef(self.choices.below(self.typedefs)),
            7 => {
                let union = self.choices.once_in(3);
                Expr::Anonymous(self.deeper(|draw| draw.body(union, aggregates)))
            }
            8 => Expr::Const(Box::new(self.deeper(|draw| draw.value(aggregates)))),
            _ => Expr::Enum(self.choices.below(ENUMS.len())),
        }
    }

    pub fn pointer(&mut self) -> Expr {
        let target = match self.choices.below(7) {
            0 | 1 => Expr::Aggregate(self.choices.below(AGGREGATES.len())),
            2 => Expr::Void,
            3 if self.typedefs > 0 => Expr::Typedef(self.choices.below(self.typedefs)),
            4 if self.depth < 3 => self.deeper(|draw| draw.proto()),
            5 => Expr::Const(Box::new(Expr::Aggregate(self.choices.below(AGGREGATES.len())))),
            6 if self.depth < 3 => Expr::Volatile(Box::new(self.deeper(|draw| draw.value(0)))),
            _ => Expr::Int(self.choices.below(INTS.len())),
        };
        Expr::Ptr(Box::new(target))
    }

    pub fn proto(&mut self) -> Expr {
        let ret = if self.choices.once_in(2) { self.deeper(|draw| draw.value(0)) } else { Expr::Void };
        let count = self.choices.below(3);
        let params = (0..count).map(|at| (["p", "q"][at], self.deeper(|draw| draw.value(0)))).collect();
        Expr::Proto(Box::new(ret), params)
    }
}
