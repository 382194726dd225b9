//! Tests of the whole crate. Cases are text in the notation of `btfkit_btf::dump`.

mod notation;
mod vectors;
