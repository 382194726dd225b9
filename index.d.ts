// The public types of btfkit. Made from ts/ by npm run types; do not edit.

export interface CheckOptions {
    /**
     * What split BTF stands on: a raw BTF, or an ELF file with .BTF. A file's own .BTF.base comes before it.
     */
    base?: string | undefined;
    /**
     * How the BTF gets into the kernel: load (a program loads it with BPF_BTF_LOAD, which checks most), vmlinux (its
     * own), module (a module's .BTF), base (a module's .BTF.base). Default: module where there is a base, load for BPF
     * objects, else vmlinux.
     */
    context?: 'load' | 'vmlinux' | 'module' | 'base' | undefined;
    /**
     * The kernel that is asked: a release such as 6.12. It knows the kinds and flags that it knew. Default: 6.18.
     */
    targetKernel?: string | undefined;
    /**
     * Ends the work early. The error then has the name `AbortError` and the code `ABORTED`.
     */
    signal?: AbortSignal | undefined;
}
/** Something that is wrong with a BTF, and where. */
export interface Finding {
    /** An error is what the kernel that was asked refuses, or nobody can use; other kernels and tools mind a warning. */
    severity: 'error' | 'warning';
    section: '.BTF' | '.BTF.base';
    /** Null where it is about no type. */
    typeId: number | null;
    /** The type's own name, empty where it has none. */
    name: string;
    /** From a named type down to this one. */
    path: string;
    /** Stable, for machines: "member-exceeds-struct-size". */
    rule: string;
    /** Who has the rule. */
    source: string;
    message: string;
    /** What to do. */
    advice: string;
}
export interface CheckResult {
    file: string;
    verdict: 'accepted' | 'refused';
    context: 'load' | 'vmlinux' | 'module' | 'base';
    /** The kernel's error number, where it refuses. */
    errno?: number;
    /** The kernel's words; empty where it has none. */
    message?: string;
    findings: Finding[];
}
/** A file that could not be read. */
export interface UncheckedFile {
    file: string;
    error: {
        code: ErrorCode;
        message: string;
    };
}
/** Says whether a kernel would take the BTF of a file: a raw BTF, or an ELF file with `.BTF`. */
export declare function check(file: string | URL, options?: CheckOptions): Promise<CheckResult>;
/** As `check`, for many files, whose base is read once. One that cannot be read does not end it. */
export declare function checkFiles(files: ReadonlyArray<string | URL>, options?: CheckOptions): Promise<Array<CheckResult | UncheckedFile>>;

export interface DistillOptions {
    /**
     * The base that the split BTF was made on: a vmlinux, or its raw BTF.
     */
    base?: string | undefined;
    /**
     * Ends the work early. The error then has the name `AbortError` and the code `ABORTED`.
     */
    signal?: AbortSignal | undefined;
}
export interface DedupOptions {
    /**
     * What split BTF stands on: a vmlinux, or its raw BTF. Only what it has not comes out.
     */
    base?: string | undefined;
    /**
     * Ends the work early. The error then has the name `AbortError` and the code `ABORTED`.
     */
    signal?: AbortSignal | undefined;
}
export interface RelocateOptions {
    /**
     * The distilled base: raw BTF, or an ELF file that has it as .BTF.base. Default: what the file with the split BTF
     * has itself, or what lies beside it with .base at the end of its name.
     */
    base?: string | undefined;
    /**
     * The new base: a vmlinux, or its raw BTF.
     */
    to?: string | undefined;
    /**
     * Ends the work early. The error then has the name `AbortError` and the code `ABORTED`.
     */
    signal?: AbortSignal | undefined;
}
export interface FitsOptions {
    /**
     * The base that it is to be judged on: a vmlinux, or its raw BTF.
     */
    base?: string | undefined;
    /**
     * The kernel that has this base: a release such as 6.12. Before 6.11 it looks at no distilled base. Default: 6.18.
     */
    targetKernel?: string | undefined;
    /**
     * Ends the work early. The error then has the name `AbortError` and the code `ABORTED`.
     */
    signal?: AbortSignal | undefined;
}
/** What came in and what went out. */
export interface ConvertReport {
    /** Types that came in, without void and without a base's. */
    typesBefore: number;
    /** Types that went out. */
    types: number;
    /** Bytes of the BTF. */
    size: number;
    /** Bytes of its distilled base, where it has one. */
    baseSize: number | null;
    /** Types that were taken for types of another kind: the kernel does not mind, somebody else might. */
    doubts: string[];
}
export interface ConvertResult {
    /** The raw BTF. */
    btf: Buffer;
    report: ConvertReport;
}
export interface DistillResult extends ConvertResult {
    /** The distilled base, which belongs into `.BTF.base`. */
    base: Buffer;
}
export interface ConvertToFileResult {
    /** Where the BTF is; a distilled base is beside it, with `.base` at the end of its name. */
    path: string;
    report: ConvertReport;
}
/**
 * Whether a module's BTF belongs to a base.
 *
 * - `exact`: it was made on this base.
 * - `relocatable`: it has a distilled base, by which the kernel carries it to this one.
 * - `mismatched`: it does not belong to this base.
 * - `unknown`: nothing says so, and nothing speaks against it.
 */
