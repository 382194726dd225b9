import {call, withLazy} from './call.js';
import {encodeOptions} from './options/encode.js';
import {checkOptions, forFile, type CallOptions} from './options/table.js';
import {refuseInput, toPath} from './paths.js';
import type {Outcome} from './native.js';
import type {Report} from './report.js';

export type EncodeOptions = CallOptions<typeof encodeOptions>;

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
export async function encode(file: string | URL, options: EncodeOptions = {}): Promise<EncodeResult> {
	const {btf, base, checksum, ...told} = await start(toPath(file, 'file'), undefined, options);
	const beside = {...(base && {base}), ...(checksum && {baseChecksum: checksum})};
	return withLazy({btf: btf!, ...beside}, 'report', () => readReport(told));
}

/**
 * As `encode`, but writes the BTF to a file: beside the target, then renamed over it, so that there is never a partial
 * one. Without a target it goes to the input's name with `.btf` added.
 */
export async function encodeToFile(
	file: string | URL,
	target?: string | URL,
	options: EncodeOptions = {},
): Promise<EncodeToFileResult> {
	const input = toPath(file, 'file');
	const path = target === undefined ? `${input}.btf` : toPath(target, 'target');
	for (const read of [input, ...[options.base ?? []].flat()]) {
		refuseInput(read, path);
	}

	const told = await start(input, path, options);
	return withLazy({path}, 'report', () => readReport(told));
}

/**
 * As `encode`, but puts the BTF into the file itself, as its section `.BTF`: a new file is written beside the old one and
 * renamed over it. Nothing else in the file is moved. Mode, owner and links to it are kept.
 */
export async function encodeInPlace(file: string | URL, options: EncodeOptions = {}): Promise<EncodeToFileResult> {
	const path = toPath(file, 'file');
	const checked = checkOptions(encodeOptions, forFile(encodeOptions, options, path));
	const told = await call({
		path,
		doing: 'encoding',
		signal: options.signal,
		start: (native, control) => native.encodeInPlace(path, checked, control),
	});
	return withLazy({path}, 'report', () => readReport(told));
}

async function start(input: string, output: string | undefined, options: EncodeOptions) {
	const checked = checkOptions(encodeOptions, forFile(encodeOptions, options, input));
	return call({
		path: input,
		doing: 'encoding',
		signal: options.signal,
		start: (native, control) => native.encode(input, output, checked, control),
	});
}

/** The addon's report as the API shows it: counts by name instead of a list of pairs, and all that was left out. */
function readReport({report: json, skipped}: Pick<Outcome, 'report' | 'skipped'>): Report {
	const report = JSON.parse(json!) as Report;
	if (Array.isArray(report.counts)) {
		report.counts = Object.fromEntries(report.counts) as Report['counts'];
	}

	return withLazy(report, 'skipped', () => JSON.parse(skipped!.toString()) as Report['skipped']);
}
