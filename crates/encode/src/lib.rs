//! From an ELF file with DWARF to BTF.
//!
//! `encode` tells the whole story from top to bottom; each line is one stage that consumes what the one before has made.

mod assemble;
mod base;
mod btf_file;
mod changed;
mod check;
pub mod convert;
mod emission;
mod error;
pub mod fault;
mod in_place;
mod input;
mod jobs;
pub mod kernel;
mod language;
mod memory;
mod met;
mod options;
mod pages;
mod phases;
mod place;
pub mod policy;
mod program;
mod prototype;
mod report;
mod scratch;
mod select;
mod walk;

pub use base::Base;
pub use btfkit_btf::validate::{Context, Release};
pub use check::{CheckOptions, Checked, CheckedFinding, Unreadable, check_files};
pub use emission::Beside;
pub use error::EncodeError;
pub use in_place::{InPlace, encode_in_place};
pub use language::{language_code, language_names};
pub use options::{Features, Options, UnknownFeature};
pub use report::{Diagnostic, Phase, Report, Skipped};
pub use scratch::Scratch;

use assemble::{Assembled, Layout, assemble};
use btfkit_btf::dedup::BadName;
use btfkit_btf::unit::NameRef;
use btfkit_btf::validate::{self, Severity, Verdict};
use btfkit_btf::{Endian, Kind};
use btfkit_dwarf::{Convention, Sections, Settings, Units, names};
use btfkit_elf::{Image, InputFile};
use changed::unless_changed;
use emission::Emission;
use memory::{Limit, Need, watched};
use met::Functions;
use pages::Pages;
use phases::Phases;
use place::place;
use policy::{OnInvalid, Plan};
use program::Program;
use scratch::Spare;
use select::{Reason, Rules, Selection, select};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use walk::{Gleaned, Walk};

/// What came out.
pub struct Encoded {
    /// The raw BTF, in the byte order of the input.
    pub btf: Vec<u8>,
    /// What belongs to it: a distilled base, the base's checksum.
    pub beside: Beside,
    pub report: Report,
}

/// Encodes one file, on a base where it is to be split BTF. `abort` is polled while walking: once it is true, the result
/// is ABORTED.
pub fn encode_file(
    path: &Path,
    options: &Options,
    base: Option<&Base>,
    abort: &AtomicBool,
) -> Result<Encoded, EncodeError> {
    encode_file_beside(path, options, base, abort, || {})
}

/// The same, and something else on the first thread that there is for it: a while passes before all of them are busy.
/// Where the file cannot even be begun, `beside` is left out.
pub(crate) fn encode_file_beside(
    path: &Path,
    options: &Options,
    base: Option<&Base>,
    abort: &AtomicBool,
    beside: impl FnOnce() + Send,
) -> Result<Encoded, EncodeError> {
    let phases = Phases::start();
    let limit = Limit::of(options.memory_limit);
    let room = limit.as_ref().map_or(u64::MAX, Limit::room);
    let file = InputFile::open_within(path, room, abort).map_err(|error| EncodeError::of_elf(path, error))?;
    let work = |abort: &AtomicBool| {
        let elf = |error| EncodeError::of_elf(path, error);
        let image = Image::parse(file.bytes()).map_err(elf)?;
        let need = Need::of(&image).map_err(elf)?;
        let jobs = need.threads(path, jobs::wanted(options.jobs), limit.as_ref())?;
        if limit.as_ref().is_some_and(|limit| !limit.holds_pages(need.with(jobs), file.mapped_bytes())) {
            file.read_sparingly();
        }
        let (pool, spare) = (jobs::pool(path, jobs)?, Spare::default());
        let run = Run { path, image, options, base, alone: Some(&file), pool: &pool, spare: &spare, abort };
        let mut encoded = pool.in_place_scope(|scope| {
            scope.spawn(|_| beside());
            encode(&run, phases)
        })?;
        encoded.report.memory_estimate = need.with(jobs);
        encoded.report.memory_limit = limit.as_ref().map(|limit| limit.bytes);
        Ok(encoded)
    };
    let encoded = unless_changed(path, &file, || watched(path, limit.as_ref(), abort, work));
    // Giving back a kernel's pages takes a while, and the caller need not wait for it. Without a thread it is done here.
    let give_back = move || {
        file.bytes().chunks(pages::PIECE).for_each(|piece| file.give_back(piece));
        drop(file);
    };
    let _ = std::thread::Builder::new().name("btfkit-unmap".into()).spawn(give_back);
    encoded
}