export type Verdict = 'exact' | 'relocatable' | 'mismatched' | 'unknown';
export interface Fit {
    verdict: Verdict;
    /** Whether a kernel with this base takes it, rightly or not. */
    loads: boolean;
    /** What the kernel writes to its log where it does not. */
    kernelMessage: string | null;
    /** Of `exact`: the checksum of the base, or where its own types and strings begin. */
    proof: 'checksum' | 'layout' | null;
    /** Of `mismatched`: for people. */
    reason: string | null;
    /** Of `mismatched`: the first name that is not what was meant. */
    garbled: Garbled | null;
    /** Of `mismatched`, with a distilled base: what stands in the way, first what the kernel names. */
    obstacles: Obstacle[];
    /** Of `relocatable`: types that are taken for types of another kind. */
    doubts: string[];
}
export interface Garbled {
    /** Number of the type that has the name, or a member or parameter with it. */
    type: number;
    kind: KindName | null;
    /** What the name is on this base; null where there is none. */
    is: string | null;
    meant: string;
}
/** A type of the old base that relocation does not find in the new one, or finds twice. */
export interface Obstacle {
    name: string;
    kind: KindName;
    /** Bytes. */
    size: number;
    /** The module contains it by value, so that its size counts. */
    byValue: boolean;
    cause: 'missing' | 'different' | 'ambiguous';
    /** What the new base has under that name. */
    instead: Array<{
        type: number;
        kind: KindName;
        size: number;
    }>;
    /** All of this, for people. */
    message: string;
}
/**
 * Makes a distilled base for the split BTF of a file, so that it can be carried to other bases: what the split BTF needs
 * of its base, and the split BTF on that.
 */
export declare function distill(file: string | URL, options: DistillOptions): Promise<DistillResult>;
/** As `distill`, but writes the BTF to a file, and the distilled base beside it with `.base` at the end of its name. */
export declare function distillToFile(file: string | URL, target: string | URL, options: DistillOptions): Promise<ConvertToFileResult>;
/** Carries the split BTF of a file from its distilled base to another base, as the kernel does when it loads a module. */
export declare function relocate(file: string | URL, options: RelocateOptions): Promise<ConvertResult>;
/** As `relocate`, but writes the BTF to a file. */
export declare function relocateToFile(file: string | URL, target: string | URL, options: RelocateOptions): Promise<ConvertToFileResult>;
/**
 * Merges what is the same in the BTF of a file, as it is made by compilers. Split BTF stands on `base`, or on its own
 * distilled base: what that has is taken from it.
 */
