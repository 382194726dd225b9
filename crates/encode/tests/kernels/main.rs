//! Encodings of real kernels and of programs of real size, compared with those of the reference.
//!
//! What is compared with depends on what there is: `BTFKIT_GOLDEN` names a folder of reference encodings
//! (`KERNEL.tar.zst`), kernels come from the cache that `scripts/get-kernel.mjs` fills, `BTFKIT_TEST_ELF` names more
//! files (separated by colons), `PAHOLE` the program to compare with in place of the one on PATH. A test says on
//! standard error what it could not do.

mod acceptance;
mod compilers;
mod difference;
mod explain;
mod faults;
mod inputs;
#[path = "../../../btf/tests/meaning/mod.rs"]
mod meaning;
mod modules;
mod pahole;
mod program;
mod text;

use acceptance::Answer;
use btfkit_btf::dedup::dedup;
use btfkit_btf::{Btf, Kind};
use btfkit_encode::{Options, encode_file};
use compilers::Link;
use explain::{Against, Judge};
use inputs::{Encoding, Machine, skipped};
use pahole::Pahole;
use std::path::Path;
use std::sync::atomic::AtomicBool;

#[test]
fn kernels_are_as_in_the_reference_encodings() {
    let Some(golden) = inputs::golden_folder() else {
        return skipped("reference encodings: BTFKIT_GOLDEN names no folder of them");
    };
    let mut compared = 0;
    for (kernel, archive) in inputs::golden_archives(&golden) {
        let Some(path) = inputs::files().into_iter().find(|path| inputs::kernel_of(path) == Some(kernel.as_str()))
        else {
            skipped(&format!("the reference encoding of {kernel}: that kernel is not in the cache"));
            continue;
        };
        let reference = inputs::btf_of_archive(&archive);
        let ours = inputs::encoded(&path);
        Judge { ours: &ours, theirs: &reference, against: Against::Golden { kernel: &kernel } }.same(&kernel);
        compared += 1;
    }
    if compared == 0 {
        skipped(&format!("reference encodings: none in {} of a kernel that is here", golden.display()));
    }
}

#[test]
fn kernels_are_as_pahole_encodes_them() {
    let archives = inputs::golden_folder().map(|folder| inputs::golden_archives(&folder)).unwrap_or_default();
    let has_golden = |path: &Path| archives.iter().any(|(kernel, _)| inputs::kernel_of(path) == Some(kernel.as_str()));
    let files: Vec<_> = inputs::files().into_iter().filter(|path| !has_golden(path)).collect();
    if files.is_empty() {
        return skipped(
            "comparing with pahole: no kernel in the cache without a reference encoding, no BTFKIT_TEST_ELF",
        );
    }
    let Some(pahole) = Pahole::find() else { return };
    for path in files {
        pahole.compare(&path, &inputs::encoded(&path));
    }
}

#[test]
fn bytes_are_the_same_at_any_number_of_threads() {
    each_file("thread counts", |path, ours| {
        for jobs in [1, 2] {
            let options = Options { jobs: Some(jobs), ..inputs::options() };
            let again = encode_file(path, &options, None, &AtomicBool::new(false)).expect("an encoding");
            assert!(again.btf == ours.btf.bytes(), "{}: other bytes at {jobs} threads", path.display());
        }
    });
}

#[test]
fn nothing_is_left_to_deduplicate() {
    each_file("deduplication", |path, ours| {
        let again = Btf::parse(dedup(&ours.btf).expect("a deduplicated BTF")).expect("BTF");
        if let Err(differences) = meaning::compare(&ours.btf, &again) {
            panic!("{}: not the same deduplicated once more:\n{differences}", path.display());
        }
    });
}

#[test]
fn the_running_kernel_accepts_them() {
    each_file("the running kernel's answer", |path, ours| {
        if ours.machine != Machine::native() {
            return skipped(&format!("the running kernel's answer to {}: of another machine", path.display()));
        }
        match acceptance::ask(ours.btf.bytes()) {
            Answer::Accepted => {}
            Answer::None(why) => skipped(&format!("the running kernel's answer: {why}")),
            Answer::Refused(why) => panic!("{}: the running kernel refuses it: {why}", path.display()),
        }
    });
}

fn each_file(what: &str, check: impl Fn(&Path, &Encoding)) {
    let files = inputs::files();
    if files.is_empty() {
        skipped(&format!("{what}: no kernel in the cache, no BTFKIT_TEST_ELF"));
    }
    for path in files {
        check(&path, &inputs::encoded(&path));
    }
}

/// Compiles the generated program, encodes it, and compares with pahole.
fn program_is_as_pahole_encodes_it(compiler: &str, flags: &[&str], link: Link, tools: &[&str]) {
    let Some(path) = compilers::build(compiler, flags, link, tools) else { return };
    let ours = Encoding::of(&path);
    assert!(ours.count(Kind::Struct) > program::RECORDS / 2, "only {} structs came out", ours.count(Kind::Struct));
    // Of a program that is optimized as a whole, few functions stay what they were.
    assert!(ours.count(Kind::Func) > program::FUNCTIONS / 12, "only {} functions came out", ours.count(Kind::Func));
    let Some(pahole) = Pahole::find() else { return };
    pahole.compare(&path, &ours);
}

const PLAIN: Link = Link::Program(&[]);

#[test]
fn program_by_gcc_with_dwarf_4_and_compressed() {
    program_is_as_pahole_encodes_it("gcc", &["-gdwarf-4", "-gz=zlib"], PLAIN, &[]);
}

#[test]
fn program_by_gcc_with_dwarf_5() {
    program_is_as_pahole_encodes_it("gcc", &["-gdwarf-5"], PLAIN, &[]);
}

#[test]
fn program_by_gcc_whose_units_refer_to_each_other() {
    program_is_as_pahole_encodes_it("gcc", &["-gdwarf-5", "-flto"], PLAIN, &[]);
}

#[test]
fn object_by_gcc() {
    program_is_as_pahole_encodes_it("gcc", &["-gdwarf-5"], Link::Relocatable, &[]);
}

#[test]
fn program_by_clang_with_dwarf_4() {
    program_is_as_pahole_encodes_it("clang", &["-gdwarf-4"], PLAIN, &[]);
}

#[test]
fn program_by_clang_with_dwarf_5_and_compressed() {
    program_is_as_pahole_encodes_it("clang", &["-gdwarf-5", "-gz=zlib"], PLAIN, &[]);
}

#[test]
fn program_by_clang_with_thin_lto() {
    let linker = Link::Program(&["-fuse-ld=lld"]);
    program_is_as_pahole_encodes_it("clang", &["-gdwarf-5", "-flto=thin"], linker, &["ld.lld"]);
}

#[test]
fn object_by_clang() {
    program_is_as_pahole_encodes_it("clang", &["-gdwarf-5"], Link::Relocatable, &[]);
}
