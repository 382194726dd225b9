use btfkit_encode::Options;
use btfkit_encode::kernel::*;
use std::sync::{Arc, atomic::AtomicBool};
use std::time::{Duration, Instant};
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let base = if a[1].ends_with(".btf") {
        BaseFrom::Btf(vec![a[1].clone().into()])
    } else {
        BaseFrom::Vmlinux(a[1].clone().into())
    };
    let jobs = a[3].parse().unwrap();
    let destination = match a.get(4) {
        Some(f) => Destination::Folder(f.into()),
        None => Destination::Reader,
    };
    let o = KernelOptions {
        modules: a[2].clone().into(),
        base,
        destination,
        missing_base: MissingBase::Error,
        keep_going: false,
        shard: Shard::ALL,
        force: true,
        encode: Options { jobs: Some(jobs), ..Options::default() },
        base_refs: Default::default(),
    };
    let start = Instant::now();
    let mut run = KernelRun::start(o, Arc::new(AtomicBool::new(false))).unwrap();
    let (mut n, mut b) = (0, 0);
    loop {
        let batch = run.next(Duration::from_millis(50)).unwrap();
        for m in &batch.modules {
            n += 1;
            b += m.btf.as_ref().map_or(0, |b| b.len());
        }
        if let Some(s) = batch.summary {
            assert!(s.failure.is_none());
            break;
        }
    }
    println!("{n} modules, {b} bytes, {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
}