export declare function dedup(file: string | URL, options?: DedupOptions): Promise<ConvertResult>;
/** As `dedup`, but writes the BTF to a file. */
export declare function dedupToFile(file: string | URL, target: string | URL, options?: DedupOptions): Promise<ConvertToFileResult>;
/**
 * Puts the BTF of several files together, as if they were units of one program, and merges what is the same. With `base`
 * all of them are split BTF on that.
 */
export declare function merge(files: ReadonlyArray<string | URL>, options?: DedupOptions): Promise<ConvertResult>;
/** As `merge`, but writes the BTF to a file. */
export declare function mergeToFile(files: ReadonlyArray<string | URL>, target: string | URL, options?: DedupOptions): Promise<ConvertToFileResult>;
/** Says whether the BTF of a module belongs to a base, without booting it. */
export declare function fits(file: string | URL, options: FitsOptions): Promise<Fit>;

export interface EncodeOptions {
    /**
     * What goes into the BTF: names as in pahole --btf_features, separated by commas. "default" stands for the default
     * set, a "+" in front adds to it. Default: default.
     */
    features?: string | ReadonlyArray<Feature | 'default'> | undefined;
    /**
     * Make split BTF on the BTF of this file: an ELF file with a .BTF section, a raw BTF, or what the kernel shows in
     * /sys/kernel/btf. May be given several times, each on top of the one before. Default: BTF of its own.
     */
    base?: string | readonly string[] | undefined;
    /**
     * How many threads work at most. Default: as many as the process may use, by its affinity and by what its control
     * groups grant. The result does not depend on it.
     */
    jobs?: number | undefined;
    /**
     * How much anonymous memory the process may have, in bytes (on the command line also 256M, 1GiB): with less, fewer
     * threads work, and what does not fit at all fails. Default: what the process's control groups leave it.
     */
    memoryLimit?: number | undefined;
    /**
     * Leave out compile units written in these languages: DWARF's names in any case (rust, c++14, asm), separated by
     * commas. Default: none.
     */
    langExclude?: string | readonly string[] | undefined;
    /**
     * Which files on a base get a distilled base beside their BTF (.BTF.base, or a file with .base at the end of its
     * name), by which kernels since 6.11 carry it to other bases. Default: out-of-tree, modules that do not belong to
     * the build of their base.
     */
    baseRef?: 'never' | 'out-of-tree' | 'always' | ((file: string) => 'never' | 'out-of-tree' | 'always') | undefined;
    /**
     * Put the checksum of the base beside split BTF (.BTF.base_checksum), so that fits can tell the base from others.
     */
    baseChecksum?: boolean | undefined;
    /**
     * The file does not belong to the build of its base. Default: told by KBUILD_EXTMOD in the environment, by the
     * module itself (intree in .modinfo), or by where it lies.
     */
    outOfTree?: boolean | undefined;
    /**
     * The oldest kernel that has to take the BTF, such as 5.15: kinds, features and sections that it does not know are
     * left out. Default: all that features ask for.
     */
    targetKernel?: string | undefined;
    /**
     * What to do when the file of the base is not there: fail, or say so and make no BTF of what would stand on it.
     * Default: error.
     */
    missingBase?: 'error' | 'skip' | undefined;
    /**
     * What to do when the kernel would refuse a section: fail, or leave that section out and say so. Default: error.
     */
    onInvalid?: 'error' | 'skip-section' | undefined;
    /**
     * Fail when anything odd in the debug information had to be worked around. Default: report it and go on.
     */
    strict?: boolean | undefined;
    /**
     * Ends the work early. The error then has the name `AbortError` and the code `ABORTED`.
     */
    signal?: AbortSignal | undefined;
}
export interface EncodeResult {
    /** The raw BTF, in the byte order of the input. */
    btf: Buffer;
    /** Its distilled base, which belongs into `.BTF.base`, where it has one. */
    base?: Buffer;
    /** What belongs into `.BTF.base_checksum`, with `baseChecksum`. */
    baseChecksum?: Buffer;
    report: Report;
}
export interface EncodeToFileResult {
    /** Where the BTF is; a distilled base and a checksum are beside it, with `.base` and `.base_checksum` at the end. */
    path: string;
    report: Report;
}
/**
 * Makes BTF from the DWARF of an ELF file: a kernel, a module, an object or a program.
 *
 * Rejects with a `BtfkitError`.
 */
