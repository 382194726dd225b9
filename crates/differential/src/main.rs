//! `btfkit-differential [--mutations N] [--seed S] [--first N] [--jobs N] [--keep FOLDER] [--messages] [BTF...]`
//!
//! Compares what the running kernel and the validator say to damaged BTF. Pieces are cut from the files that are named,
//! and from the running kernel's own BTF. Exit code: 0 no difference, 1 some, 2 wrong usage, 3 the kernel cannot be asked.

use btfkit_btf::Btf;
use btfkit_differential::kernel::Kernel;
use btfkit_differential::{damaged, run, seeds};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

struct Settings {
    mutations: u64,
    seed: u64,
    first: u64,
    jobs: usize,
    keep: Option<PathBuf>,
    messages: bool,
    files: Vec<PathBuf>,
}

fn settings() -> Result<Settings, String> {
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let mut settings =
        Settings { mutations: 100_000, seed: 1, first: 0, jobs, keep: None, messages: false, files: Vec::new() };
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy().into_owned();
        let mut value = || arguments.next().ok_or(format!("{text} needs a value"));
        let number = |value: std::ffi::OsString| {
            let digits = value.to_string_lossy().replace('_', "");
            digits.parse::<u64>().map_err(|_| format!("{text} needs a number, not '{digits}'"))
        };
        match text.as_str() {
            "--mutations" => settings.mutations = number(value()?)?,
            "--seed" => settings.seed = number(value()?)?,
            "--first" => settings.first = number(value()?)?,
            "--jobs" => settings.jobs = number(value()?)? as usize,
            "--keep" => settings.keep = Some(value()?.into()),
            "--messages" => settings.messages = true,
            flag if flag.starts_with('-') => return Err(format!("unknown option {flag}")),
            _ => settings.files.push(argument.into()),
        }
    }
    Ok(settings)
}

fn main() -> ExitCode {
    let settings = match settings() {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let kernel = match Kernel::ask_whether_it_answers() {
        Ok(kernel) => kernel,
        Err(why) => {
            eprintln!("skipped: {why}");
            return ExitCode::from(3);
        }
    };
    let mut pieces = seeds::cases();
    for file in settings.files.iter().cloned().chain([PathBuf::from("/sys/kernel/btf/vmlinux")]) {
        let btf = std::fs::read(&file).map_err(|error| error.to_string());
        match btf.and_then(|bytes| Btf::parse(bytes).map_err(|error| error.to_string())) {
            Ok(btf) => pieces.extend(seeds::pieces(&btf, 200, 100)),
            Err(error) => eprintln!("{}: left out: {error}", file.display()),
        }
    }
    let start = Instant::now();
    let tally = run(&kernel, &pieces, settings.seed, settings.first, settings.mutations, settings.jobs);
    if let Some(folder) = &settings.keep {
        for difference in &tally.differences {
            let path = folder.join(format!("{}.btf", difference.number));
            if let Err(error) = std::fs::write(&path, damaged(&pieces, settings.seed, difference.number)) {
                eprintln!("{}: {error}", path.display());
                break;
            }
        }
    }
    tally.differences.iter().take(SHOWN).for_each(|difference| println!("{difference}"));
    if settings.messages {
        tally.messages.iter().for_each(|(message, count)| println!("{count:>9}  {message}"));
    }
    println!(
        "Linux {}: {} compared in {:.0?} (seed {}, {} pieces), {} taken, {} refused with {} different messages; {} differences",
        kernel.release,
        tally.compared,
        start.elapsed(),
        settings.seed,
        pieces.len(),
        tally.accepted,
        tally.compared - tally.accepted - tally.different,
        tally.messages.len(),
        tally.different
    );
    ExitCode::from(u8::from(tally.different != 0))
}

/// Differences that are printed.
const SHOWN: usize = 20;
