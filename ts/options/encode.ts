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
	baseRef: {
		kind: 'choiceByFile',
		choices: ['never', 'out-of-tree', 'always'],
		flag: '--base-ref <never|out-of-tree|always>',
		text: 'Which files on a base get a distilled base beside their BTF (.BTF.base, or a file with .base at the end of its '
			+ 'name), by which kernels since 6.11 carry it to other bases. Default: out-of-tree, modules that do not belong to the '
			+ 'build of their base.',
	},
	baseChecksum: {
		kind: 'switch',
		flag: '--base-checksum',
		text: 'Put the checksum of the base beside split BTF (.BTF.base_checksum), so that fits can tell the base from others.',
	},
	outOfTree: {
		kind: 'switch',
		flag: '--out-of-tree',
		text: 'The file does not belong to the build of its base. Default: told by KBUILD_EXTMOD in the environment, by the '
			+ 'module itself (intree in .modinfo), or by where it lies.',
	},
	targetKernel: {
		kind: 'release',
		flag: '--target-kernel <release>',
		text: 'The oldest kernel that has to take the BTF, such as 5.15: kinds, features and sections that it does not know are '
			+ 'left out. Default: all that features ask for.',
	},
	missingBase: {
		kind: 'choice',
		choices: ['error', 'skip'],
		flag: '--missing-base <error|skip>',
		text: 'What to do when the file of the base is not there: fail, or say so and make no BTF of what would stand on it. '
			+ 'Default: error.',
	},
	onInvalid: {
		kind: 'choice',
		choices: ['error', 'skip-section'],
		flag: '--on-invalid <error|skip-section>',
		text: 'What to do when the kernel would refuse a section: fail, or leave that section out and say so. Default: error.',
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
