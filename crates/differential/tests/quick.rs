//! A slice of the comparison that takes seconds; `npm run test:kernel-differential -- --mutations N` compares as many as
//! wanted.

use btfkit_btf::Btf;
use btfkit_differential::kernel::Kernel;
use btfkit_differential::{Tally, damaged, run, seeds, undamaged};

fn pieces() -> Vec<seeds::Seed> {
    let mut pieces = seeds::cases();
    if let Ok(btf) = std::fs::read("/sys/kernel/btf/vmlinux") {
        pieces.extend(seeds::pieces(&Btf::parse(btf).unwrap(), 50, 60));
    }
    pieces
}

/// Asks the kernel, where that is allowed.
fn compare(ask: impl Fn(&Kernel) -> Tally) {
    let kernel = match Kernel::ask_whether_it_answers() {
        Ok(kernel) => kernel,
        Err(why) => return eprintln!("skipped: {why}"),
    };
    let tally = ask(&kernel);
    assert!(tally.accepted > 100 && tally.messages.len() > 40, "{} {:?}", tally.accepted, tally.messages);
    let told: Vec<_> = tally.differences.iter().take(5).map(ToString::to_string).collect();
    assert!(tally.different == 0, "{} of {}:\n{}", tally.different, tally.compared, told.join("\n"));
}

#[test]
fn the_validator_rules_as_the_running_kernel_does() {
    compare(|kernel| run(kernel, &pieces(), 1, 0, 20_000, 2));
}

#[test]
fn the_cases_of_the_tests_are_what_the_running_kernel_says() {
    compare(|kernel| undamaged(kernel, &pieces()));
}

#[test]
fn a_number_gives_the_same_blob_again() {
    let seeds = seeds::cases();
    let blobs = || (0..500).map(|number| damaged(&seeds, 7, number)).collect::<Vec<_>>();
    let first = blobs();
    assert_eq!(first, blobs());
    assert!(first.iter().any(|blob| *blob != first[0]));
}
