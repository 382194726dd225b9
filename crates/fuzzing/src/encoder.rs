//! The whole encoder, as it takes one module after another: on the calling thread, with what it keeps from one to the
//! next. Threads for each input would take longer than encoding it.

use crate::file_of;
use btfkit_btf::Btf;
use btfkit_elf::InputFile;
use btfkit_encode::policy::{BaseRef, Wishes};
use btfkit_encode::{Base, Features, Options, Scratch, encode_module};
use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Some of what files of the corpus have.
const BASE: &[u8] = include_bytes!("../../../fuzz/corpus/btf/scheduler.btf");

/// What a thread keeps.
struct Kept {
    scratch: Scratch,
    base: Base,
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::new({
        let btf = Btf::parse(BASE).expect("a base");
        Kept {
            scratch: Scratch::of_this_thread(Path::new("input")).expect("no thread is started"),
            base: Base::of(Arc::new(btf), Path::new("base")).expect("a base"),
        }
    });
}

/// A file by itself. What comes out a kernel takes, as it would fail otherwise.
pub fn dwarf_units(bytes: &[u8]) {
    encode(bytes, false, &Options::default());
}

/// A file on a base, with all that there is beside its BTF.
pub fn dwarf_modules(bytes: &[u8]) {
    let features = Features::parse(&Features::NAMES.join(",")).expect("names of features");
    let sections = Wishes { base_ref: BaseRef::Always, base_checksum: true, ..Wishes::default() };
    encode(bytes, true, &Options { features, sections, ..Options::default() });
}

fn encode(bytes: &[u8], is_on_base: bool, options: &Options) {
    let file = file_of(bytes);
    let Ok(input) = InputFile::open(file.path()) else { return };
    KEPT.with_borrow_mut(|Kept { scratch, base }| {
        let base = is_on_base.then_some(&*base);
        let _ = encode_module(file.path(), &input, options, base, scratch, &AtomicBool::new(false));
    });
}
