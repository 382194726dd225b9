#![no_main]

libfuzzer_sys::fuzz_target!(init: btfkit_fuzz::on_one_thread(), |bytes: &[u8]| btfkit_fuzzing::btf_fits(bytes));