export declare function encode(file: string | URL, options?: EncodeOptions): Promise<EncodeResult>;
/**
 * As `encode`, but writes the BTF to a file: beside the target, then renamed over it, so that there is never a partial
 * one. Without a target it goes to the input's name with `.btf` added.
 */
export declare function encodeToFile(file: string | URL, target?: string | URL, options?: EncodeOptions): Promise<EncodeToFileResult>;
/**
 * As `encode`, but puts the BTF into the file itself, as its section `.BTF`: a new file is written beside the old one and
 * renamed over it. Nothing else in the file is moved. Mode, owner and links to it are kept.
 */
export declare function encodeInPlace(file: string | URL, options?: EncodeOptions): Promise<EncodeToFileResult>;

/**
 * What went wrong, for machines. Stable: a code is never given another meaning.
 *
 * - `NOT_FOUND`: there is no such file.
 * - `NOT_ELF`: the file is not ELF.
 * - `TRUNCATED`: the file is shorter than its own headers say.
 * - `NO_DWARF`: the file has no debug information to make BTF from.
 * - `NO_SYMTAB`: the file has no symbol table, which functions and variables are looked up in.
 * - `MALFORMED_COMPRESSION`: the file is compressed as a whole (gzip, xz, zstd), and damaged.
 * - `MALFORMED_ELF`: the file's sections or symbols contradict themselves.
 * - `MALFORMED_DWARF`: the debug information contradicts itself.
 * - `NO_TYPES`: there is debug information, but without a single type, or all of it was excluded.
 * - `NO_MODULES`: the folder has no modules.
 * - `AMBIGUOUS`: two modules have the same name, and their BTF would be in the same file.
 * - `UNFIT_VARIABLE`: a variable cannot be in BTF, and the feature `encode_force`, which leaves such out, was not asked for.
 * - `INVALID_BTF`: valid BTF could not be made of it.
 * - `NO_BTF`: the file has no BTF, or not what is needed beside it.
 * - `MALFORMED_BTF`: BTF that was given cannot be read.
 * - `NOT_RELOCATABLE`: split BTF cannot be carried to another base; the message says which types are in the way.
 * - `BASE_MISMATCH`: the base is of another byte order or pointer size than the file.
 * - `SKIPPED`: there is no BTF, as `missingBase` or `onInvalid` asked for, or as the target kernel reads none of modules.
 * - `STRICT`: there were diagnostics, and `strict` was asked for.
 * - `MEMORY_LIMIT`: it takes more memory than `memoryLimit`, or the process's control group, leaves it.
 * - `NOT_IN_PLACE`: the BTF cannot be put into the file; it can be written to a file of its own.
 * - `IO`: reading or writing failed.
 * - `ABORTED`: the signal was aborted; the error's name is `AbortError`, its `cause` the signal's reason.
 * - `INVALID_OPTION`: an option or argument is not what it has to be.
 * - `NO_ADDON`: the native part of btfkit could not be loaded.
 * - `INTERNAL`: a fault of btfkit itself.
 */
