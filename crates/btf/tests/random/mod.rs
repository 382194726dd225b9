//! Properties that hold for every program and every blob.

mod blobs;
mod dedup;
mod distill;
mod sound;
