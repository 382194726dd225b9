// `btfkit fits`: whether a module's BTF belongs to a base.
import {fits, type Fit, type FitsOptions} from '../convert.js';
import type {fitsCommandOptions} from '../options/convert.js';
import type {OptionValues} from '../options/table.js';
import {exitCodes} from './exit-codes.js';
import {writeOutput} from './output.js';
import {perform} from './perform.js';

type CommandOptions = OptionValues<typeof fitsCommandOptions> & FitsOptions;

export async function fitsCommand([file]: [string], {json = false, quiet = false, ...options}: CommandOptions): Promise<number> {
	return perform(
		{input: file, json, quiet, progress: () => `judging ${file}`},
		async signal => fits(file, {...options, signal}),
		async (fit, tell) => {
			await tell.machines({input: file, base: options.base, ...fit});
			if (!json && !quiet) {
				await writeOutput(`${verdict(file, fit).join('\n')}\n`);
			}

			return {
				exact: exitCodes.done,
				relocatable: exitCodes.done,
				mismatched: exitCodes.mismatched,
				unknown: exitCodes.unknown,
			}[fit.verdict];
		},
	);
}

/** How many obstacles are told. */
const shown = 20;

function verdict(file: string, fit: Fit): string[] {
	const lines = [`${file}: ${fit.verdict}: ${why(fit)}`];
	if (fit.garbled) {
		const {type, kind, is, meant} = fit.garbled;
		lines.push(`  type ${type} (${kind ?? 'of an unknown kind'}): ${is === null ? 'there is no name' : `the name is '${is}'`} where '${meant}' was meant`);
	}

	if (fit.obstacles.length > 1) {
		lines.push(...fit.obstacles.slice(0, shown).map(({message}) => `  ${message}`));
		if (fit.obstacles.length > shown) {
			lines.push(`  and ${fit.obstacles.length - shown} more`);
		}
	}

	lines.push(...fit.doubts.map(doubt => `  ${doubt}`));
	if (fit.kernelMessage !== null) {
		lines.push('  the kernel refuses it:', ...fit.kernelMessage.split('\n').map(line => `    ${line}`));
	} else if (fit.verdict === 'mismatched') {
		lines.push('  the kernel does not notice, and takes it');
	}

	return lines;
}

function why(fit: Fit): string {
	switch (fit.verdict) {
		case 'exact': {
			return fit.proof === 'checksum'
				? 'the base has the checksum that the module was made with'
				: 'its own types and strings go on where the base\'s end';
		}

		case 'relocatable': {
			return 'its distilled base carries it to this one';
		}

		case 'mismatched': {
			const {obstacles, reason} = fit;
			return obstacles.length > 1 ? `${obstacles.length} types are in the way` : reason ?? '';
		}

		case 'unknown': {
			return 'it has too little of its own to tell which base it was made on';
		}
	}
}