export type ErrorCode = 'NOT_FOUND' | 'NOT_ELF' | 'TRUNCATED' | 'NO_DWARF' | 'NO_SYMTAB' | 'MALFORMED_COMPRESSION' | 'MALFORMED_ELF' | 'MALFORMED_DWARF' | 'NO_TYPES' | 'NO_MODULES' | 'AMBIGUOUS' | 'UNFIT_VARIABLE' | 'INVALID_BTF' | 'NO_BTF' | 'MALFORMED_BTF' | 'NOT_RELOCATABLE' | 'BASE_MISMATCH' | 'SKIPPED' | 'STRICT' | 'MEMORY_LIMIT' | 'NOT_IN_PLACE' | 'IO' | 'ABORTED' | 'INVALID_OPTION' | 'NO_ADDON' | 'INTERNAL';
export interface BtfkitErrorDetails {
    /** The file that the error is about. */
    path?: string | undefined;
    cause?: unknown;
}
/** Every error of btfkit. The message names the file and says what to do. */
export declare class BtfkitError extends Error {
    readonly code: ErrorCode;
    /** The file that the error is about, as it was given. */
    readonly path: string | undefined;
    constructor(code: ErrorCode, message: string, details?: BtfkitErrorDetails);
}

/** What goes into the BTF. The names are those of `pahole --btf_features`. */
export type Feature = 'encode_force' | 'var' | 'float' | 'decl_tag' | 'type_tag' | 'enum64' | 'optimized_func' | 'consistent_func' | 'decl_tag_kfuncs' | 'reproducible_build' | 'distilled_base' | 'global_var' | 'attributes' | 'true_signature' | 'layout';

export interface KernelOptions {
    /**
     * The folder of the modules, with all folders below it: *.ko, also compressed (.ko.xz, .ko.zst, .ko.gz), and
     * *.ko.debug. Links to files are followed, links to folders are not.
     */
    modules: string;
    /**
     * The kernel, with DWARF. Its BTF is made first, and is what the modules' BTF builds on.
     */
    vmlinux?: string | undefined;
    /**
     * Instead of --vmlinux: BTF that is there already, raw or in an ELF file. Given several times, each builds on the
     * one before, and the modules on the last.
     */
    base?: string | readonly string[] | undefined;
    /**
     * Where the BTF goes: vmlinux.btf, and NAME.ko.btf under each module's own path.
     */
    out?: string | undefined;
    /**
     * Put the BTF into each file itself, as its section .BTF, also into the one that --vmlinux names; with --base only
     * into the modules. A vmlinux that is linked with its BTF is refused: use it as --base. Excludes --out. Without
     * either, the command writes nothing.
     */
    inPlace?: boolean | undefined;
    /**
     * When a module fails, do the others nevertheless.
     */
    keepGoing?: boolean | undefined;
    /**
     * Do only the i-th of n parts of the modules: every n-th in the order of their paths. Default: 1/1.
     */
    shard?: `${number}/${number}` | undefined;
    /**
     * Encode everything again. Default: leave what an earlier run has made from the same file, base and options by the
     * same version.
     */
    force?: boolean | undefined;
    /**
     * What goes into the BTF: names as in pahole --btf_features, separated by commas. "default" stands for the default
     * set, a "+" in front adds to it. Default: default.
     */
    features?: string | ReadonlyArray<Feature | 'default'> | undefined;
    /**
     * How many threads work at most. Default: as many as the process may use, by its affinity and by what its control
     * groups grant. The result does not depend on it.
     */
    jobs?: number | undefined;
    /**
     * How much anonymous memory the process may have, in bytes (on the command line also 256M, 1GiB): with less, fewer
     * threads work, and what does not fit at all fails. Default: what the process's control groups leave it.
     */
    memoryLimit?: number | undefined;
    /**
     * Leave out compile units written in these languages: DWARF's names in any case (rust, c++14, asm), separated by
     * commas. Default: none.
     */
    langExclude?: string | readonly string[] | undefined;
    /**
     * Which files on a base get a distilled base beside their BTF (.BTF.base, or a file with .base at the end of its
     * name), by which kernels since 6.11 carry it to other bases. Default: out-of-tree, modules that do not belong to
     * the build of their base.
     */
    baseRef?: 'never' | 'out-of-tree' | 'always' | ((file: string) => 'never' | 'out-of-tree' | 'always') | undefined;
    /**
     * Put the checksum of the base beside split BTF (.BTF.base_checksum), so that fits can tell the base from others.
     */
    baseChecksum?: boolean | undefined;
    /**
     * The file does not belong to the build of its base. Default: told by KBUILD_EXTMOD in the environment, by the
     * module itself (intree in .modinfo), or by where it lies.
     */
    outOfTree?: boolean | undefined;
    /**
     * The oldest kernel that has to take the BTF, such as 5.15: kinds, features and sections that it does not know are
     * left out. Default: all that features ask for.
     */
    targetKernel?: string | undefined;
    /**
     * What to do when the file of the base is not there: fail, or say so and make no BTF of what would stand on it.
     * Default: error.
     */
    missingBase?: 'error' | 'skip' | undefined;
    /**
     * What to do when the kernel would refuse a section: fail, or leave that section out and say so. Default: error.
     */
    onInvalid?: 'error' | 'skip-section' | undefined;
    /**
     * Fail when anything odd in the debug information had to be worked around. Default: report it and go on.
     */
    strict?: boolean | undefined;
    /**
     * Ends the work early. The error then has the name `AbortError` and the code `ABORTED`.
     */
    signal?: AbortSignal | undefined;
}
/**
 * What became of a module.
 *
 * - `encoded`: its BTF was made.
 * - `current`: its BTF was there from an earlier run, and would be the same again.
 * - `no-dwarf`: it has no debug information. No BTF is there for it.
 * - `no-types`: it has no type that the base has not. No BTF is there for it.
 * - `base-missing`: there is no base for it, and `missingBase` is `skip`.
 * - `omitted`: it gets none: the target kernel reads no BTF of modules, or would refuse it and `onInvalid` is `skip-section`.
 * - `failed`: see `error`.
 */
