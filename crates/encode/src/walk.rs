//! The parallel part: every thread takes the next group of units, lowers it and puts its types into classes.

use crate::pages::Pages;
use crate::phases::Phases;
use crate::scratch::Spare;
use crate::{Base, EncodeError, fault, program::Program};
use btfkit_btf::dedup::{Classifier, Describer, TypeGraph, UnitDetail, UnitSummary};
use btfkit_btf::unit::Name;
use btfkit_dwarf::names::{Identity, Taken};
use btfkit_dwarf::{Diagnostic, DwarfError, Function, Lowering, Sections, Settings, Units, Variable};
use rayon::prelude::*;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// What the graph is made of when the units have been walked.
struct Walked {
    classifiers: Vec<Classifier>,
    /// By number of the group.
    summaries: Vec<UnitSummary>,
    /// How names were told apart.
    identity: Identity,
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
    done: Vec<(u32, UnitSummary, Gleaned)>,
}

enum Stop {
    Aborted,
    Malformed(u32, DwarfError),
}

/// What is walked, and how.
#[derive(Clone, Copy)]
pub(crate) struct Walk<'w> {
    pub path: &'w Path,
    pub sections: Sections<'w>,
    pub units: &'w Units,
    pub settings: &'w Settings,
    pub program: &'w Program<'w>,
    pub base: Option<&'w Base>,
    pub pool: &'w rayon::ThreadPool,
    pub spare: &'w Spare,
    pub abort: &'w AtomicBool,
}

impl<'w> Walk<'w> {
    /// Walks all units, and makes one graph of their types.
    ///
    /// Linkers merge strings, and then nobody has to look at names: their offsets tell them apart. Whether that was so
    /// turns out while the graph is made; if not, everything is done again by their bytes. `ld -r` does not merge
    /// strings, nor does what puts names together; and a base has other offsets.
    ///
    /// `beside` is for what can be made of the units without the graph: most of that keeps one thread busy.
    pub fn run<T: Send>(
        self,
        phases: &mut Phases,
        pages: &Pages<'_>,
        beside: impl Fn(&[Gleaned]) -> T + Sync,
    ) -> Result<(Vec<Gleaned>, TypeGraph, T), EncodeError> {
        let linked = self.sections.info.relocations.is_none();
        if linked && self.base.is_none() && !self.settings.true_signature {
            let (walked, groups) = self.all(Identity::Offsets)?;
            let taken = self.pool.install(|| {
                let taken = walked.classifiers.par_iter().map(|c| Taken::of(&self.sections, c.names()));
                taken.reduce_with(Taken::and)
            });
            phases.end("walk");
            let beside = || (taken.is_none_or(|taken| taken.are_distinct(&self.sections)), beside(&groups));
            let (graph, (distinct, beside)) = pages.join(self.pool, || self.graph(walked), beside);
            phases.end("dedup");
            if distinct {
                return Ok((groups, graph?, beside));
            }
        }
        let (walked, groups) = self.all(Identity::Bytes)?;
        phases.end("walk");
        let (graph, beside) = pages.join(self.pool, || self.graph(walked), || beside(&groups));
        phases.end("dedup");
        Ok((groups, graph?, beside))
    }

    fn lowering(self, identity: Identity) -> Lowering<'w> {
        Lowering::new(self.sections, self.units, self.settings, self.program, identity).within(self.spare.room())
    }

    fn graph(self, walked: Walked) -> Result<TypeGraph, EncodeError> {
        let Walked { mut classifiers, summaries, identity } = walked;
        let graph = TypeGraph::build(&mut classifiers, summaries, |describer, numbers| {
            self.describe(identity, describer, numbers)
        });
        self.spare.give_back(classifiers);
        graph
    }

    /// With what they have beside types, by number of the group.
    fn all(self, identity: Identity) -> Result<(Walked, Vec<Gleaned>), EncodeError> {
        let Walk { path, units, pool, abort, .. } = self;
        let (next, failed) = (AtomicU32::new(0), AtomicBool::new(false));
        let shares: Vec<Result<Share, Stop>> = pool.broadcast(|thread| {
            fault::at("walk");
            let classifier = self.spare.classifier(thread.index() as u32, self.base);
            let mut lowering = self.lowering(identity);
            let share = share(classifier, &mut lowering, units, &next, abort, &failed);
            self.spare.give_back_room(lowering.into_room());
            failed.fetch_or(share.is_err(), Ordering::Relaxed);
            share
        });
        let mut walked = Walked { classifiers: Vec::new(), summaries: Vec::new(), identity };
        walked.summaries.resize_with(units.groups.len(), UnitSummary::default);
        let mut groups = Vec::new();
        groups.resize_with(units.groups.len(), Gleaned::default);
        let mut worst: Option<(u32, DwarfError)> = None;
        for share in shares {
            match share {
                Ok(share) => {
                    walked.classifiers.push(share.classifier);
                    for (number, summary, gleaned) in share.done {
                        walked.summaries[number as usize] = summary;
                        groups[number as usize] = gleaned;
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
            None => Ok((walked, groups)),
            Some((_, error)) => Err(malformed(path, &error)),
        }
    }

    /// Lowers groups again, for the few whose types mean something else than others' that look alike.
    fn describe(
        self,
        identity: Identity,
        describer: Describer<'_>,
        numbers: &[u32],
    ) -> Result<Vec<UnitDetail>, EncodeError> {
        let share = |numbers: &[u32]| -> Result<Vec<UnitDetail>, EncodeError> {
            let mut lowering = self.lowering(identity);
            let describe = |&number: &u32| {
                let lowered = lowering.lower(number).map_err(|error| malformed(self.path, &error))?;
                let detail = describer.describe(number, &lowered.types, &lowered.anchors);
                lowering.recycle(lowered.types);
                Ok(detail)
            };
            let details = numbers.iter().map(describe).collect();
            self.spare.give_back_room(lowering.into_room());
            details
        };
        // A share for each thread, as what it takes to lower a group is not made for a single one.
        let shares = numbers.par_chunks(numbers.len().div_ceil(rayon::current_num_threads()).max(1)).map(share);
        Ok(shares.collect::<Result<Vec<Vec<_>>, _>>()?.into_iter().flatten().collect())
    }
}

fn share(
    classifier: Classifier,
    lowering: &mut Lowering<'_>,
    units: &Units,
    next: &AtomicU32,
    abort: &AtomicBool,
    failed: &AtomicBool,
) -> Result<Share, Stop> {
    let mut share = Share { classifier, done: Vec::new() };
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
        let summary = share.classifier.classify(number, &lowered.types, &lowered.anchors, lowering);
        let gleaned = Gleaned {
            functions: lowered.functions,
            variables: lowered.variables,
            diagnostics: lowered.diagnostics,
            unlisted: lowered.unlisted,
            made_names: lowered.made_names,
            start: lowered.start,
            unit_names: lowered.unit_names,
            units: lowered.units,
            excluded: lowered.excluded,
        };
        lowering.recycle(lowered.types);
        share.done.push((number, summary, gleaned));
    }
}

fn malformed(path: &Path, error: &DwarfError) -> EncodeError {
    let hint = "the debug information is damaged or of a kind that is not known; build the file again";
    EncodeError::new("MALFORMED_DWARF", path, format!("{error}; {hint}"))
}
