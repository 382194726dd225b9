// Which commands there are. A command's own module is loaded when it is called.
import {checkCommandOptions, checkOptions} from '../options/check.js';
import {convertCommandOptions, dedupOptions, distillOptions, fitsCommandOptions, fitsOptions, relocateOptions} from '../options/convert.js';
import {encodeCommandOptions, encodeOptions} from '../options/encode.js';
import {kernelCommandOptions, kernelOptions} from '../options/kernel.js';
import type {OptionTable} from '../options/table.js';
import {checkHelp, featureHelp} from './help.js';

export interface CommandSpec {
	/** One line for the list of commands. */
	summary: string;
	/** A sentence or two. */
	description: string;
	/** `<file>`, `[file]`, `<files...>`, and what each is. */
	operands: Readonly<Record<string, string>>;
	tables: readonly OptionTable[];
	/** More help, after the options. */
	help?: () => string;
	load(): Promise<RunCommand>;
}

/** Runs a command and returns its exit code. Operands and options come as the spec declares them. */
export type RunCommand = (operands: never, options: never) => Promise<number>;

export const commands: Readonly<Record<string, CommandSpec>> = {
	encode: {
		summary: 'Make BTF from an ELF file with DWARF.',
		description: 'Makes BTF from the DWARF of an ELF file: a kernel (vmlinux), a module, an object or a program.',
		operands: {'<file>': 'The ELF file.'},
		tables: [encodeOptions, encodeCommandOptions],
		help: featureHelp,
		load: async () => (await import('./encode.js')).encodeCommand,
	},
	distill: {
		summary: 'Make a distilled base for split BTF.',
		description: 'Makes a distilled base for the split BTF of a file, so that it can be carried to other kernels: '
			+ 'the BTF is written with the distilled base beside it.',
		operands: {'<file>': 'A module with a section .BTF, or raw split BTF.'},
		tables: [distillOptions, convertCommandOptions],
		load: async () => (await import('./convert.js')).distillCommand,
	},
	relocate: {
		summary: 'Carry split BTF to another base.',
		description: 'Carries split BTF from its distilled base to the base of another kernel, as that kernel does when it loads the '
			+ 'module. Where it cannot, it says which types are in the way.',
		operands: {'<file>': 'A module with sections .BTF and .BTF.base, or raw split BTF.'},
		tables: [relocateOptions, convertCommandOptions],
		load: async () => (await import('./convert.js')).relocateCommand,
	},
	fits: {
		summary: 'Say whether a module\'s BTF belongs to a kernel.',
		description: 'Says whether the BTF of a module belongs to a base, without booting it. The exit code is 0 when it does '
			+ '(exactly, or by relocation), 4 when it does not, 5 when nothing tells.',
		operands: {'<file>': 'A module with a section .BTF, or raw split BTF.'},
		tables: [fitsOptions, fitsCommandOptions],
		load: async () => (await import('./fits.js')).fitsCommand,
	},
	dedup: {
		summary: 'Merge what is the same in BTF.',
		description: 'Merges what is the same in BTF that was made by a compiler (-gbtf) or put together; of split BTF also what its '
			+ 'base has.',
		operands: {'<file>': 'An ELF file with a section .BTF, or raw BTF.'},
		tables: [dedupOptions, convertCommandOptions],
		load: async () => (await import('./convert.js')).dedupCommand,
	},
	merge: {
		summary: 'Put BTFs together.',
		description: 'Puts the BTF of several files together, as if they were units of one program, and merges what is the '
			+ 'same. With --base all of them stand on that.',
		operands: {'<files...>': 'ELF files with sections .BTF, or raw BTF.'},
		tables: [dedupOptions, convertCommandOptions],
		load: async () => (await import('./convert.js')).mergeCommand,
	},
	check: {
		summary: 'Say whether a kernel would take BTF.',
		description: 'Says whether a kernel would take the BTF of each file, in the kernel\'s words, and what else is wrong with it.',
		operands: {'<files...>': 'Raw BTF, or ELF files with .BTF (and .BTF.base).'},
		tables: [checkOptions, checkCommandOptions],
		help: () => checkHelp,
		load: async () => (await import('./check.js')).checkCommand,
	},
	kernel: {
		summary: 'Make BTF of all modules of a kernel, and of the kernel itself.',
		description: 'Makes BTF of a kernel and all its modules, in one process: each module\'s BTF builds on the kernel\'s. '
			+ 'What is up to date is not made again. The exit code is 3 when modules failed and --keep-going did the others.',
		operands: {},
		tables: [kernelOptions, kernelCommandOptions],
		help: featureHelp,
		load: async () => (await import('./kernel.js')).kernelCommand,
	},
};