export type ModuleStatus = 'encoded' | 'current' | 'no-dwarf' | 'no-types' | 'base-missing' | 'omitted' | 'failed';
/** One module of a kernel. On the command line, `--json` prints these. */
export interface ModuleResult {
    /** Its path in the folder of modules. */
    module: string;
    status: ModuleStatus;
    /** The file that has its BTF, if one has. */
    output?: string;
    /** The raw BTF, when it is written nowhere. */
    btf?: Buffer;
    /** Its distilled base, and the section with the checksum of its base, where it has them. */
    base?: Buffer;
    baseChecksum?: Buffer;
    /** The number of its own types. */
    types: number;
    /** The size of its BTF in bytes. */
    size: number;
    /** The size of its distilled base in bytes, 0 where it has none. */
    baseSize: number;
    /** How many functions and variables were left out; `encode` with `base` tells which, and why. */
    skipped: number;
    /** How many oddities of the debug information were worked around. */
    diagnostics: number;
    milliseconds: number;
    /**
     * With `inPlace`, of a module without debug information that has BTF: it keeps that, as it may have been made before
     * the module was stripped. Whether it belongs to the base is judged as by `fits`.
     */
    kept?: {
        verdict: Verdict;
        reason?: string;
    };
    error?: {
        code: ErrorCode;
        message: string;
    };
}
/** What the modules build on. */
export interface KernelBase {
    /** The files that it was made from, or read from. */
    inputs: string[];
    /** The file that has the BTF of vmlinux. */
    output?: string;
    /** Was it made by this run? */
    encoded: boolean;
    types: number;
    size: number;
    skipped: number;
    diagnostics: number;
    milliseconds: number;
}
export interface KernelSummary {
    /** Null where it is missing. */
    base: KernelBase | null;
    /** How many modules there are, and of each status. */
    modules: number;
    encoded: number;
    current: number;
    noDwarf: number;
    noTypes: number;
    baseMissing: number;
    omitted: number;
    failed: number;
    /** Modules that were not begun, because another one had failed. */
    notBegun: number;
    /** Sums over the modules. */
    types: number;
    size: number;
    baseSize: number;
    skipped: number;
    diagnostics: number;
    milliseconds: number;
    /** Peak resident memory of the process in bytes, or null where it is not known. */
    peakMemory: number | null;
    /** How many threads encoded modules: fewer than asked for where there is no room for all, 0 where there was nothing to do. */
    jobs: number;
}
/** How far a run is. */
export interface KernelProgress {
    /** How many modules are done, of how many; 0 of 0 while the base is made. */
    done: number;
    modules: number;
    /** The same in bytes of their files. */
    bytesDone: number;
    bytes: number;
}
/** A kernel whose modules are being encoded. The work begins when results are first asked for. */
export interface KernelRun extends AsyncIterable<ModuleResult> {
    /** How far it is now. */
    readonly progress: KernelProgress;
    /** The results as they come, some at a time, or none when there is only progress. */
    batches(): AsyncIterable<readonly ModuleResult[]>;
    /** Waits for the end, leaving out results that nobody has read. */
    summary(): Promise<KernelSummary>;
}
/**
 * Makes BTF for all modules of a kernel, each on the BTF of one base, on all threads.
 *
 * Results come in the order of the modules' paths. The work waits for whoever reads them; leaving the loop ends it. A
 * module that fails is a result, too. Afterwards its error is thrown, unless `keepGoing` is set.
 */
