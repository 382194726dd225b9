//! The parallel part: every thread takes the next group of units, lowers it and puts its types into classes.

use crate::{EncodeError, program::Program};
use btfkit_btf::dedup::{Classifier, UnitGraph};
use btfkit_btf::unit::Name;
use btfkit_dwarf::{Diagnostic, DwarfError, Function, Lowering, Sections, Settings, Units, Variable};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// What is left of the units when they have been walked; everything by number of the group.
#[derive(Default)]
pub(crate) struct Walked {
    pub classifiers: Vec<Classifier>,
    pub graphs: Vec<UnitGraph>,
    pub groups: Vec<Gleaned>,
}

/// What a group has beside types.
#[derive(Default)]
pub(crate) struct Gleaned {
    pub functions: Vec<Function>,
    pub variables: Vec<Variable>,
    pub diagnostics: Vec<Diagnostic>,
    pub unlisted: Vec<Name>,
    pub made_names: Vec<Vec<u8>>,
    pub start: u64,
    pub unit_names: Vec<(u32, Name)>,
    pub units: u32,
    pub excluded: u32,
}

/// What one thread has done.
struct Share {
    classifier: Classifier,
    done: Vec<(u32, UnitGraph, Gleaned)>,
}

enum Stop {
    Aborted,
    Malformed(u32, DwarfError),
}

pub(crate) fn walk(
    path: &Path,
    sections: Sections<'_>,
    units: &Units,
    settings: &Settings,
    program: &Program<'_>,
    pool: &rayon::ThreadPool,
    abort: &AtomicBool,
) -> Result<Walked, EncodeError> {
    let (next, failed) = (AtomicU32::new(0), AtomicBool::new(false));
    let shares: Vec<Result<Share, Stop>> = pool.broadcast(|thread| {
        let share = share(thread.index() as u32, sections, units, settings, program, &next, abort, &failed);
        failed.fetch_or(share.is_err(), Ordering::Relaxed);
        share
    });
    let mut walked = Walked::default();
    walked.graphs.resize_with(units.groups.len(), UnitGraph::default);
    walked.groups.resize_with(units.groups.len(), Gleaned::default);
    let mut worst: Option<(u32, DwarfError)> = None;
    for share in shares {
        match share {
            Ok(share) => {
                walked.classifiers.push(share.classifier);
                for (number, graph, gleaned) in share.done {
                    walked.graphs[number as usize] = graph;
                    walked.groups[number as usize] = gleaned;
                }
            }
            Err(Stop::Aborted) => return Err(EncodeError::aborted(path)),
            Err(Stop::Malformed(number, error)) => {
                if worst.as_ref().is_none_or(|(first, _)| number < *first) {
                    worst = Some((number, error));
                }
            }
        }
    }
    match worst {
        None => Ok(walked),
        Some((_, error)) => {
            let hint = "the debug information is damaged or of a kind that is not known; build the file again";
            Err(EncodeError::new("MALFORMED_DWARF", path, format!("{error}; {hint}")))
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "the captures of the one closure that calls it")]
fn share(
    thread: u32,
    sections: Sections<'_>,
    units: &Units,
    settings: &Settings,
    program: &Program<'_>,
    next: &AtomicU32,
    abort: &AtomicBool,
    failed: &AtomicBool,
) -> Result<Share, Stop> {
    let mut lowering = Lowering::new(sections, units, settings, program);
    let mut share = Share { classifier: Classifier::new(thread), done: Vec::new() };
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number as usize >= units.groups.len() {
            return Ok(share);
        }
        if abort.load(Ordering::Relaxed) {
            return Err(Stop::Aborted);
        }
        // Units before a bad one are still walked by whom they were given to, so that always the first bad one is named.
        if failed.load(Ordering::Relaxed) {
            return Ok(share);
        }
        let lowered = lowering.lower(number).map_err(|error| Stop::Malformed(number, error))?;
        let graph = share.classifier.classify(number, &lowered.types, &lowered.anchors);
        let gleaned = Gleaned {
            functions: lowered.functions.clone(),
            variables: lowered.variables.clone(),
            diagnostics: lowered.diagnostics.clone(),
            unlisted: lowered.unlisted.clone(),
            made_names: lowered.made_names.clone(),
            start: lowered.start,
            unit_names: lowered.unit_names.clone(),
            units: lowered.units,
            excluded: lowered.excluded,
        };
        share.done.push((number, graph, gleaned));
    }
}
