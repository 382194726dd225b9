//! The quick way to tell that nothing is wrong with types, beside the kernel's.

use crate::notation;
use btfkit_btf::validate::{Context, Pass, Rules};
use btfkit_btf::{Btf, Endian};
use proptest::prelude::*;
use std::fmt::Write;

/// A type by number of a kind, two others and a number.
type Seed = (u8, u32, u32, u32);

fn line(id: u32, types: u32, (kind, one, other, number): Seed) -> String {
    // One that is there mostly, and not far.
    let to = |of: u32| match of {
        0..3 => 1,
        3..5 => 2,
        _ => (id + of) % (types + 2),
    };
    let (a, b) = (to(one), to(other));
    let (size, place) = (number % 6 * 4, number % 3 * 32);
    match kind {
        0 => format!("[{id}] INT 'int' size=8 bits={} signed", [8, 32, 13, 64][number as usize % 4]),
        1 | 2 => format!("[{id}] PTR -> {a}"),
        3 => format!("[{id}] CONST -> {a}"),
        4 => format!("[{id}] TYPEDEF 't' -> {a}"),
        5 => format!("[{id}] ARRAY elem={a} index=1 n={}", [0, 1, 3, 1 << 30][number as usize % 4]),
        6 | 7 => format!("[{id}] STRUCT 's' size={size} {{ 'a':{a}@0, 'b':{b}@{place} }}"),
        8 => format!("[{id}] STRUCT 'k' size={size} kflag {{ 'a':{a}@0:{}, 'b':{b}@{place} }}", number % 9),
        9 => format!("[{id}] UNION 'u' size={size} {{ 'a':{a}@0, 'b':{b}@0 }}"),
        10 => format!("[{id}] FWD 'f' struct"),
        11 => format!("[{id}] FUNC_PROTO ret={a} ('p':{b}, {}:{a})", if number % 4 == 0 { "_" } else { "'q'" }),
        12 => format!("[{id}] FUNC 'g' static -> {a}"),
        13 => format!("[{id}] ENUM 'e' size=4 unsigned {{ 'v'=1 }}"),
        14 => format!("[{id}] FLOAT 'd' size=8"),
        15 => format!("[{id}] VAR 'v' static -> {a}"),
        16 => format!("[{id}] DATASEC '.d' size=32 {{ {a}@0+{size} }}"),
        17 => format!("[{id}] DECL_TAG 'tag' -> {a} idx={}", number as i32 % 3 - 1),
        _ => format!("[{id}] PTR -> {}", id + 1),
    }
}

fn seeds() -> impl Strategy<Value = Vec<Seed>> {
    proptest::collection::vec((0u8..19, 0u32..12, 0u32..12, 0u32..36), 1..40)
}

/// Whether a program could load it, and whether a verdict finds references that are wrong.
fn told(blob: &[u8], base: Option<&Btf>, context: Context) -> (Option<Pass>, bool) {
    let refusal = Rules::new(Context::Load).check(blob, base).err();
    let verdict = Rules::new(context).judge(blob, base);
    let of_references = |source: &str| source == Pass::References.source() || source.starts_with("libbpf");
    (refusal.map(|refusal| refusal.pass), verdict.findings.iter().any(|finding| of_references(finding.source)))
}

const FIRST: &str = "[1] INT 'int' size=4 bits=32 signed\n[2] STRUCT 'two' size=8 { 'x':1@0, 'y':1@32 }\n";

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_taken_for_sound_is_what_the_kernel_loads(seeds in seeds(), split in 0usize..40) {
        let types = seeds.len() as u32 + 2;
        let split = split.min(seeds.len());
        let text = |from: usize, to: usize| {
            let lines = (from..to).map(|at| line(at as u32 + 3, types, seeds[at]));
            lines.fold(String::new(), |mut text, line| { let _ = writeln!(text, "{line}"); text })
        };
        let whole = notation::blob(&(FIRST.to_owned() + &text(0, seeds.len())), Endian::Little, None);
        match told(&whole, None, Context::Vmlinux) {
            (None, found) => prop_assert!(!found),
            (Some(Pass::References), found) => prop_assert!(found),
            _ => {}
        }
        // How large a section's variables are is asked of those that are resolved already, as the base's are only where
        // both are loaded as one.
        if seeds[split..].iter().any(|(kind, ..)| *kind == 16) {
            return Ok(());
        }
        // A base that nobody would load says nothing of what stands on it.
        let base = notation::blob(&(FIRST.to_owned() + &text(0, split)), Endian::Little, None);
        if Rules::new(Context::Load).check(&base, None).is_err() {
            return Ok(());
        }
        let Ok(base) = Btf::parse(base) else { return Ok(()) };
        let blob = notation::blob(&text(split, seeds.len()), Endian::Little, Some(&base));
        // What is remembered of the base is of use the second time.
        for _ in 0..2 {
            match told(&blob, Some(&base), Context::Module) {
                (None, found) => prop_assert!(!found),
                (Some(Pass::References), found) => prop_assert!(found),
                _ => {}
            }
        }
    }
}