/// Encodes one file of many, on one thread alone: modules, as a rule. What it takes must be little: memory is neither
/// foretold nor watched here, and `jobs` and `memory_limit` of the options mean nothing.
pub fn encode_module(
    path: &Path,
    file: &InputFile,
    options: &Options,
    base: Option<&Base>,
    scratch: &mut Scratch,
    abort: &AtomicBool,
) -> Result<Encoded, EncodeError> {
    fault::at("module");
    let phases = Phases::start();
    let Scratch { pool, spare } = scratch;
    unless_changed(path, file, || {
        let image = Image::parse(file.bytes()).map_err(|error| EncodeError::of_elf(path, error))?;
        encode(&Run { path, image, options, base, alone: None, pool, spare, abort }, phases)
    })
}

/// One file, and what it is encoded with.
struct Run<'r> {
    path: &'r Path,
    image: Image<'r>,
    options: &'r Options,
    base: Option<&'r Base>,
    /// The file, unless it is one of the modules of a whole kernel. These are in the tree, wherever their base was read
    /// from, and what one has used is used again by the next. A file by itself has no next, so that threads which would
    /// have nothing to do give back what is not needed any more.
    alone: Option<&'r InputFile>,
    pool: &'r rayon::ThreadPool,
    spare: &'r Spare,
    abort: &'r AtomicBool,
}

fn encode(run: &Run<'_>, mut phases: Phases) -> Result<Encoded, EncodeError> {
    let Run { path, ref image, options, base, alone, pool, spare, abort } = *run;
    let elf = |error| EncodeError::of_elf(path, error);
    let plan = plan(run)?;
    let wishes = &options.sections;
    let limited = wishes.target.map(|target| policy::limit(&options.features, target));
    let options = &Options { features: limited.unwrap_or(options.features), ..options.clone() };
    let endian = if image.endian() == btfkit_elf::Endian::Big { Endian::Big } else { Endian::Little };
    let pointer_size = if image.is_64() { 8 } else { 4 };
    if let Some(base) = base {
        base.check(path, endian, pointer_size)?;
    }
    let debug = image.debug_sections().map_err(elf)?;
    if debug.is_empty() {
        let what = "has no DWARF (.debug_info); build with -g, or use the file that has the debug symbols (vmlinux, not vmlinuz)";
        return Err(EncodeError::new("NO_DWARF", path, what));
    }
    let symbols = image.symbols().map_err(elf)?.ok_or_else(|| {
        EncodeError::new(
            "NO_SYMTAB",
            path,
            "has no .symtab, without which functions cannot be told; use the unstripped file",
        )
    })?;
    let sources = input::Sources::of(&debug);
    let sections = sources.sections(image.endian() == btfkit_elf::Endian::Big);
    phases.end("open");

    let (program, units) = pool.join(|| Program::read(image, &symbols, options), || Units::read(&sections));
    let program = program.map_err(elf)?;
    let units = units.map_err(|error| EncodeError::new("MALFORMED_DWARF", path, error))?;
    phases.end("symbols");

    let settings = settings(options, image);
    let (settings, program) = (&settings, &program);
    let walk = Walk { path, sections, units: &units, settings, program, base, pool, spare, abort };
    let pages = Pages::new(alone, &debug.info.data);
    let (walked, graph, functions) = walk.run(&mut phases, &pages, |groups| Functions::of(program, groups))?;
    go_on(path, abort)?;

    let groups = walked.as_slice();
    let name_of = |at: NameRef| name_of(&sections, groups, base, at);
    let rules = Rules { consistent: options.features.consistent_func, true_signature: options.features.true_signature };
    let variables = || (0..).zip(groups).flat_map(|(n, g)| g.variables.iter().map(move |v| (n, v)));
    let mut skipped_variables = Vec::new();
    let (selection, data) = pool.join(
        || select(program, &functions, groups, &graph, &rules, name_of),
        || place(program, variables(), name_of, options.features.encode_force, &mut skipped_variables),
    );
    let data = data.map_err(|unfit| {
        let hint = "the feature encode_force leaves such variables out";
        EncodeError::new("UNFIT_VARIABLE", path, format!("variable '{}': {}; {hint}", unfit.name, unfit.why))
    })?;
    phases.end("select");
    go_on(path, abort)?;

    let (read, excluded) = groups.iter().fold((0, 0), |(r, e), g| (r + g.units, e + g.excluded));
    if graph.is_empty() && selection.functions.is_empty() {
        let what =
            format!("nothing to encode: {read} compile units without a type ({excluded} more excluded by language)");
        let hint = groups.iter().flat_map(|g| &g.diagnostics).next();
        let what = hint.map_or(what.clone(), |hint| format!("{what}; {}", hint.message));
        return Err(EncodeError::new("NO_TYPES", path, what));
    }

    let layout = Layout {
        endian,
        attributes: options.features.attributes,
        // Readers take the base's.
        layout: options.features.layout && base.is_none(),
    };
    let assemble = || assemble(graph, &selection.functions, &data, name_of, &layout, spare);
    let (assembled, mut skipped) = pages.join(pool, assemble, || skipped_functions(&selection, groups, name_of));
    let mut assembled = assembled.map_err(|error| EncodeError::new("INVALID_BTF", path, error))?;
    let (functions_skipped, variables_skipped) = (skipped.len() as u32, skipped_variables.len() as u32);
    skipped.append(&mut skipped_variables);
    let mut diagnostics = diagnostics(groups, &assembled.bad_names, name_of);
    phases.end("write");
    go_on(path, abort)?;

    let context = if base.is_some() { Context::Module } else { Context::Vmlinux };
    let below = base.map(|base| base.btf().as_ref());
    let release = if layout.layout { Release::V7_1 } else { CheckOptions::RELEASE };
    let rules =
        validate::Rules { release: wishes.target.unwrap_or(release), pointer_size, ..validate::Rules::new(context) };
    drop((selection, functions, data));
    let clear_up = || {
        drop((walked, units));
        if alone.is_some() {
            spare.empty();
        }
    };
    let (verdict, ()) = pages.join(pool, || rules.judge(&assembled.bytes, below), clear_up);
    let only_loaded = warnings(path, verdict).map_err(|error| match wishes.on_invalid {
        OnInvalid::SkipSection => EncodeError { code: "SKIPPED", ..error },
        OnInvalid::Error => error,
    })?;
    let Assembled { bytes, .. } = &mut assembled;
    let Emission { btf, beside, fault } =
        pool.install(|| emission::emit(path, std::mem::take(bytes), base, plan, wishes, rules))?;
    phases.end("validate");

    diagnostics.extend(only_loaded);
    diagnostics.extend(program.btf_ids_faults.iter().map(|fault| of_file("btf-ids", fault)));
    diagnostics.extend(fault.iter().map(|fault| of_file("distilled-base", fault)));
    diagnostics.extend(assembled.no_arena_pointers.iter().map(|fault| of_file("arena-pointer", fault)));
    if let Some(first) = diagnostics.first().filter(|_| options.strict) {
        let mut what =
            format!("{} things were not taken as they stand, the first in {}", diagnostics.len(), first.unit);
        for d in diagnostics.iter().take(STRICT_SHOWN) {
            what += &format!("\n  {}+{:#x} {}: {}", d.unit, d.offset, d.code, d.message);
        }
        return Err(EncodeError::new("STRICT", path, what));
    }
    let mut report = report(&assembled, skipped, diagnostics);
    // Of a module it is told for the whole run.
    report.peak_memory = alone.and_then(|_| phases::peak_memory());
    (report.units, report.units_excluded) = (read, excluded);
    (report.functions_skipped, report.variables_skipped) = (functions_skipped, variables_skipped);
    report.phases = phases.finish();
    report.jobs = pool.current_num_threads() as u32;
    report.size = btf.len() as u64;
    report.base_size = beside.base.as_ref().map(|base| base.len() as u64);
    Ok(Encoded { btf, beside, report })
}

