// A run of the encoder, from checked options to its outcome. Reports are read only when they are asked for: those of
// kernels name thousands of functions.
import {statSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {binding} from './binding.js';
import type {EncodeOptions} from './encode.js';
import {BtfkitError, type ErrorCode} from './errors.js';
import type {Outcome} from './native.js';
import {checkOptions, encodeOptions} from './options.js';
import type {Report} from './report.js';

/** As `encode`. */
export async function run(
	file: string | URL,
	options: EncodeOptions,
): Promise<{btf: Buffer; report: () => Report}> {
	const {btf, report} = await start(toPath(file, 'file'), undefined, options);
	return {btf: btf!, report};
}

/** As `encodeToFile`. */
export async function runToFile(
	file: string | URL,
	target: string | URL | undefined,
	options: EncodeOptions,
): Promise<{path: string; report: () => Report}> {
	const input = toPath(file, 'file');
	const path = target === undefined ? `${input}.btf` : toPath(target, 'target');
	refuseInput(input, path);
	const {report} = await start(input, path, options);
	return {path, report};
}

async function start(
	input: string,
	output: string | undefined,
	options: EncodeOptions,
): Promise<{btf: Buffer | undefined; report: () => Report}> {
	const checked = checkOptions(encodeOptions, options, ['signal']);
	const {signal} = options;
	if (signal !== undefined && !(signal instanceof AbortSignal)) {
		throw new BtfkitError('INVALID_OPTION', 'signal has to be an AbortSignal');
	}

	const {Control, encode: encodeNative} = binding();
	const control = new Control();
	const aborted = () => new BtfkitError('ABORTED', `${input}: encoding was aborted`, {path: input, cause: signal?.reason});
	if (signal?.aborted) {
		throw aborted();
	}

	// Node's pool runs a few tasks at a time. One that is aborted while it waits for its turn is not waited for.
	let onAbort: (() => void) | undefined;
	const neverBegun = new Promise<never>((_, reject) => {
		onAbort = () => {
			if (control.abort()) {
				reject(aborted());
			}
		};
	});
	signal?.addEventListener('abort', onAbort!, {once: true});
	let outcome: Outcome;
	try {
		outcome = await Promise.race([encodeNative(input, output, checked, control), neverBegun]);
	} finally {
		signal?.removeEventListener('abort', onAbort!);
	}

	const {failure, btf, report} = outcome;
	if (failure?.code === 'ABORTED') {
		throw aborted();
	}

	if (failure) {
		throw new BtfkitError(failure.code as ErrorCode, failure.message, {path: input});
	}

	return {btf, report: () => readReport(report!)};
}

/** The addon's report as the API shows it: counts by name instead of a list of pairs. */
function readReport(json: string): Report {
	const report = JSON.parse(json) as Report;
	if (Array.isArray(report.counts)) {
		report.counts = Object.fromEntries(report.counts) as Report['counts'];
	}

	return report;
}

function toPath(file: unknown, name: string): string {
	if (file instanceof URL) {
		if (file.protocol !== 'file:') {
			throw new BtfkitError('INVALID_OPTION', `${name} has to be a path or a file: URL, not ${file.href}`);
		}

		return fileURLToPath(file);
	}

	if (typeof file !== 'string' || file === '' || file.includes('\0')) {
		throw new BtfkitError('INVALID_OPTION', `${name} has to be a path or a file: URL, not ${typeof file === 'string' ? JSON.stringify(file) : String(file)}`);
	}

	return file;
}

/** The target must not be the input under whatever name: it would be lost. */
function refuseInput(input: string, target: string): void {
	const [from, to] = [input, target].map(path => {
		try {
			return statSync(path, {bigint: true});
		} catch {
			// Whoever opens it says what is wrong with it.
			return undefined;
		}
	});
	if (from && to && from.dev === to.dev && from.ino === to.ino) {
		throw new BtfkitError('INVALID_OPTION', `${target}: the BTF would replace the input; choose another target`, {path: target});
	}
}
