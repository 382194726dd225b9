//! Tests of the whole crate. Cases are text in the notation of `btfkit_btf::dump`.

mod fits;
mod limits;
mod meaning;
mod notation;
mod oracle;
mod permute;
mod program;
mod random;
mod real;
mod units;
mod vectors;