impl Encoded {
    /// Writes the BTF to a file, and what belongs to it beside that.
    pub fn write(&self, path: &Path) -> Result<(), EncodeError> {
        self.beside.write_with(path, &self.btf)
    }
}

/// Which sections the file gets.
fn plan(run: &Run<'_>) -> Result<Plan, EncodeError> {
    let Run { path, image, options, base, .. } = run;
    let facts = policy::gather(path, image, base.map(Base::path), run.alone.is_none());
    match policy::decide(&facts, &options.sections, &options.features) {
        Ok(Plan::Nothing(omission)) => Err(EncodeError::new("SKIPPED", path, format!("gets no BTF: {omission}"))),
        Ok(plan) => Ok(plan),
        Err(policy::Refused::BaseMissing) => Err(EncodeError::new("NOT_FOUND", path, "its base is not there")),
    }
}

/// What is refused where it is for fails the run. What a kernel takes and programs could not load are warnings.
fn warnings(path: &Path, verdict: Verdict) -> Result<Vec<Diagnostic>, EncodeError> {
    let fails = verdict.refusal.is_some();
    let first = verdict.findings.iter().find(|finding| fails || finding.severity == Severity::Error);
    if let Some(finding) = first {
        let place = if finding.path.is_empty() { String::new() } else { format!(" (at {})", finding.path) };
        let what = format!("the kernel would refuse the result, so nothing is written: {}{place}", finding.message);
        return Err(EncodeError::new("INVALID_BTF", path, what));
    }
    // Sorting by name is left to resolve_btfids, which adds types after us.
    let told = verdict.findings.iter().filter(|finding| finding.rule != "unsorted-names");
    let told = told.map(|finding| {
        let what = "the kernel takes this, but refuses it from a program that loads the BTF";
        of_file("only-loaded", &format!("{}: {what}: {}", finding.path, finding.message))
    });
    Ok(told.collect())
}

