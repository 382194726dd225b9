//! Structs with fields that the kernel works on itself, for pass F: lists and trees of structs that hold one another.

use crate::parts::{Parts, info};
use crate::random::Random;
use btfkit_btf::Kind;

/// Names with the sizes that the kernel wants.
const SPECIAL: [(&[u8], u32); 8] = [
    (b"bpf_spin_lock", 4),
    (b"bpf_res_spin_lock", 4),
    (b"bpf_list_head", 16),
    (b"bpf_list_node", 24),
    (b"bpf_rb_root", 16),
    (b"bpf_rb_node", 32),
    (b"bpf_refcount", 4),
    (b"bpf_timer", 16),
];

/// Ids of the special types follow that of `int`.
const INT: u32 = 1;
const FIRST: u32 = 2;

pub(crate) fn invented_special(random: &mut Random) -> Parts {
    let mut parts = Parts { records: Vec::new(), strings: vec![0] };
    parts.records.push(vec![0, info(Kind::Int, 0, false), 4, 32]);
    for (name, size) in SPECIAL {
        let size = if random.once_in(40) { size + 4 } else { size };
        let record = vec![parts.string(name), info(Kind::Struct, 0, false), size];
        parts.records.push(record);
    }
    let structs: Vec<u32> = (0..1 + random.word(5)).map(|n| parts.string(format!("s{n}").as_bytes())).collect();
    let members = [parts.string(b"a"), parts.string(b"b"), parts.string(b"c")];
    let mut made = Vec::new();
    for (n, &name) in structs.iter().enumerate() {
        let (mut words, mut offset) = (vec![name, 0, 0], 0);
        // Lists and trees, by the number of the member.
        let mut roots = Vec::new();
        let count = 1 + random.word(4);
        for index in 0..count {
            let (ty, size, root) = member(random, &mut parts, &made);
            roots.extend(root.map(|root| (index, root)));
            let step = *random.pick(&[4, 8, 8, 8]);
            offset = u32::next_multiple_of(offset, step);
            words.extend([*random.pick(&members), ty, 8 * offset]);
            offset += if random.once_in(30) { size / 2 } else { size };
        }
        words[1] = info(Kind::Struct, count, false);
        words[2] = offset.next_multiple_of(8);
        parts.records.push(words);
        let id = parts.end_id() - 1;
        made.push((id, offset.next_multiple_of(8)));
        for (index, _) in roots {
            if random.once_in(20) {
                continue;
            }
            let to = if random.once_in(12) { random.below(8) } else { (n + random.below(2)).min(structs.len() - 1) };
            let link = *random.pick(&["a", "b", "c", "a", "b", "c", "", "x"]);
            let value = parts.string(format!("contains:s{to}:{link}").as_bytes());
            for _ in 0..if random.once_in(20) { 2 } else { 1 } {
                parts.records.push(vec![value, info(Kind::DeclTag, 0, false), id, index]);
            }
        }
    }
    parts
}

/// Id and size of a member's type, and whether it is a list or tree.
fn member(random: &mut Random, parts: &mut Parts, made: &[(u32, u32)]) -> (u32, u32, Option<()>) {
    let (ty, size, root) = match random.below(8) {
        0 => (INT, 4, false),
        1 if !made.is_empty() => {
            let (id, size) = *random.pick(made);
            (id, size, false)
        }
        2 => pointer(random, parts),
        _ => {
            let at = random.below(SPECIAL.len());
            (FIRST + at as u32, SPECIAL[at].1, SPECIAL[at].0.ends_with(b"head") || SPECIAL[at].0.ends_with(b"root"))
        }
    };
    let root = root.then_some(());
    if random.once_in(8) {
        let count = *random.pick(&[0, 1, 2, 3, 12, 0x4000_0000]);
        parts.records.push(vec![0, info(Kind::Array, 0, false), 0, ty, INT, count]);
        return (parts.end_id() - 1, size.saturating_mul(count).min(1 << 20), root);
    }
    (ty, size, root)
}

/// A pointer, tagged or not.
fn pointer(random: &mut Random, parts: &mut Parts) -> (u32, u32, bool) {
    let mut target = *random.pick(&[0, INT, FIRST]);
    for _ in 0..random.below(3) {
        let name = parts.string(random.pick::<&[u8]>(&[b"rcu", b"uptr", b"user"]));
        parts.records.push(vec![name, info(Kind::TypeTag, 0, random.once_in(4)), target]);
        target = parts.end_id() - 1;
    }
    parts.records.push(vec![0, info(Kind::Ptr, 0, false), target]);
    if random.once_in(4) {
        parts.records.push(vec![0, info(Kind::Volatile, 0, false), parts.end_id() - 1]);
    }
    (parts.end_id() - 1, 8, false)
}
