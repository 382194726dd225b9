import type {encodeOptions, OptionValues} from './options.js';
import type {Report} from './report.js';
import {run, runToFile} from './run.js';

export type EncodeOptions = OptionValues<typeof encodeOptions> & {signal?: AbortSignal | undefined};

export interface EncodeResult {
	/** The raw BTF, in the byte order of the input. */
	btf: Buffer;
	report: Report;
}

export interface EncodeToFileResult {
	/** Where the BTF is. */
	path: string;
	report: Report;
}

/**
 * Makes BTF from the DWARF of an ELF file: a kernel, a module, an object or a program.
 *
 * Rejects with a `BtfkitError`.
 */
export async function encode(file: string | URL, options: EncodeOptions = {}): Promise<EncodeResult> {
	const {btf, report} = await run(file, options);
	return {btf, report: report()};
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
	const {path, report} = await runToFile(file, target, options);
	return {path, report: report()};
}
