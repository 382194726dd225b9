//! What is asked of a kernel's symbol table, which has hundreds of thousands of entries: `BTFKIT_BENCH_VMLINUX`.

use btfkit_elf::{FunctionTable, Image, InputFile, SymbolKind};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::path::Path;

fn symbols(criterion: &mut Criterion) {
    let Some(path) = std::env::var_os("BTFKIT_BENCH_VMLINUX") else {
        return eprintln!("skipped: symbols: BTFKIT_BENCH_VMLINUX names no kernel");
    };
    let file = InputFile::open(Path::new(&path)).expect("a file");
    let image = Image::parse(file.bytes()).expect("ELF");
    let symbols = image.symbols().expect("symbols").expect("a symbol table");
    let mut group = criterion.benchmark_group("vmlinux");
    group.bench_function("headers of sections", |b| b.iter(|| Image::parse(file.bytes()).expect("ELF")));
    group.throughput(Throughput::Elements(symbols.len() as u64)).sample_size(20);
    group.bench_function("names of all functions", |b| {
        b.iter(|| symbols.iter().filter(|s| s.kind == SymbolKind::Function).map(|s| s.name().len()).sum::<usize>());
    });
    group.bench_function("table of functions", |b| {
        b.iter(|| FunctionTable::build(&symbols, name_hash).expect("no two names with one hash"));
    });
    group.finish();
}

/// Any hash that is good in all bits; which one the encoder takes is no matter of this crate.
fn name_hash(name: &[u8]) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(name)
}

criterion_group!(benches, symbols);
criterion_main!(benches);
