import {join} from 'node:path';
import {binding} from './binding.js';
import {call, failureError} from './call.js';
import {BtfkitError, type ErrorCode} from './errors.js';
import type {Verdict} from './convert.js';
import type {KernelBatch} from './native.js';
import {OptionError} from './options/error.js';
import {kernelOptions} from './options/kernel.js';
import {checkOptions, type CallOptions} from './options/table.js';

/** What a function of the module is checked by. */
const choiceTable = {baseRef: kernelOptions.baseRef};

export type KernelOptions = CallOptions<typeof kernelOptions>;

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
	kept?: {verdict: Verdict; reason?: string};
	error?: {code: ErrorCode; message: string};
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
export function encodeKernel(options: KernelOptions): KernelRun {
	return new Run(options);
}

class Run implements KernelRun {
	progress: KernelProgress = {done: 0, modules: 0, bytesDone: 0, bytes: 0};
	readonly #options: KernelOptions;
	readonly #batches: AsyncGenerator<readonly ModuleResult[], KernelSummary>;
	#summary: KernelSummary | undefined;

	constructor(options: KernelOptions) {
		const checked = checkKernelOptions(options);
		this.#options = options;
		this.#batches = this.#read(checked);
	}

	batches(): AsyncIterable<readonly ModuleResult[]> {
		return this.#batches;
	}

	async * [Symbol.asyncIterator](): AsyncGenerator<ModuleResult, void> {
		for await (const results of this.#batches) {
			yield * results;
		}
	}

	async summary(): Promise<KernelSummary> {
		while (!(await this.#batches.next()).done) {
			// What nobody reads is left out.
		}

		if (!this.#summary) {
			throw new BtfkitError('ABORTED', `${this.#options.modules}: encoding was ended before there was a summary`);
		}

		return this.#summary;
	}

	/** What a function says of each module. One that is new when the work begins gets what is the default. */
	async #baseRefs(modules: string): Promise<Record<string, string> | undefined> {
		const {baseRef, signal} = this.#options;
		if (typeof baseRef !== 'function') {
			return undefined;
		}

		const {report} = await call({
			path: modules,
			doing: 'encoding',
			signal,
			start: (native, control) => native.kernelModules(modules, control),
		});
		return Object.fromEntries((JSON.parse(report!) as string[]).map(module => {
			const {baseRef: chosen} = checkOptions(choiceTable, {baseRef: baseRef(join(modules, module))});
			return [module, chosen];
		}).filter(([, chosen]) => chosen !== undefined));
	}

	async * #read(checked: ReturnType<typeof checkKernelOptions>): AsyncGenerator<readonly ModuleResult[], KernelSummary> {
		const {signal, keepGoing = false} = this.#options;
		const native = binding();
		const control = new native.Control();
		const path = checked.modules;
		const baseRefs = await this.#baseRefs(path);
		const run = new native.KernelEncoding({...checked, ...(baseRefs && {baseRefs})}, checked, control);
		const abort = () => {
			control.abort();
		};

		signal?.addEventListener('abort', abort, {once: true});
		if (signal?.aborted) {
			abort();
		}

		let isOver = false;
		try {
			for (;;) {
				const batch = await run.next();
				isOver = batch.failure !== undefined || batch.summary !== undefined;
				if (batch.failure) {
					throw failureError(batch.failure, {path, doing: 'encoding', signal});
				}

				this.progress = JSON.parse(batch.progress) as KernelProgress;
				yield results(batch);
				if (batch.summary !== undefined) {
					this.#summary = JSON.parse(batch.summary) as KernelSummary;
					if (batch.moduleFailure && !keepGoing) {
						throw failureError(batch.moduleFailure, {path, doing: 'encoding', signal});
					}

					return this.#summary;
				}
			}
		} finally {
			signal?.removeEventListener('abort', abort);
			// What goes on when nobody reads any more must not write behind the caller's back.
			if (!isOver) {
				control.abort();
				while ((await run.next()).failure === undefined) {
					// Until it has ended.
				}
			}
		}
	}
}

function results({modules, btf}: KernelBatch): ModuleResult[] {
	const list = modules === '' ? [] : JSON.parse(`[${modules.trimEnd().replaceAll('\n', ',')}]`) as ModuleResult[];
	for (const {index, btf: bytes, base, checksum} of btf) {
		Object.assign(list[index]!, {btf: bytes, ...(base && {base}), ...(checksum && {baseChecksum: checksum})});
	}

	return list;
}

function checkKernelOptions(options: KernelOptions) {
	// A function is asked of each module, when the work begins.
	const isAsked = typeof options === 'object' && typeof options?.baseRef === 'function';
	const checked = checkOptions(kernelOptions, isAsked ? {...options, baseRef: undefined} : options);
	if ((checked.vmlinux === undefined) === (checked.base === undefined)) {
		throw new OptionError(spelled => checked.base
			? `${spelled('vmlinux')} and ${spelled('base')} exclude each other`
			: `either ${spelled('vmlinux')} or ${spelled('base')} has to be there`);
	}

	if (checked.out !== undefined && checked.inPlace) {
		throw new OptionError(spelled => `${spelled('out')} and ${spelled('inPlace')} exclude each other`);
	}

	return checked;
}