export declare function encodeKernel(options: KernelOptions): KernelRun;

/** The kinds of BTF, by the kernel's names without `BTF_KIND_`. */
export type KindName = 'INT' | 'PTR' | 'ARRAY' | 'STRUCT' | 'UNION' | 'ENUM' | 'FWD' | 'TYPEDEF' | 'VOLATILE' | 'CONST' | 'RESTRICT' | 'FUNC' | 'FUNC_PROTO' | 'VAR' | 'DATASEC' | 'FLOAT' | 'DECL_TAG' | 'TYPE_TAG' | 'ENUM64';
/** A function or variable that the debug information has and the BTF has not. */
export interface Skipped {
    what: 'function' | 'variable';
    name: string;
    /** Stable, for machines: `inconsistent-prototype`. */
    reason: string;
    /** For people. */
    detail: string;
}
/** Something odd in the debug information that was worked around. */
export interface Diagnostic {
    /** The name of the compile unit. */
    unit: string;
    /** The offset of the entry in `.debug_info`. */
    offset: number;
    /** Stable, for machines: `unsupported-tag`. */
    code: string;
    message: string;
}
/** A stage of the work and how long it took. */
export interface Phase {
    name: string;
    milliseconds: number;
}
/** What happened while encoding. */
export interface Report {
    /** How many types of each kind the BTF has; kinds that do not occur are absent. */
    counts: Partial<Record<KindName, number>>;
    /** The number of types, without `void`. */
    types: number;
    /** The size of the BTF in bytes. */
    size: number;
    /** The size of its distilled base, where it has one. */
    baseSize: number | null;
    /** Compile units that were read. */
    units: number;
    /** Compile units that were left out because of their language. */
    unitsExcluded: number;
    /** How many functions were left out. */
    functionsSkipped: number;
    /** How many variables were left out. */
    variablesSkipped: number;
    /** Every function and variable that was left out, by name. */
    skipped: Skipped[];
    diagnostics: Diagnostic[];
    phases: Phase[];
    /** Peak resident memory of the process in bytes, or null where it is not known. */
    peakMemory: number | null;
    /** How many bytes of anonymous memory the process was expected to need, from the sizes of the file's sections. */
    memoryEstimate: number;
    /** The bound on them, by `memoryLimit` or by control groups, or null where there was none. */
    memoryLimit: number | null;
    /** How many threads did the work. */
    jobs: number;
}
