// `btfkit distill`, `relocate`, `dedup` and `merge`: BTF in, BTF out.
import {basename} from 'node:path';
import {
	dedup, dedupToFile, distillToFile, merge, mergeToFile, relocate, relocateToFile,
	type ConvertReport, type ConvertResult, type ConvertToFileResult, type DedupOptions, type DistillOptions, type RelocateOptions,
} from '../convert.js';
import {BtfkitError} from '../errors.js';
import type {convertCommandOptions} from '../options/convert.js';
import type {OptionValues} from '../options/table.js';
import {exitCodes} from './exit-codes.js';
import {expectReader, writeOutput} from './output.js';
import {perform} from './perform.js';

type CommandOptions = OptionValues<typeof convertCommandOptions>;
type WithSignal<Options> = Options & {signal: AbortSignal};

interface Conversion<Options> {
	/** What is added to the input's name, and what is told. */
	name: string;
	inputs: string[];
	/** Missing where there are two results. */
	inMemory?: (options: WithSignal<Options>) => Promise<ConvertResult>;
	toFile(target: string, options: WithSignal<Options>): Promise<ConvertToFileResult>;
}

export async function distillCommand([file]: [string], options: CommandOptions & DistillOptions): Promise<number> {
	return convert<DistillOptions>({
		name: 'distill',
		inputs: [file],
		toFile: (target, rest) => distillToFile(file, target, rest),
	}, options);
}

export async function relocateCommand([file]: [string], options: CommandOptions & RelocateOptions): Promise<number> {
	return convert<RelocateOptions>({
		name: 'relocate',
		inputs: [file],
		inMemory: rest => relocate(file, rest),
		toFile: (target, rest) => relocateToFile(file, target, rest),
	}, options);
}

export async function dedupCommand([file]: [string], options: CommandOptions & DedupOptions): Promise<number> {
	return convert<DedupOptions>({
		name: 'dedup',
		inputs: [file],
		inMemory: rest => dedup(file, rest),
		toFile: (target, rest) => dedupToFile(file, target, rest),
	}, options);
}

export async function mergeCommand([files]: [string[]], options: CommandOptions & DedupOptions): Promise<number> {
	return convert<DedupOptions>({
		name: 'merge',
		inputs: files,
		inMemory: rest => merge(files, rest),
		toFile: (target, rest) => mergeToFile(files, target, rest),
	}, options);
}

async function convert<Options extends object>(
	{name, inputs, inMemory, toFile}: Conversion<Options>,
	{output, json = false, quiet = false, ...options}: CommandOptions & Options,
): Promise<number> {
	const toOutput = output === '-';
	const input = inputs.join(', ');
	return perform(
		{input, json, quiet, outputIsTaken: toOutput, progress: () => `${name} ${basename(inputs[0]!)}`},
		async (signal): Promise<ConvertToFileResult> => {
			const rest = {...options, signal} as unknown as WithSignal<Options>;
			if (!toOutput) {
				return toFile(output ?? `${inputs[0]!}.${name}.btf`, rest);
			}

			if (!inMemory) {
				throw new BtfkitError('INVALID_OPTION', 'there are two results, the BTF and its distilled base: name a file with -o');
			}

			expectReader();
			const {btf, report} = await inMemory(rest);
			await writeOutput(btf);
			return {path: '-', report};
		},
		async ({path, report}, tell) => {
			for (const doubt of report.doubts) {
				tell.people(`btfkit: ${input}: ${doubt}`);
			}

			tell.people(summarize(toOutput ? 'standard output' : path, report));
			await tell.machines({input, output: path, ...report});
			return exitCodes.done;
		},
	);
}

function summarize(target: string, {typesBefore, types, size, baseSize}: ConvertReport): string {
	const base = baseSize === null ? '' : `; ${target}.base: ${baseSize} bytes`;
	return `${target}: ${types} types (of ${typesBefore}), ${size} bytes${base}`;
}
