// `btfkit encode`: one file in, its BTF out.
import {basename} from 'node:path';
import {encode, encodeInPlace, encodeToFile, type EncodeOptions} from '../encode.js';
import {BtfkitError} from '../errors.js';
import type {encodeCommandOptions} from '../options/encode.js';
import type {OptionValues} from '../options/table.js';
import {exitCodes} from './exit-codes.js';
import {expectReader, writeOutput} from './output.js';
import {perform} from './perform.js';
import {summarize, warnings} from './summary.js';

type CommandOptions = EncodeOptions & OptionValues<typeof encodeCommandOptions>;

export async function encodeCommand([file]: [string], commandOptions: CommandOptions): Promise<number> {
	const {output, inPlace = false, json = false, quiet = false, ...options} = commandOptions;
	const toOutput = output === '-';
	return perform(
		{input: file, json, quiet, outputIsTaken: toOutput, progress: `encoding ${basename(file)}`},
		async signal => {
			if (file === '-') {
				throw new BtfkitError('INVALID_OPTION', 'standard input cannot be read: name a file');
			}

			if (inPlace && output !== undefined) {
				throw new BtfkitError('INVALID_OPTION', '--in-place puts the BTF into the file, and -o elsewhere: use one of them');
			}

			if (!toOutput) {
				const result = inPlace
					? await encodeInPlace(file, {...options, signal})
					: await encodeToFile(file, output, {...options, signal});
				return {target: result.path, result};
			}

			expectReader();
			const result = await encode(file, {...options, signal});
			await writeOutput(result.btf);
			return {target: 'standard output', result};
		},
		async ({target, result}, tell) => {
			const {seconds} = tell;
			if (!quiet) {
				for (const line of [...warnings(result.report), summarize(target, result.report, seconds)]) {
					tell.people(line);
				}
			}

			if (json) {
				await tell.machines({input: file, output: toOutput ? '-' : target, ...result.report});
			}

			return exitCodes.done;
		},
	);
}
