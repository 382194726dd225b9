//! Rule by rule: a tree of DWARF entries in, lines of BTF out.

#[path = "../common/mod.rs"]
mod common;

mod arrays;
mod base_types;
mod bitfields;
mod enums;
mod forms;
mod functions;
mod kfuncs;
mod names;
mod references;
mod registers;
mod structs;
mod tags;
mod uncertain;
mod units;
mod variables;
