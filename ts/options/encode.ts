import type {OptionTable} from './table.js';

/** What `encode` takes, in the API and on the command line. */
export const encodeOptions = {
	features: {
		kind: 'features',
		flag: '--features <list>',
		text: 'What goes into the BTF: names as in pahole --btf_features, separated by commas. '
			+ '"default" stands for the default set, a "+" in front adds to it. Default: default.',
	},
	base: {
		kind: 'paths',
		flag: '--base <path>',
		text: 'Make split BTF on the BTF of this file: an ELF file with a .BTF section, a raw BTF, or what the kernel shows in '
			+ '/sys/kernel/btf. May be given several times, each on top of the one before. Default: BTF of its own.',
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
	inPlace: {
		kind: 'switch',
		flag: '--in-place',
		text: 'Put the BTF into the file itself, as its section .BTF; nothing else in it is moved. Excludes -o.',
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
