// The one home of every option's name, flag and text. From these tables come the API's types (index.d.ts), its checks,
// the command line with its help, and the README's list. What an option means is said by `Options` in crates/encode.
import {BtfkitError} from './errors.js';
import {kinds, type Kind, type ValueOf} from './option-kinds.js';

export interface OptionSpec {
	kind: Kind;
	/** As on the command line, with the placeholder of its value. */
	flag: string;
	/** For people: a sentence, with its default where it has one. */
	text: string;
}

export type OptionTable = Record<string, OptionSpec>;

/** The values of a table's options. A property's name is the option's name in the API and in configuration files. */
export type OptionValues<Table extends OptionTable> = {-readonly [Name in keyof Table]?: ValueOf<Table[Name]['kind']> | undefined};

/** What `encode` takes, in the API and on the command line. */
export const encodeOptions = {
	features: {
		kind: 'features',
		flag: '--features <list>',
		text: 'What goes into the BTF: names as in pahole --btf_features, separated by commas. '
			+ '"default" stands for the default set, a "+" in front adds to it. Default: default.',
	},
	jobs: {
		kind: 'count',
		flag: '--jobs <n>',
		text: 'How many threads work at most. Default: as many as the process may use, by its affinity and by what its control '
			+ 'groups grant. The result does not depend on it.',
	},
	memoryLimit: {
		kind: 'size',
		flag: '--memory-limit <size>',
		text: 'How much anonymous memory the process may have, in bytes (on the command line also 256M, 1GiB): with less, fewer '
			+ 'threads work, and what does not fit at all fails. Default: what the process\'s control groups leave it.',
	},
	langExclude: {
		kind: 'languages',
		flag: '--lang-exclude <list>',
		text: 'Leave out compile units written in these languages: DWARF\'s names in any case (rust, c++14, asm), '
			+ 'separated by commas. Default: none.',
	},
	strict: {
		kind: 'switch',
		flag: '--strict',
		text: 'Fail when anything odd in the debug information had to be worked around. Default: report it and go on.',
	},
} as const satisfies OptionTable;

/** What only `btfkit encode` takes. */
export const encodeCommandOptions = {
	output: {
		kind: 'path',
		flag: '-o, --output <path>',
		text: 'Where the BTF goes; "-" is standard output. Default: the input\'s name with .btf added.',
	},
	json: {
		kind: 'switch',
		flag: '--json',
		text: 'Print a report as one line of JSON on standard output (on standard error with -o -).',
	},
	quiet: {
		kind: 'switch',
		flag: '-q, --quiet',
		text: 'No progress, summary or warnings: only errors.',
	},
} as const satisfies OptionTable;

/** Checks the options of a call, and brings each into the one form that the addon takes. */
export function checkOptions<Table extends OptionTable>(
	table: Table,
	values: Record<string, unknown>,
	besides: readonly string[] = [],
): {[Name in keyof Table]?: ReturnType<(typeof kinds)[Table[Name]['kind']]['check']>} {
	if (typeof values !== 'object' || values === null) {
		throw new BtfkitError('INVALID_OPTION', `options have to be an object, not ${values === null ? 'null' : typeof values}`);
	}

	const checked: Record<string, unknown> = {};
	for (const [name, value] of Object.entries(values)) {
		if (value === undefined || besides.includes(name)) {
			continue;
		}

		const spec = Object.hasOwn(table, name) ? table[name] : undefined;
		if (!spec) {
			throw new BtfkitError('INVALID_OPTION', `unknown option '${name}'; the options are ${[...Object.keys(table), ...besides].join(', ')}`);
		}

		checked[name] = kinds[spec.kind].check(value, name);
	}

	return checked as ReturnType<typeof checkOptions<Table>>;
}