/// Writes the bytes beside their targets, and then renames all over these.
fn write_together(files: &[(&Path, &[u8])]) -> Result<(), EncodeError> {
    fault::at("write");
    Ok(btfkit_elf::write_together(files)?)
}

/// With `strict`, how many diagnostics the error tells.
const STRICT_SHOWN: usize = 20;

/// Stops between two stages when that is asked for.
fn go_on(path: &Path, abort: &AtomicBool) -> Result<(), EncodeError> {
    if abort.load(Ordering::Relaxed) { Err(EncodeError::aborted(path)) } else { Ok(()) }
}

fn settings(options: &Options, image: &Image<'_>) -> Settings {
    let features = &options.features;
    Settings {
        float: features.float,
        decl_tag: features.decl_tag,
        type_tag: features.type_tag,
        enum64: features.enum64,
        true_signature: features.true_signature,
        excluded_languages: options.lang_exclude.clone(),
        convention: Convention::of(image.machine()),
    }
}

fn name_of<'a>(sections: &Sections<'a>, groups: &'a [Gleaned], base: Option<&'a Base>, at: NameRef) -> &'a [u8] {
    if let Some(offset) = at.btf_offset() {
        return base.and_then(|base| base.btf().string(offset)).unwrap_or_default();
    }
    names::bytes_of(sections, at, |group, index| {
        groups.get(group as usize).and_then(|g| g.made_names.get(index)).map_or(b"", Vec::as_slice)
    })
}

fn skipped_functions<'n>(
    selection: &Selection<'_, '_>,
    groups: &[Gleaned],
    name_of: impl Fn(NameRef) -> &'n [u8],
) -> Vec<Skipped> {
    let skip = |name: &[u8], reason: Reason| Skipped {
        what: "function",
        name: String::from_utf8_lossy(name).into_owned(),
        reason: reason.code(),
        detail: reason.detail(),
    };
    let mut skipped: Vec<Skipped> = selection.skipped.iter().map(|&(name, reason)| skip(name, reason)).collect();
    let unlisted = groups.iter().flat_map(|g| &g.unlisted);
    let mut unlisted: Vec<Skipped> = unlisted.map(|n| skip(name_of(n.at), Reason::NotInSymbolTable)).collect();
    unlisted.sort();
    unlisted.dedup();
    skipped.extend(unlisted);
    skipped
}

fn diagnostics<'n>(
    groups: &[Gleaned],
    bad_names: &[BadName],
    name_of: impl Fn(NameRef) -> &'n [u8],
) -> Vec<Diagnostic> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let of_units = groups.iter().flat_map(|g| &g.diagnostics).map(|d| Diagnostic {
        unit: if d.unit.is_none() { String::new() } else { text(name_of(d.unit.at)) },
        offset: d.at,
        code: d.code,
        message: d.message.clone(),
    });
    let of_names = bad_names.iter().map(|bad| {
        let what = match (bad.kind, bad.member) {
            (Kind::Enum | Kind::Enum64, true) => "an enumerator is left out",
            (_, true) => "a member or parameter is without a name",
            (Kind::Typedef, false) => "a typedef gives way to its target",
            (Kind::Fwd, false) => "a forward declaration is void",
            (_, false) => "a type is without a name",
        };
        let group = &groups[bad.unit as usize];
        let unit = group.unit_names.partition_point(|(base, _)| *base <= bad.at).checked_sub(1);
        let name = unit.map(|unit| group.unit_names[unit].1).filter(|name| !name.is_none());
        Diagnostic {
            unit: name.map_or(String::new(), |name| text(name_of(name.at))),
            offset: group.start + bad.at as u64,
            code: "invalid-name",
            message: format!("{what}: the kernel would not take '{}'", text(&bad.name)),
        }
    });
    of_units.chain(of_names).collect()
}

/// Of no unit.
fn of_file(code: &'static str, message: &str) -> Diagnostic {
    Diagnostic { unit: String::new(), offset: 0, code, message: message.to_owned() }
}

fn report(assembled: &Assembled, skipped: Vec<Skipped>, diagnostics: Vec<Diagnostic>) -> Report {
    Report {
        counts: assembled.counts.iter().map(|&(kind, count)| (kind.name(), count)).collect(),
        types: assembled.types,
        size: assembled.bytes.len() as u64,
        skipped,
        diagnostics,
        ..Report::default()
    }
}
