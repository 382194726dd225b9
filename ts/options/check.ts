import type {OptionTable} from './table.js';

/** What `check` takes, in the API and on the command line. */
export const checkOptions = {
	base: {
		kind: 'path',
		flag: '--base <path>',
		text: 'What split BTF stands on: a raw BTF, or an ELF file with .BTF. A file\'s own .BTF.base comes before it.',
	},
	context: {
		kind: 'choice',
		choices: ['load', 'vmlinux', 'module', 'base'],
		flag: '--context <context>',
		text: 'How the BTF gets into the kernel: load (a program loads it with BPF_BTF_LOAD, which checks most), vmlinux (its '
			+ 'own), module (a module\'s .BTF), base (a module\'s .BTF.base). '
			+ 'Default: module where there is a base, load for BPF objects, else vmlinux.',
	},
	targetKernel: {
		kind: 'release',
		flag: '--target-kernel <release>',
		text: 'The kernel that is asked: a release such as 6.12. It knows the kinds and flags that it knew. Default: 6.18.',
	},
} as const satisfies OptionTable;

/** What only `btfkit check` takes. */
export const checkCommandOptions = {
	json: {
		kind: 'switch',
		flag: '--json',
		text: 'Print one line of JSON for each file.',
	},
	quiet: {
		kind: 'switch',
		flag: '-q, --quiet',
		text: 'Say nothing of files that are accepted, and nothing of warnings.',
	},
} as const satisfies OptionTable;
