use btfkit_encode::*;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
fn walk(dir: &Path, out: &mut Vec<PathBuf>) {
    let mut es: Vec<_> = std::fs::read_dir(dir).unwrap().flatten().map(|e| e.path()).collect();
    es.sort();
    for e in es {
        if e.is_dir() {
            walk(&e, out)
        } else if e.extension().is_some_and(|x| x == "ko") {
            out.push(e)
        }
    }
}
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let t = std::time::Instant::now();
    let base = Base::open(&[Path::new(&a[1])]).unwrap_or_else(|e| panic!("{e}"));
    eprintln!("base {:?}", t.elapsed());
    let mut mods = Vec::new();
    let p = Path::new(&a[2]);
    if p.is_dir() {
        walk(p, &mut mods)
    } else {
        mods.push(p.to_path_buf())
    }
    let limit: usize = a.get(4).map_or(usize::MAX, |n| n.parse().unwrap());
    let options = Options { lang_exclude: vec![language_code("rust").unwrap()], ..Options::default() };
    let mut scratch = Scratch::new().unwrap();
    let (mut total, mut types, mut failed) = (0usize, 0usize, 0);
    let mut phases: std::collections::BTreeMap<&str, f64> = Default::default();
    let t = std::time::Instant::now();
    for m in mods.iter().take(limit) {
        let file = btfkit_elf::InputFile::open(m).unwrap();
        match encode_module(m, &file, &options, &base, &mut scratch, &AtomicBool::new(false)) {
            Ok(e) => {
                total += e.btf.len();
                types += e.report.types as usize;
                for p in &e.report.phases {
                    *phases.entry(p.name).or_default() += p.milliseconds;
                }
                if a[3] != "-" {
                    std::fs::write(
                        Path::new(&a[3]).join(format!("{}.btf", m.file_stem().unwrap().to_str().unwrap())),
                        &e.btf,
                    )
                    .unwrap();
                }
            }
            Err(e) => {
                failed += 1;
                if failed < 5 {
                    eprintln!("{e}")
                }
            }
        }
    }
    eprintln!("{} modules {failed} failed, {total} bytes {types} types in {:?}", mods.len().min(limit), t.elapsed());
    eprintln!("{phases:?}");
}
