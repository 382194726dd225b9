//! What is done with a kernel's BTF as a whole: `BTFKIT_BENCH_BTF`, or that of the running kernel.

use btfkit_btf::dedup::dedup;
use btfkit_btf::validate::Rules;
use btfkit_btf::{Btf, Context, Writer, validate};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

const RUNNING: &str = "/sys/kernel/btf/vmlinux";

fn vmlinux_btf(criterion: &mut Criterion) {
    let path = std::env::var_os("BTFKIT_BENCH_BTF").unwrap_or_else(|| RUNNING.into());
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) => {
            return eprintln!("skipped: {}: {error}; BTFKIT_BENCH_BTF names a kernel's BTF", path.display());
        }
    };
    let btf = Btf::parse(bytes.clone()).expect("BTF");
    let mut group = criterion.benchmark_group("vmlinux BTF");
    group.throughput(Throughput::Bytes(bytes.len() as u64)).sample_size(20);
    group.bench_function("read", |b| {
        b.iter_batched(|| bytes.clone(), |bytes| Btf::parse(bytes).expect("BTF"), BatchSize::LargeInput);
    });
    group.bench_function("every type, name and reference", |b| b.iter(|| look_at_all(&btf)));
    group.bench_function("validate as vmlinux", |b| b.iter(|| validate(&bytes, Context::Vmlinux, None, 8)));
    group.bench_function("judge as vmlinux", |b| b.iter(|| Rules::new(Context::Vmlinux).judge(&bytes, None)));
    group.bench_function("validate as loaded", |b| b.iter(|| validate(&bytes, Context::Load, None, 8)));
    group.bench_function("deduplicate", |b| b.iter(|| dedup(&btf).expect("a deduplicated BTF")));
    group.bench_function("write", |b| b.iter(|| write(&btf)));
    group.finish();
}

fn look_at_all(btf: &Btf) -> (u64, u64) {
    let (mut names, mut references) = (0, 0);
    for (_, record) in btf.records() {
        record.names(|offset| names += btf.string(offset).map_or(0, |name| name.len() as u64));
        record.references(|id| references += u64::from(id.0));
    }
    black_box((names, references))
}

/// Each type as it is, with its names interned anew.
fn write(btf: &Btf) -> Vec<u8> {
    let mut writer = Writer::new(btf.endian());
    for (_, mut ty) in btf.types() {
        ty.names_mut(|name| {
            let text = btf.string(*name).expect("a name of this BTF");
            *name = writer.string(text).expect("room for the strings");
        });
        writer.push(&ty).expect("room for the type");
    }
    writer.finish(false)
}

criterion_group!(benches, vmlinux_btf);
criterion_main!(benches);
