// Which commands there are. A command's own module is loaded when it is called.
import {encodeCommandOptions, encodeOptions} from '../options/encode.js';
import type {OptionTable} from '../options/table.js';
import {featureHelp} from './help.js';

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
};
