//! Do two prototypes say the same?
//!
//! The rule is the reference's (`types__match` of its `btf_encoder.c`): names of parameters do not count, named types
//! are the same when their names are, a `const` on one side only does not count, and `u32` is not `unsigned int`.

use btfkit_btf::Kind;
use btfkit_btf::dedup::Shallow;

/// Types nested deeper than this, or with more parts, are taken to be the same: only malformed input has them.
const DEPTH: u32 = 64;
const PARTS: u32 = 1 << 16;

pub(crate) fn prototypes_match(a: Shallow<'_>, b: Shallow<'_>) -> bool {
    types_match(a, b, DEPTH, &mut PARTS.clone())
}

fn types_match(mut a: Shallow<'_>, mut b: Shallow<'_>, depth: u32, parts: &mut u32) -> bool {
    if a.same(b) || depth == 0 || *parts == 0 {
        return true;
    }
    *parts -= 1;
    loop {
        if a.is_void() || b.is_void() {
            return a.is_void() && b.is_void();
        }
        if kind(a) == kind(b) {
            break;
        }
        if a.kind() == Kind::Const {
            a = a.target();
        } else if b.kind() == Kind::Const {
            b = b.target();
        } else {
            return false;
        }
    }
    let names = a.name().hash == b.name().hash;
    match a.kind() {
        Kind::Int => names && a.size() == b.size() && a.word() == b.word(),
        Kind::Float => names && a.size() == b.size(),
        Kind::Struct | Kind::Union | Kind::Fwd | Kind::Enum | Kind::Enum64 | Kind::Typedef => names,
        Kind::Ptr | Kind::Const | Kind::Volatile | Kind::Restrict | Kind::TypeTag => {
            types_match(a.target(), b.target(), depth - 1, parts)
        }
        Kind::Array => a.size() == b.size() && types_match(a.target(), b.target(), depth - 1, parts),
        Kind::FuncProto => {
            let (x, y) = (a.members(), b.members());
            x.len() == y.len()
                && types_match(a.target(), b.target(), depth - 1, parts)
                && x.zip(y).all(|((_, x), (_, y))| types_match(x, y, depth - 1, parts))
        }
        _ => false,
    }
}

/// A forward declaration counts as what it declares.
fn kind(t: Shallow<'_>) -> Kind {
    match t.kind() {
        Kind::Fwd if t.flag() => Kind::Union,
        Kind::Fwd => Kind::Struct,
        kind => kind,
    }
}
