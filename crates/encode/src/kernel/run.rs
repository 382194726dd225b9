//! The run itself: the base is laid, what is current is told, and threads go through the rest.

use super::ahead::Ahead;
use super::base::Foundation;
use super::listing::{Module, list};
use super::one::{Job, Manners, current, without_base};
use super::options::{Destination, KernelOptions};
use super::outbox::Outbox;
use super::report::{BaseReport, Status, Summary};
use super::resume::{Record, State};
use super::schedule::Schedule;
use crate::memory::{Gate, Limit, module_need, module_threads, watched};
use crate::{Beside, EncodeError, Scratch, fault, jobs, phases};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

/// Encodes everything; results go to the outbox as they come, and the summary at the end.
pub(super) fn run(options: &KernelOptions, abort: &AtomicBool, outbox: &Outbox) -> Result<Summary, EncodeError> {
    fault::at("kernel");
    let start = Instant::now();
    let mut prepared = None;
    let ahead = Ahead::begin(options, abort, || prepared.insert(prepare(options)).is_ok());
    let (modules, state) = prepared.unwrap_or_else(|| prepare(options))?;
    let result = on_base(options, ahead, &modules, &state, abort, outbox);
    // Also after a failure or an interruption: what was begun has been cleaned up.
    state.end();
    let (base, jobs) = result?;
    let mut summary = outbox.summary();
    summary.base = base;
    summary.modules = modules.len() as u32;
    summary.not_begun = summary.modules.saturating_sub(summary.done());
    summary.jobs = jobs as u32;
    summary.milliseconds = start.elapsed().as_secs_f64() * 1e3;
    summary.peak_memory = phases::peak_memory();
    Ok(summary)
}

/// What there is to do, and what earlier runs have done of it.
fn prepare(options: &KernelOptions) -> Result<(Vec<Module>, State), EncodeError> {
    let modules = list(&options.modules, &options.destination, options.shard)?;
    let state = match &options.destination {
        Destination::Folder(folder) => {
            if folder.is_file() {
                return Err(EncodeError::new(
                    "IO",
                    folder,
                    "is a file, and the results need a folder; name another one",
                ));
            }
            std::fs::create_dir_all(folder).map_err(|error| EncodeError::new("IO", folder, error))?;
            State::open(folder)?
        }
        Destination::InPlace => State::open(&options.modules)?,
        Destination::Reader => State::default(),
    };
    Ok((modules, state))
}

/// Lays the base and encodes what stands on it, on so many threads. No base is there where it is missing.
fn on_base(
    options: &KernelOptions,
    ahead: Option<Ahead>,
    modules: &[Module],
    state: &State,
    abort: &AtomicBool,
    outbox: &Outbox,
) -> Result<(Option<BaseReport>, usize), EncodeError> {
    let foundation = Foundation::lay(options, ahead, state, abort)?;
    outbox.expect(modules.len(), modules.iter().map(|module| module.stamp.size).sum());
    let Some(foundation) = foundation else {
        for (number, module) in modules.iter().enumerate() {
            outbox.deliver(number, module.stamp.size, without_base(module));
        }
        return Ok((None, 0));
    };
    let jobs = encode(options, &foundation, modules, state, abort, outbox)?;
    Ok((Some(foundation.report), jobs))
}

/// Returns how many threads there were.
fn encode(
    options: &KernelOptions,
    foundation: &Foundation,
    modules: &[Module],
    state: &State,
    abort: &AtomicBool,
    outbox: &Outbox,
) -> Result<usize, EncodeError> {
    let place: &[u8] = if options.destination == Destination::InPlace { b"in place" } else { b"" };
    let manners = Manners::new(&options.encode, &[&foundation.digest(), place]);
    let mut pending = Vec::with_capacity(modules.len());
    for (number, module) in modules.iter().enumerate() {
        match known(options, state, &manners.of(module, options).key, module) {
            Some(record) => outbox.deliver(number, module.stamp.size, current(options, module, record)),
            None => pending.push((number, module.stamp.size)),
        }
    }
    if pending.is_empty() {
        return Ok(0);
    }
    let limit = Limit::of(options.encode.memory_limit);
    let need = |module: &Module| module_need(module.stamp.size, module.is_compressed());
    let largest = pending.iter().map(|&(number, _)| need(&modules[number])).max().unwrap_or(0);
    let wanted = jobs::wanted(options.encode.jobs).min(pending.len());
    let free = limit.as_ref().map(Limit::room);
    let bound = free.map(|free| module_threads(free, wanted, largest));
    let (jobs, room) = bound.map_or((wanted, None), |(threads, room)| (threads, Some(room)));
    watched(&options.modules, limit.as_ref(), abort, |stop| {
        let failed = AtomicBool::new(false);
        let may_have = |folder| !pending.is_empty() && Beside::is_anywhere_in(folder);
        let has_others = matches!(&options.destination, Destination::Folder(folder) if may_have(folder));
        let job =
            Job { options, base: &foundation.base, manners: &manners, limit: limit.as_ref(), free, has_others, stop };
        let gate = Gate::new(room);
        let schedule = Schedule::new(&pending, jobs);
        let work = |thread: usize, scratch: &mut Scratch| -> Result<(), EncodeError> {
            while let Some(turn) = schedule.next(thread).filter(|_| !failed.load(Relaxed)) {
                // Large ones are few, and nobody has to wait for those that are not begun.
                if !turn.is_large && !outbox.wait_for_room(turn.number, stop) {
                    break;
                }
                let module = &modules[turn.number];
                let _permit = gate.enter(need(module));
                let Some((report, record)) = job.run(module, scratch) else { break };
                if let Some(record) = record {
                    state.remember(&record);
                }
                failed.fetch_or(report.status == Status::Failed && !options.keep_going, Relaxed);
                outbox.deliver(turn.number, module.stamp.size, report);
            }
            Ok(())
        };
        on_threads(&options.modules, jobs, work)?;
        if stop.load(Relaxed) { Err(EncodeError::aborted(&options.modules)) } else { Ok(jobs) }
    })
}

/// What is remembered of a module that is current.
fn known<'s>(options: &KernelOptions, state: &'s State, key: &str, module: &Module) -> Option<&'s Record> {
    if options.force || state.has_no_module() {
        return None;
    }
    let output = match &options.destination {
        Destination::Folder(folder) => Some(folder.join(module.target())),
        _ => None,
    };
    state.module(module.path.to_str()?, key, module.stamp, output.as_deref())
}

/// Runs `work` on so many threads, with their numbers. As many as can be started do.
fn on_threads(
    modules: &Path,
    jobs: usize,
    work: impl Fn(usize, &mut Scratch) -> Result<(), EncodeError> + Sync,
) -> Result<(), EncodeError> {
    let mut threads = Vec::with_capacity(jobs);
    for number in 0..jobs {
        match Scratch::new(modules) {
            Ok(thread) => threads.push(thread),
            Err(_) if number > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Scratch::all_at_once(&mut threads, work).into_iter().collect()
}
