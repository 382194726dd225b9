//! Deduplication of small graphs, by the oracle and by the product.

use super::case::{Case, cases};
use crate::notation;
use crate::oracle::{self, OracleError};
use btfkit_btf::dedup::DedupError;
use btfkit_btf::dump::Dump;
use btfkit_btf::{Btf, Endian};
use std::sync::Arc;

/// A case's input, on its base if it has one.
pub fn input(case: &Case, endian: Endian) -> Btf {
    let text = case.part("in").unwrap();
    match case.part("base") {
        None => Btf::parse(notation::blob(&text, endian, None)).unwrap(),
        Some(base) => {
            let base = Arc::new(Btf::parse(notation::blob(&base, endian, None)).unwrap());
            let blob = notation::blob(&text, endian, Some(&base));
            Btf::parse_split(blob, base).unwrap()
        }
    }
}

pub fn parse_like(input: &Btf, blob: Vec<u8>) -> Btf {
    match input.base() {
        None => Btf::parse(blob).unwrap(),
        Some(base) => Btf::parse_split(blob, Arc::clone(base)).unwrap(),
    }
}

pub fn types(text: &str) -> String {
    text.lines().filter(|line| line.starts_with('[')).flat_map(|line| [line, "\n"]).collect()
}

fn strings(btf: &Btf) -> String {
    let section = String::from_utf8_lossy(btf.string_section()).into_owned();
    let list: Vec<_> = section.split_terminator('\0').map(|text| format!("{text:?}")).collect();
    format!("strings: {}", list.join(", "))
}

/// Runs the cases of a file; a deduplication that gives nothing has found a loop of references.
fn run(file: &'static str, dedup: impl Fn(&Btf) -> Option<Vec<u8>>, strings_too: bool) {
    for case in cases(file) {
        let input = input(&case, Endian::Little);
        let outcome = dedup(&input);
        if let Some(error) = case.line("error") {
            assert_eq!((error, outcome), ("ELOOP", None), "{}", case.title);
            continue;
        }
        let output = parse_like(&input, outcome.expect(case.title));
        let expected = case.part("out").unwrap();
        assert_eq!(Dump(&output).to_string(), types(&expected), "{}", case.title);
        if let Some(line) = expected.lines().find(|line| line.starts_with("strings")).filter(|_| strings_too) {
            assert_eq!(strings(&output), line, "{}", case.title);
        }
    }
}

fn by_oracle(input: &Btf) -> Option<Vec<u8>> {
    let in_the_input = |OracleError::Loop { id }: &OracleError| assert!(*id < input.end_id().index());
    oracle::dedup(input).inspect_err(in_the_input).ok()
}

#[test]
fn the_oracle_gives_what_libbpf_gives() {
    run(include_str!("dedup.txt"), by_oracle, true);
}

#[test]
fn the_oracle_gives_what_libbpf_gives_on_a_base() {
    run(include_str!("split.txt"), by_oracle, true);
}

fn by_product(input: &Btf) -> Option<Vec<u8>> {
    match btfkit_btf::dedup::dedup(input) {
        Ok(blob) => Some(blob),
        Err(error) => {
            assert!(matches!(error, DedupError::Circle(_)), "{error}");
            None
        }
    }
}

// The product's strings are in the order of the output's types, libbpf's in that of the input's.

#[test]
fn the_product_gives_what_libbpf_gives() {
    run(include_str!("dedup.txt"), by_product, false);
}

#[test]
fn the_product_gives_what_libbpf_gives_on_a_base() {
    run(include_str!("split.txt"), by_product, false);
}

/// No language makes such types. libbpf compares them by where they stand.
#[test]
fn a_circle_without_a_name_is_refused_on_a_base() {
    let circles = [
        "[2] STRUCT size=8 { 'm':3@0 }\n[3] PTR -> 2\n",
        "[2] UNION size=8 { 'm':1@0, 'n':2@0 }\n",
        "[2] FUNC_PROTO ret=3 ()\n[3] STRUCT size=8 { 'm':4@0 }\n[4] PTR -> 2\n",
    ];
    for circle in circles {
        let base = Arc::new(
            Btf::parse(notation::blob("[1] INT 'int' size=4 bits=32 signed\n", Endian::Little, None)).unwrap(),
        );
        let split = Btf::parse_split(notation::blob(circle, Endian::Little, Some(&base)), base).unwrap();
        let error = btfkit_btf::dedup::dedup(&split).unwrap_err();
        assert!(matches!(error, DedupError::Circle(id) if id.0 > 1), "{error}");
    }
}
