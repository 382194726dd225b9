#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| btfkit_fuzzing::dwarf_modules(bytes));
