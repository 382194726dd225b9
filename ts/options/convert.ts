import type {OptionTable} from './table.js';

const base = {
	base: {
		kind: 'path',
		flag: '--base <file>',
		text: 'The base that the split BTF was made on: a vmlinux, or its raw BTF.',
	},
} as const satisfies OptionTable;

/** What `distill` takes. */
export const distillOptions = {...base} as const satisfies OptionTable;

/** What `dedup` and `merge` take. */
export const dedupOptions = {
	base: {
		kind: 'path',
		flag: '--base <file>',
		text: 'What split BTF stands on: a vmlinux, or its raw BTF. Only what it has not comes out.',
	},
} as const satisfies OptionTable;

/** What `relocate` takes. */
export const relocateOptions = {
	base: {
		kind: 'path',
		flag: '--base <file>',
		text: 'The distilled base: raw BTF, or an ELF file that has it as .BTF.base. '
			+ 'Default: what the file with the split BTF has itself, or what lies beside it with .base at the end of its name.',
	},
	to: {
		kind: 'path',
		flag: '--to <file>',
		text: 'The new base: a vmlinux, or its raw BTF.',
	},
} as const satisfies OptionTable;

/** What `fits` takes. */
export const fitsOptions = {
	base: {
		kind: 'path',
		flag: '--base <file>',
		text: 'The base that it is to be judged on: a vmlinux, or its raw BTF.',
	},
	targetKernel: {
		kind: 'release',
		flag: '--target-kernel <release>',
		text: 'The kernel that has this base: a release such as 6.12. Before 6.11 it looks at no distilled base. Default: 6.18.',
	},
} as const satisfies OptionTable;

/** What only these commands take: where the result goes. */
export const convertCommandOptions = {
	output: {
		kind: 'path',
		flag: '-o, --output <path>',
		text: 'Where the BTF goes; "-" is standard output. Default: the (first) input\'s name with the command\'s name and .btf added.',
	},
	json: {
		kind: 'switch',
		flag: '--json',
		text: 'Print a report as one line of JSON on standard output (on standard error with -o -).',
	},
	quiet: {
		kind: 'switch',
		flag: '-q, --quiet',
		text: 'No summary or warnings: only errors.',
	},
} as const satisfies OptionTable;

/** What only `btfkit fits` takes. */
export const fitsCommandOptions = {
	json: {
		kind: 'switch',
		flag: '--json',
		text: 'Print the verdict as one line of JSON on standard output.',
	},
	quiet: {
		kind: 'switch',
		flag: '-q, --quiet',
		text: 'Print nothing: the exit code says it.',
	},
} as const satisfies OptionTable;
