// `btfkit kernel`: a kernel and its modules.
import {BtfkitError} from '../errors.js';
import {encodeKernel, type KernelOptions, type KernelProgress, type KernelSummary, type ModuleResult} from '../kernel.js';
import type {kernelCommandOptions} from '../options/kernel.js';
import type {OptionValues} from '../options/table.js';
import {exitCodes} from './exit-codes.js';
import {perform, withFlag, type Tell} from './perform.js';
import {bytes, count} from './summary.js';

type CommandOptions = KernelOptions & OptionValues<typeof kernelCommandOptions>;

const elsewhere = '--out';

export async function kernelCommand(_: [], commandOptions: CommandOptions): Promise<number> {
	const {json = false, quiet = false, ...options} = commandOptions;
	let progressLine = showing(() => undefined);
	return perform(
		{
			input: String(options.modules),
			json,
			quiet,
			progress: seconds => progressLine(seconds),
			isLong: true,
			elsewhere,
			interrupted: 'what was done stays, and the same command goes on from there',
		},
		async (signal, tell) => {
			const run = encodeKernel({...options, signal});
			progressLine = showing(() => run.progress);
			let failure: ModuleResult['error'];
			try {
				for await (const batch of run.batches()) {
					const results = batch.map(result => withFlags(result));
					failure ??= batch.find(({error}) => error !== undefined)?.error;
					await tellResults(results, tell);
				}
			} catch (error) {
				// The first failure of a module is told already.
				if (!(error instanceof BtfkitError) || error.message !== failure?.message) {
					throw error;
				}
			}

			return run.summary();
		},
		async (summary, tell) => {
			tell.people(summaryLine(options, summary, tell.seconds));
			await tell.machines({summary});
			if (summary.failed === 0) {
				return exitCodes.done;
			}

			return options.keepGoing ? exitCodes.partly : exitCodes.failed;
		},
	);
}

function withFlags(result: ModuleResult): ModuleResult {
	const {error} = result;
	return error ? {...result, error: {...error, message: withFlag(error.code, error.message, elsewhere)}} : result;
}

async function tellResults(results: readonly ModuleResult[], tell: Tell): Promise<void> {
	for (const {module, status, kept, error} of results) {
		if (error) {
			tell.error(`btfkit: ${error.message}`);
		} else if (status === 'base-missing') {
			// The words of kernel builds, which look for them.
			tell.error(`Skipping BTF generation for ${module} due to unavailability of vmlinux`);
		} else if (kept?.verdict === 'mismatched') {
			tell.error(`warning: ${module} has no debug information, and keeps BTF that does not belong to this base: ${kept.reason}`);
		} else if (kept?.verdict === 'unknown') {
			tell.error(`warning: ${module} has no debug information, and keeps BTF of which nothing tells whether it belongs to this base`);
		}
	}

	await tell.machines(...results.map(({btf, ...result}) => result));
}

/**
 * "1200 of 4230 modules, 850 per second, 4 s left". How long it will take is told by bytes, as modules differ, and from
 * what has been done since there was something to see: what was up to date took no time.
 */
export function showing(progress: () => KernelProgress | undefined): (seconds: number) => string {
	let from: KernelProgress & {seconds: number} | undefined;
	return seconds => {
		const now = progress();
		if (!now || now.modules === 0) {
			return `encoding the base … ${seconds.toFixed(1)} s`;
		}

		if (now.done === 0) {
			return `0 of ${count(now.modules, 'module')}`;
		}

		from ??= {...now, seconds};
		const [bytesSince, modulesSince, time] = [now.bytesDone - from.bytesDone, now.done - from.done, seconds - from.seconds];
		const rate = modulesSince / time;
		const speed = bytesSince > 0
			? `, ${rate.toFixed(rate < 10 ? 1 : 0)} per second, ${Math.ceil(time * (now.bytes - now.bytesDone) / bytesSince)} s left`
			: '';
		return `${now.done} of ${count(now.modules, 'module')}${speed}`;
	};
}

function summaryLine({out, inPlace, modules}: KernelOptions, summary: KernelSummary, seconds: number): string {
	const {encoded, current, noDwarf, noTypes, baseMissing, omitted, failed, notBegun, types, size, baseSize, skipped, base} = summary;
	const states = [
		[encoded, 'encoded'],
		[current, 'up to date'],
		[noTypes, 'without types of their own'],
		[noDwarf, 'without debug information'],
		[baseMissing + omitted, 'skipped'],
		[failed, 'failed'],
		[notBegun, 'not begun'],
	] as const;
	return [
		`${out ?? modules}: ${count(summary.modules, 'module')}`,
		...states.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`),
		...(base ? [`${count(types, 'type')}, ${bytes(size)}, on a base of ${count(base.types, 'type')}, ${bytes(base.size)}`] : []),
		...(baseSize > 0 ? [`distilled bases: ${bytes(baseSize)}`] : []),
		...(skipped > 0 ? [`left out: ${skipped} functions and variables (encode --base says why)`] : []),
		...(out === undefined && !inPlace ? ['nothing was written (--out or --in-place)'] : []),
		`${seconds.toFixed(2)} s`,
	].join('; ');
}
