//! A file that is cut while it is mapped does not end the process, and whatever else raises SIGBUS does what it did.
//!
//! Each case runs in a process of its own, this test again, as handlers of signals are for the whole process.

#![cfg(target_os = "linux")]
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks, reason = "raises signals, in processes of its own")]

use btfkit_elf::{ElfError, InputFile};
use memmap2::Mmap;
use std::fs::File;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use tempfile::NamedTempFile;

const SIZE: usize = 1 << 20;

fn file() -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(&vec![7; SIZE]).unwrap();
    file
}

fn sum(bytes: &[u8]) -> usize {
    bytes.iter().map(|&byte| usize::from(byte)).sum()
}

fn in_own_process(case: &str) -> ExitStatus {
    let this = std::env::current_exe().unwrap();
    let output =
        Command::new(this).args(["--exact", "case", "--include-ignored"]).env("CUT_CASE", case).output().unwrap();
    eprintln!("{}", String::from_utf8_lossy(&output.stdout));
    output.status
}

/// Reads past the end of a file that this crate has not mapped.
fn raise_elsewhere() {
    let file = file();
    let map = unsafe { Mmap::map(file.as_file()) }.unwrap();
    file.as_file().set_len(0).unwrap();
    std::hint::black_box(map[SIZE / 2]);
}

extern "C" fn leave(_: libc::c_int) {
    unsafe { libc::_exit(77) };
}

#[test]
fn what_was_given_back_is_read_again() {
    let file = file();
    let input = InputFile::open(file.path()).unwrap();
    let (bytes, others) = (input.bytes(), vec![7; SIZE]);
    for given_back in [bytes, &bytes[5000..5001], &bytes[..0], &bytes[SIZE..], &others] {
        assert_eq!(sum(bytes), 7 * SIZE);
        input.give_back(given_back);
        assert_eq!((sum(bytes), sum(&others)), (7 * SIZE, 7 * SIZE));
    }
    input.verify(file.path()).unwrap();
}

#[test]
#[ignore = "run by the others in a process of its own"]
fn case() {
    match std::env::var("CUT_CASE").as_deref() {
        Ok("cut") => {
            let file = file();
            let input = InputFile::open(file.path()).unwrap();
            assert_eq!(sum(input.bytes()), 7 * SIZE);
            input.verify(file.path()).unwrap();
            file.as_file().set_len(100_000).unwrap();
            // Of the last page, what is past the cut is zero already.
            let threads: Vec<_> = (0..8).map(|_| sum(input.bytes())).collect();
            assert_eq!(threads, [700_000; 8]);
            assert!(matches!(input.verify(file.path()), Err(ElfError::Changed { path }) if path == file.path()));
            // As long as before again, and yet not the same.
            file.as_file().set_len(SIZE as u64).unwrap();
            assert!(input.verify(file.path()).is_err());
        }
        Ok("cut on threads") => {
            let files: Vec<NamedTempFile> = (0..40).map(|_| file()).collect();
            std::thread::scope(|scope| {
                for file in &files {
                    scope.spawn(move || {
                        for cut in [5000, 0] {
                            file.as_file().set_len(SIZE as u64).unwrap();
                            let input = InputFile::open(file.path()).unwrap();
                            file.as_file().set_len(cut).unwrap();
                            assert!(sum(input.bytes()) <= 7 * cut as usize);
                            assert!(input.verify(file.path()).is_err());
                        }
                    });
                }
            });
        }
        Ok("written into") => {
            let file = file();
            let input = InputFile::open(file.path()).unwrap();
            input.verify(file.path()).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(20));
            File::options().write(true).open(file.path()).unwrap().write_all(b"other").unwrap();
            assert!(matches!(input.verify(file.path()), Err(ElfError::Changed { .. })));
        }
        Ok("more files than are guarded") => {
            let file = file();
            let Ok(inputs) = (0..1100).map(|_| InputFile::open(file.path())).collect::<Result<Vec<_>, _>>() else {
                eprintln!("skipped: so many files may not be open");
                return;
            };
            assert!(inputs.iter().any(|input| input.mapped_bytes() == 0));
            file.as_file().set_len(0).unwrap();
            assert!(inputs.iter().all(|input| [0, 7 * SIZE].contains(&sum(input.bytes()))));
        }
        Ok("elsewhere, while mapped") => {
            let file = file();
            let input = InputFile::open(file.path()).unwrap();
            raise_elsewhere();
            drop(input);
        }
        Ok("elsewhere, afterwards") => {
            let file = file();
            drop(InputFile::open(file.path()).unwrap());
            raise_elsewhere();
        }
        Ok("another handler") => {
            unsafe { libc::signal(libc::SIGBUS, leave as *const () as usize) };
            let file = file();
            let input = InputFile::open(file.path()).unwrap();
            file.as_file().set_len(0).unwrap();
            assert_eq!(sum(input.bytes()), 0);
            raise_elsewhere();
        }
        Ok("another handler, afterwards") => {
            unsafe { libc::signal(libc::SIGBUS, leave as *const () as usize) };
            drop(InputFile::open(file().path()).unwrap());
            unsafe { libc::raise(libc::SIGBUS) };
        }
        Ok("another handler, later than ours") => {
            let (file, second) = (file(), file());
            let input = InputFile::open(file.path()).unwrap();
            unsafe { libc::signal(libc::SIGBUS, leave as *const () as usize) };
            drop(input);
            drop(InputFile::open(second.path()).unwrap());
            raise_elsewhere();
        }
        Ok("sent") => {
            // Rust has a handler of its own, for stacks that are full, which lets the first one go.
            unsafe { libc::signal(libc::SIGBUS, libc::SIG_DFL) };
            let _input = InputFile::open(file().path()).unwrap();
            unsafe { libc::raise(libc::SIGBUS) };
        }
        Ok("sent and ignored") => {
            unsafe { libc::signal(libc::SIGBUS, libc::SIG_IGN) };
            let _input = InputFile::open(file().path()).unwrap();
            unsafe { libc::raise(libc::SIGBUS) };
        }
        _ => {}
    }
}

#[test]
fn a_cut_is_zeros_and_an_error_in_the_end() {
    for case in ["cut", "cut on threads", "written into", "more files than are guarded", "sent and ignored"] {
        assert!(in_own_process(case).success(), "{case}");
    }
}

#[test]
fn other_faults_end_the_process_as_ever() {
    for case in ["elsewhere, while mapped", "elsewhere, afterwards", "sent"] {
        assert_eq!(in_own_process(case).signal(), Some(libc::SIGBUS), "{case}");
    }
}

#[test]
fn other_handlers_are_called_as_ever() {
    for case in ["another handler", "another handler, afterwards", "another handler, later than ours"] {
        assert_eq!(in_own_process(case).code(), Some(77), "{case}");
    }
}
