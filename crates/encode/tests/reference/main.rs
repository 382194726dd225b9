//! Whole kernels, as far as there are any: those that `scripts/get-kernel.mjs` has put into the cache, and files that
//! `BTFKIT_TEST_ELF` names (separated by colons). What cannot be had or asked is skipped, and that is said.

#[path = "../../../btf/tests/meaning/mod.rs"]
mod meaning;

mod bpf;
mod reference;

use btfkit_btf::{Btf, Kind, TypeId};
use btfkit_encode::{Encoded, Options, encode_file, language_code};
use reference::Reference;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// Rounds of the comparison: how far around each type two graphs must be the same.
const ROUNDS: usize = 12;

/// Functions that the reference emits although a tracing program could not read their arguments, and the rule by which
/// they are left out here. docs/differences.md has the rules.
const LEFT_OUT: [(&str, &str); 2] = [
    // struct bvec_iter is packed, has 20 bytes, and is passed on the stack of x86-64 as the second parameter.
    ("zero_fill_bio_iter", "uncertain-location"),
    // const struct timespec64 has 12 bytes on i386, and only behind the const.
    ("timespec64_add_safe", "uncertain-location"),
];

fn kernels() -> Vec<PathBuf> {
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/kernels");
    let list = |folder: &Path| -> Vec<PathBuf> {
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    };
    let boot = |package: PathBuf| list(&package.join("usr/lib/debug/boot"));
    let mut found: Vec<PathBuf> = list(&cache).into_iter().flat_map(boot).collect();
    if let Some(named) = std::env::var_os("BTFKIT_TEST_ELF") {
        found.extend(std::env::split_paths(&named));
    }
    found.sort();
    if found.is_empty() {
        eprintln!(
            "skipped: no kernel in .cache/kernels (scripts/get-kernel.mjs gets one), and BTFKIT_TEST_ELF is not set"
        );
    }
    found
}

fn encode(path: &Path, jobs: usize) -> Encoded {
    let rust = language_code("rust").expect("a known language");
    let options = Options { jobs: Some(jobs), lang_exclude: vec![rust], ..Options::default() };
    encode_file(path, &options, &AtomicBool::new(false)).unwrap_or_else(|error| panic!("{error}"))
}

fn parse(bytes: &[u8]) -> Btf {
    Btf::parse(bytes.to_vec()).expect("BTF that can be read")
}

#[test]
fn the_same_bytes_at_any_number_of_threads_and_in_each_run() {
    for kernel in kernels() {
        let first = encode(&kernel, 1).btf;
        for jobs in [2, 3, 2] {
            assert!(encode(&kernel, jobs).btf == first, "{} at {jobs} threads", kernel.display());
        }
    }
}

#[test]
fn nothing_is_left_to_deduplicate() {
    for kernel in kernels() {
        let btf = parse(&encode(&kernel, 2).btf);
        let again = parse(&btfkit_btf::dedup::dedup(&btf).expect("valid BTF"));
        assert_eq!(again.len(), btf.len(), "{}", kernel.display());
        assert_eq!(meaning::compare(&btf, &again), Ok(()), "{}", kernel.display());
    }
}

#[test]
fn the_running_kernel_accepts_it() {
    for kernel in kernels() {
        let encoded = encode(&kernel, 2);
        let (native, wide) =
            (parse(&encoded.btf).endian() == btfkit_btf::Endian::NATIVE, reference::is_64_bit(&kernel));
        if !native || !wide {
            eprintln!("skipped: {} is of another byte order or word size than the running kernel", kernel.display());
            continue;
        }
        match bpf::load(&encoded.btf) {
            bpf::Answer::Accepted => {}
            bpf::Answer::None(why) => eprintln!("skipped: the running kernel gives no answer: {why}"),
            bpf::Answer::Refused(errno, log) => panic!("{}: refused with errno {errno}: {log}", kernel.display()),
        }
    }
}

/// The names of the functions among the types; every other type must be a prototype (of one of them).
fn functions(btf: &Btf, ids: &[TypeId], of: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for &id in ids {
        match btf.kind(id) {
            Some(Kind::Func) => {
                let name = btf.name(id).expect("functions have names");
                names.insert(String::from_utf8_lossy(name).into_owned());
            }
            Some(Kind::FuncProto) => {}
            _ => panic!("only in {of}: {}", btfkit_btf::dump::line(btf, id).expect("a type of its own")),
        }
    }
    names
}

fn function_ids(btf: &Btf) -> Vec<TypeId> {
    btf.records().filter(|(_, record)| record.kind() == Some(Kind::Func)).map(|(id, _)| id).collect()
}

#[test]
fn the_same_graph_as_the_reference() {
    for kernel in kernels() {
        let Some(reference) = Reference::of(&kernel) else { continue };
        let encoded = encode(&kernel, 2);
        let (ours, theirs) = (parse(&encoded.btf), parse(&reference.btf));
        let [only_theirs, only_ours] = meaning::differences(&theirs, &ours, ROUNDS);
        let only_theirs = functions(&theirs, &only_theirs, "the reference's");
        let only_ours = functions(&ours, &only_ours, "ours");
        let named = |btf: &Btf| functions(btf, &function_ids(btf), "it");
        let (all_ours, all_theirs) = (named(&ours), named(&theirs));
        // A function of both, with the prototype of another unit: the newest reference takes what the linker has kept,
        // an old one what it met first, or both.
        let other_prototype = only_theirs.intersection(&all_ours).count();
        let missing: Vec<&String> = only_theirs.difference(&all_ours).collect();
        let more: Vec<&String> = only_ours.difference(&all_theirs).collect();
        eprintln!(
            "{}, {}: {} types the same; functions: {} left out, {} more, {other_prototype} with another prototype",
            kernel.display(),
            reference.name,
            ours.len() - only_ours.len(),
            missing.len(),
            more.len(),
        );
        for &name in &missing {
            let skipped = encoded.report.skipped.iter().find(|s| s.what == "function" && s.name == *name);
            let skipped = skipped.unwrap_or_else(|| panic!("{name} is missing, and nothing says why"));
            if reference.newest {
                let listed = LEFT_OUT.iter().find(|(listed, _)| listed == name);
                let (_, reason) = listed.unwrap_or_else(|| panic!("{name}: {}, and not listed", skipped.reason));
                assert_eq!(skipped.reason, *reason, "{name}");
            }
        }
        if reference.newest {
            assert_eq!(other_prototype, 0);
            // 32-bit ARM has four parameter registers, of which the reference counts eight.
            assert!(more.is_empty() || reference.machine == reference::EM_ARM, "only in ours: {more:?}");
        }
    }
}
