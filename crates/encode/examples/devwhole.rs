fn main() {
    let a: Vec<String> = std::env::args().collect();
    let e = btfkit_encode::encode_file(
        std::path::Path::new(&a[1]),
        &Default::default(),
        None,
        &std::sync::atomic::AtomicBool::new(false),
    )
    .unwrap_or_else(|e| panic!("{e}"));
    std::fs::write(&a[2], &e.btf).unwrap();
}
