// `btfkit check`: would a kernel take the BTF in these files?
import {checkFiles, type CheckOptions, type CheckResult, type Finding, type UncheckedFile} from '../check.js';
import type {checkCommandOptions} from '../options/check.js';
import type {OptionValues} from '../options/table.js';
import {exitCodes} from './exit-codes.js';
import {writeOutput} from './output.js';
import {perform} from './perform.js';

type CommandOptions = CheckOptions & OptionValues<typeof checkCommandOptions>;

/** Findings of a file that people are shown. */
const shown = 20;

export async function checkCommand([files]: [string[]], commandOptions: CommandOptions): Promise<number> {
	const {json = false, quiet = false, ...options} = commandOptions;
	return perform(
		{input: files.join(' '), json, quiet, progress: `checking ${files.length === 1 ? files[0] : `${files.length} files`}`},
		async signal => checkFiles(files, {...options, signal}),
		async results => {
			const lines = json ? results.map(result => JSON.stringify(result)) : results.flatMap(result => describe(result, quiet));
			await writeOutput(lines.map(line => `${line}\n`).join(''));
			return results.every(result => 'verdict' in result && result.verdict === 'accepted') ? exitCodes.done : exitCodes.failed;
		},
	);
}

function describe(result: CheckResult | UncheckedFile, quiet: boolean): string[] {
	if ('error' in result) {
		return [`${result.file}: not read: ${result.error.message}`];
	}

	const {file, verdict, context, errno, findings} = result;
	const refused = verdict === 'refused';
	const told = quiet ? findings.filter(({severity}) => severity === 'error') : findings;
	if (quiet && !refused && told.length === 0) {
		return [];
	}

	const more = told.length - shown;
	return [
		`${file}: ${verdict} as ${context}${refused && errno ? ` (error ${errno})` : ''}`,
		...told.slice(0, shown).flatMap(describeFinding),
		...more > 0 ? [`  and ${more} more; --json lists them`] : [],
	];
}

function describeFinding({severity, section, path, rule, message, advice}: Finding): string[] {
	const place = path === '' ? section : path;
	return [`  ${severity}: ${place}: ${message} [${rule}]`, `    ${advice}`];
}
