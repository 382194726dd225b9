//! Cases kept as text, beside this file: deduplication (D, S, X), appending (W01), distilled bases (B, Y), relocation (B, Z),
//! orders of types (P) and what kernels say (V, and probes without a number).
//!
//! Not kept as text, as the notation cannot tell them:
//!
//! - S04 is two: what the base becomes is in `dedup.txt`, what then stands on it in `split.txt`.
//! - B06 has the running kernel's BTF for a base: `distill.txt` has one of all kinds instead, `real` a kernel's.
//! - Z16 gives no other base, or none: in `relocate.rs`, where the type of the argument leaves no way to give none.
//! - P12 has kinds that no released kernel and no released libbpf knows.
//! - W02 is what libbpf's functions refuse. `Writer` is handed whole types, and the validator judges them (V).
//! - G are bytes, which the notation is there to spare: `golden.rs`, `endian.rs` (E), `layout.rs` (L).
//! - T are properties of libbpf's objects and of its C printer; what they say of ids and strings is in `golden.rs`.
//! - R are the tool's that fills in `.BTF_ids`, which is not part of this.

mod append;
pub mod case;
pub mod dedup;
mod distill;
mod endian;
mod golden;
mod headers;
mod kernel;
mod layout;
mod permute;
mod relocate;
mod units;
mod verdicts;
