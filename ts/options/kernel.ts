import {encodeOptions} from './encode.js';
import type {OptionTable} from './table.js';

/** How each file is encoded. What it builds on is said otherwise here. */
const {base: _, ...encodingOptions} = encodeOptions;

/** What `encodeKernel` takes beside what each file is encoded with. */
export const kernelOptions = {
	modules: {
		kind: 'path',
		flag: '--modules <folder>',
		required: true,
		text: 'The folder of the modules, with all folders below it: *.ko, also compressed (.ko.xz, .ko.zst, .ko.gz), and '
			+ '*.ko.debug. Links to files are followed, links to folders are not.',
	},
	vmlinux: {
		kind: 'path',
		flag: '--vmlinux <file>',
		text: 'The kernel, with DWARF. Its BTF is made first, and is what the modules\' BTF builds on.',
	},
	base: {
		kind: 'paths',
		flag: '--base <file>',
		text: 'Instead of --vmlinux: BTF that is there already, raw or in an ELF file. Given several times, each builds on the '
			+ 'one before, and the modules on the last.',
	},
	out: {
		kind: 'path',
		flag: '--out <folder>',
		text: 'Where the BTF goes: vmlinux.btf, and NAME.ko.btf under each module\'s own path.',
	},
	inPlace: {
		kind: 'switch',
		flag: '--in-place',
		text: 'Put the BTF into each file itself, as its section .BTF, also into the one that --vmlinux names; with --base only '
			+ 'into the modules. A vmlinux that is linked with its BTF is refused: use it as --base. Excludes --out. Without '
			+ 'either, the command writes nothing.',
	},
	keepGoing: {
		kind: 'switch',
		flag: '--keep-going',
		text: 'When a module fails, do the others nevertheless.',
	},
	shard: {
		kind: 'shard',
		flag: '--shard <i/n>',
		text: 'Do only the i-th of n parts of the modules: every n-th in the order of their paths. Default: 1/1.',
	},
	force: {
		kind: 'switch',
		flag: '--force',
		text: 'Encode everything again. Default: leave what an earlier run has made from the same file, base and options by the '
			+ 'same version.',
	},
	...encodingOptions,
} as const satisfies OptionTable;

/** What only `btfkit kernel` takes. */
export const kernelCommandOptions = {
	json: {
		kind: 'switch',
		flag: '--json',
		text: 'Print a line of JSON for each module on standard output, as soon as those before it are done, and the summary '
			+ 'as the last line.',
	},
	quiet: {
		kind: 'switch',
		flag: '-q, --quiet',
		text: 'No progress and no summary: only modules that failed or were skipped for want of a base.',
	},
} as const satisfies OptionTable;
