// From BTF to BTF.
import {call} from './call.js';
import {BtfkitError} from './errors.js';
import type {Binding} from './binding.js';
import type {Control, Outcome} from './native.js';
import {
	dedupOptions as dedupTable, distillOptions as distillTable, fitsOptions as fitsTable, relocateOptions as relocateTable,
	type dedupOptions, type distillOptions, type fitsOptions, type relocateOptions,
} from './options/convert.js';
import {OptionError} from './options/error.js';
import {checkOptions, type CallOptions, type OptionSpec} from './options/table.js';
import {refuseInput, toPath} from './paths.js';
import type {KindName} from './report.js';

export type DistillOptions = CallOptions<typeof distillOptions>;
export type DedupOptions = CallOptions<typeof dedupOptions>;
export type RelocateOptions = CallOptions<typeof relocateOptions>;
export type FitsOptions = CallOptions<typeof fitsOptions>;

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
	instead: Array<{type: number; kind: KindName; size: number}>;
	/** All of this, for people. */
	message: string;
}

/**
 * Makes a distilled base for the split BTF of a file, so that it can be carried to other bases: what the split BTF needs
 * of its base, and the split BTF on that.
 */
export async function distill(file: string | URL, options: DistillOptions): Promise<DistillResult> {
	const {btf, base, report} = await startDistill(toPath(file, 'file'), undefined, options);
	return {btf: btf!, base: base!, report: readReport(report)};
}

/** As `distill`, but writes the BTF to a file, and the distilled base beside it with `.base` at the end of its name. */
export async function distillToFile(file: string | URL, target: string | URL, options: DistillOptions): Promise<ConvertToFileResult> {
	return toFile([file], target, (input, path) => startDistill(input, path, options));
}

/** Carries the split BTF of a file from its distilled base to another base, as the kernel does when it loads a module. */
export async function relocate(file: string | URL, options: RelocateOptions): Promise<ConvertResult> {
	const {btf, report} = await startRelocate(toPath(file, 'file'), undefined, options);
	return {btf: btf!, report: readReport(report)};
}

/** As `relocate`, but writes the BTF to a file. */
export async function relocateToFile(file: string | URL, target: string | URL, options: RelocateOptions): Promise<ConvertToFileResult> {
	return toFile([file], target, (input, path) => startRelocate(input, path, options));
}

/**
 * Merges what is the same in the BTF of a file, as it is made by compilers. Split BTF stands on `base`, or on its own
 * distilled base: what that has is taken from it.
 */
export async function dedup(file: string | URL, options: DedupOptions = {}): Promise<ConvertResult> {
	const {btf, report} = await startDedup(toPath(file, 'file'), undefined, options);
	return {btf: btf!, report: readReport(report)};
}

/** As `dedup`, but writes the BTF to a file. */
export async function dedupToFile(
	file: string | URL,
	target: string | URL,
	options: DedupOptions = {},
): Promise<ConvertToFileResult> {
	return toFile([file], target, (input, path) => startDedup(input, path, options));
}

/**
 * Puts the BTF of several files together, as if they were units of one program, and merges what is the same. With `base`
 * all of them are split BTF on that.
 */
export async function merge(files: ReadonlyArray<string | URL>, options: DedupOptions = {}): Promise<ConvertResult> {
	const {btf, report} = await startMerge(toPaths(files), undefined, options);
	return {btf: btf!, report: readReport(report)};
}

/** As `merge`, but writes the BTF to a file. */
export async function mergeToFile(
	files: ReadonlyArray<string | URL>,
	target: string | URL,
	options: DedupOptions = {},
): Promise<ConvertToFileResult> {
	const inputs = toPaths(files);
	return toFile(inputs, target, (_, path) => startMerge(inputs, path, options));
}

/** Says whether the BTF of a module belongs to a base, without booting it. */
export async function fits(file: string | URL, options: FitsOptions): Promise<Fit> {
	const path = toPath(file, 'file');
	const {base, targetKernel} = checkOptions(fitsTable, options);
	const named = required(base, 'base', fitsTable.base);
	const {report} = await start(path, 'judging', options.signal, (native, control) => native.fits(path, named, targetKernel, control));
	return JSON.parse(report!) as Fit;
}

async function toFile(
	files: ReadonlyArray<string | URL>,
	target: string | URL,
	run: (input: string, path: string) => Promise<Outcome>,
): Promise<ConvertToFileResult> {
	const inputs = toPaths(files);
	const path = toPath(target, 'target');
	for (const input of inputs) {
		refuseInput(input, path);
	}

	const {report} = await run(inputs[0]!, path);
	return {path, report: readReport(report)};
}

async function startDistill(path: string, output: string | undefined, options: DistillOptions) {
	const {base} = checkOptions(distillTable, options);
	const named = required(base, 'base', distillTable.base);
	return start(path, 'distilling', options.signal, (native, control) => native.distill(path, named, output, control));
}

async function startRelocate(path: string, output: string | undefined, options: RelocateOptions) {
	const {base, to} = checkOptions(relocateTable, options);
	const named = required(to, 'to', relocateTable.to);
	return start(path, 'relocating', options.signal, (native, control) => native.relocate(path, base, named, output, control));
}

async function startDedup(path: string, output: string | undefined, options: DedupOptions) {
	const {base} = checkOptions(dedupTable, options);
	return start(path, 'merging', options.signal, (native, control) => native.dedup(path, base, output, control));
}

async function startMerge(paths: string[], output: string | undefined, options: DedupOptions) {
	const {base} = checkOptions(dedupTable, options);
	return start(paths.join(', '), 'merging', options.signal, (native, control) => native.merge(paths, base, output, control));
}

async function start(
	path: string,
	doing: string,
	signal: AbortSignal | undefined,
	begin: (native: Binding, control: Control) => Promise<Outcome>,
): Promise<Outcome> {
	return call({path, doing, signal, start: begin});
}

function required(value: string | undefined, name: string, {text}: OptionSpec): string {
	if (value === undefined) {
		throw new OptionError(spelled => `${spelled(name)} is missing: ${text}`);
	}

	return value;
}

function toPaths(files: ReadonlyArray<string | URL>): string[] {
	if (!Array.isArray(files) || files.length === 0) {
		throw new BtfkitError('INVALID_OPTION', 'files have to be a list of paths, with one at least');
	}

	return files.map(file => toPath(file, 'each of the files'));
}

function readReport(report: string | undefined): ConvertReport {
	return JSON.parse(report!) as ConvertReport;
}
