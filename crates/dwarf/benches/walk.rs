//! The walk over all units of a kernel, on one thread: `BTFKIT_BENCH_VMLINUX`, linked and not compressed.

use btfkit_btf::dedup::Classifier;
use btfkit_btf::unit::name_hash;
use btfkit_dwarf::names::Identity;
use btfkit_dwarf::{Convention, Lowering, Program, Section, Sections, Settings, Units};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};
use rustc_hash::FxHashMap;
use std::hint::black_box;

/// The kernel's functions, by the hashes of their names.
struct Kernel {
    functions: FxHashMap<u64, u32>,
}

impl Program for Kernel {
    fn function(&self, name: u64) -> Option<u32> {
        self.functions.get(&name).copied()
    }

    fn declares(&self, _function: u32) {}

    fn wants_variable(&self, _address: u64) -> bool {
        false
    }
}

fn walk(criterion: &mut Criterion) {
    let Some(path) = std::env::var_os("BTFKIT_BENCH_VMLINUX") else {
        return eprintln!("skipped: walk: BTFKIT_BENCH_VMLINUX names no kernel");
    };
    let bytes = std::fs::read(path).expect("a file");
    let file = object::File::parse(&*bytes).expect("ELF");
    let section = |name: &str| Section {
        data: file.section_by_name(name).map_or(&[][..], |section| section.data().expect("contents")),
        relocations: None,
    };
    let sections = Sections {
        big_endian: !file.is_little_endian(),
        info: section(".debug_info"),
        types: section(".debug_types"),
        abbrev: section(".debug_abbrev"),
        str: section(".debug_str"),
        line_str: section(".debug_line_str"),
        str_offsets: section(".debug_str_offsets"),
        addr: section(".debug_addr"),
        loc: section(".debug_loc"),
        loclists: section(".debug_loclists"),
    };
    let functions = file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text);
    let hashes = functions.filter_map(|symbol| Some(name_hash(symbol.name_bytes().ok()?)));
    let kernel = Kernel { functions: hashes.zip(0..).collect() };
    let machine = [bytes[18], bytes[19]];
    let machine = if sections.big_endian { u16::from_be_bytes(machine) } else { u16::from_le_bytes(machine) };
    let settings = Settings {
        float: true,
        decl_tag: true,
        type_tag: true,
        enum64: true,
        true_signature: false,
        excluded_languages: Vec::new(),
        convention: Convention::of(machine),
    };

    let mut group = criterion.benchmark_group("vmlinux");
    group.throughput(Throughput::Bytes(sections.info.data.len() as u64)).sample_size(10);
    group.bench_function("find units", |b| b.iter(|| Units::read(&sections).expect("units").groups.len()));
    let units = Units::read(&sections).expect("units");
    group.bench_function("lower all units", |b| {
        b.iter(|| {
            let mut lowering = Lowering::new(sections, &units, &settings, &kernel, Identity::Offsets);
            for number in 0..units.groups.len() as u32 {
                let lowered = lowering.lower(number).expect("DWARF");
                black_box(lowered.types.types.len());
                lowering.recycle(lowered.types);
            }
        });
    });
    group.bench_function("lower and classify all units", |b| {
        b.iter(|| {
            let mut lowering = Lowering::new(sections, &units, &settings, &kernel, Identity::Offsets);
            let mut classifier = Classifier::new(0);
            for number in 0..units.groups.len() as u32 {
                let lowered = lowering.lower(number).expect("DWARF");
                black_box(classifier.classify(number, &lowered.types, &lowered.anchors, &mut lowering));
                lowering.recycle(lowered.types);
            }
        });
    });
    group.finish();
}

criterion_group!(benches, walk);
criterion_main!(benches);
