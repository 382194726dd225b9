//! Rule by rule: a tree of DWARF entries in, lines of BTF out.

#[path = "../common/mod.rs"]
mod common;

mod abbreviations;
mod arrays;
mod base;
mod base_types;
mod bitfields;
mod enums;
mod forms;
mod functions;
mod hostile;
mod kfuncs;
mod names;
mod outcome;
mod references;
mod registers;
mod sources;
mod structs;
mod tags;
mod true_signature;
mod uncertain;
mod units;
mod variables;
