// What kinds of values options have: how each is written in TypeScript, read from the command line, and checked.
import type {Feature} from '../features.js';
import {binding} from '../binding.js';
import {OptionError} from './error.js';
import {nearest} from '../suggest.js';

export interface KindSpec<Checked> {
	/** The type in index.d.ts. */
	type(choices: readonly string[]): string;
	/** Reads the text of a flag's value; whatever it is not, `check` says so. */
	fromText(text: string): unknown;
	/** Throws INVALID_OPTION, or returns the form that the addon takes. */
	check(value: unknown, name: string, choices: readonly string[]): Checked;
	/** May the flag be given several times? Its values are a list then. */
	repeatable?: boolean;
}

interface ValueTypes {
	switch: boolean;
	count: number;
	size: number;
	features: string | ReadonlyArray<Feature | 'default'>;
	languages: string | readonly string[];
	path: string;
	paths: string | readonly string[];
	choice: string;
	release: string;
	choiceByFile: string;
	shard: `${number}/${number}`;
}

export type Kind = keyof ValueTypes;

/** What the API takes for an option. */
export type ValueOf<Spec extends {kind: Kind; choices?: readonly string[]}> =
	Spec extends {kind: 'choiceByFile'; choices: readonly (infer Choice)[]} ? Choice | ((file: string) => Choice) : Spec extends {choices: readonly (infer Choice)[]} ? Choice : ValueTypes[Spec['kind']];

/** What the addon takes for it. */
export type CheckedOf<Spec extends {kind: Kind; choices?: readonly string[]}> =
	Spec extends {choices: readonly (infer Choice)[]} ? Choice : ReturnType<(typeof kinds)[Spec['kind']]['check']>;

/** More threads than this is a slip of the finger. */
const mostJobs = 1024;

export const kinds = {
	switch: {
		type: () => 'boolean',
		fromText: text => text,
		check(value, name) {
			if (typeof value !== 'boolean') {
				throw invalid(name, 'true or false', value);
			}

			return value;
		},
	} satisfies KindSpec<boolean>,

	count: {
		type: () => 'number',
		fromText: text => /^\d+$/.test(text) ? Number(text) : text,
		check(value, name) {
			if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > mostJobs) {
				throw invalid(name, `a whole number from 1 to ${mostJobs}`, value);
			}

			return value as number;
		},
	} satisfies KindSpec<number>,

	size: {
		type: () => 'number',
		fromText(text) {
			const [, number, unit] = /^(\d+(?:\.\d+)?)(?:([KMGT])(?:iB)?)?$/i.exec(text) ?? [];
			return number === undefined ? text : Math.floor(Number(number) * 1024 ** (' KMGT'.indexOf(unit?.toUpperCase() ?? ' ')));
		},
		check(value, name) {
			if (!Number.isSafeInteger(value) || (value as number) < 1) {
				throw invalid(name, 'a number of bytes, on the command line with K, M, G or T for powers of 1024 (256M, 1.5GiB)', value);
			}

			return value as number;
		},
	} satisfies KindSpec<number>,

	features: {
		type: () => 'string | ReadonlyArray<Feature | \'default\'>',
		fromText: text => text,
		check(value, name) {
			const list = items(value, name);
			const known = [...binding().featureNames(), 'base_ref', 'default'];
			for (const [index, item] of list.entries()) {
				const feature = index === 0 ? item.replace(/^\+/, '') : item;
				if (feature !== '' && !known.includes(feature)) {
					throw unknown('feature', feature, known);
				}
			}

			return list.join(',');
		},
	} satisfies KindSpec<string>,

	languages: {
		type: () => 'string | readonly string[]',
		fromText: text => text,
		check(value, name) {
			const list = items(value, name).filter(item => item !== '');
			for (const item of list) {
				if (binding().languageCode(item) === null) {
					throw unknown('language', item, binding().languageNames());
				}
			}

			return list;
		},
	} satisfies KindSpec<string[]>,

	path: {
		type: () => 'string',
		fromText: text => text,
		check(value, name) {
			if (typeof value !== 'string' || value === '') {
				throw invalid(name, 'a path', value);
			}

			return value;
		},
	} satisfies KindSpec<string>,

	paths: {
		type: () => 'string | readonly string[]',
		fromText: text => text,
		check(value, name) {
			const list = Array.isArray(value) ? value : [value];
			if (list.some(path => typeof path !== 'string' || path === '')) {
				throw invalid(name, 'a path or a list of paths', value);
			}

			return list as string[];
		},
		repeatable: true,
	} satisfies KindSpec<string[]>,

	shard: {
		type: () => '`${number}/${number}`',
		fromText: text => text,
		check(value, name) {
			const [, index, count] = typeof value === 'string' ? /^(\d{1,9})\/(\d{1,9})$/.exec(value) ?? [] : [];
			if (index === undefined || Number(index) < 1 || Number(index) > Number(count)) {
				throw invalid(name, 'i/n with i from 1 to n (2/8 is the second of eight)', value);
			}

			return value as string;
		},
	} satisfies KindSpec<string>,

	choice: {
		type: choices => choices.map(choice => `'${choice}'`).join(' | '),
		fromText: text => text,
		check(value, name, choices) {
			if (typeof value !== 'string' || !choices.includes(value)) {
				throw invalid(name, `one of ${choices.join(', ')}`, value);
			}

			return value;
		},
	} satisfies KindSpec<string>,

	release: {
		type: () => 'string',
		fromText: text => text,
		check(value, name) {
			if (typeof value !== 'string' || !/^v?\d+\.\d+/.test(value)) {
				throw invalid(name, 'a kernel release, such as 6.12', value);
			}

			return value;
		},
	} satisfies KindSpec<string>,

	/** In the API also a function of the file, which is asked before the options are checked. */
	choiceByFile: {
		type: choices => [...choices.map(choice => `'${choice}'`), `((file: string) => ${choices.map(choice => `'${choice}'`).join(' | ')})`].join(' | '),
		fromText: text => text,
		check(value, name, choices): string {
			return kinds.choice.check(value, name, choices);
		},
	} satisfies KindSpec<string>,
} satisfies Record<Kind, unknown>;

function items(value: unknown, name: string): string[] {
	const list = typeof value === 'string' ? value.split(',') : value;
	if (!Array.isArray(list) || list.some(item => typeof item !== 'string')) {
		throw invalid(name, 'a list of names', value);
	}

	return list.map((item: string) => item.trim());
}

function unknown(what: string, name: string, known: readonly string[]): OptionError {
	const meant = nearest(name, known);
	const hint = meant ? ` (did you mean '${meant}'?)` : '';
	return new OptionError(() => `unknown ${what} '${name}'${hint}; known are ${known.join(', ')}`);
}

function invalid(name: string, wanted: string, value: unknown): OptionError {
	const given = typeof value === 'string' ? `'${value}'` : Array.isArray(value) ? 'an array of something else' : String(value);
	return new OptionError(spelled => `${spelled(name)} has to be ${wanted}, not ${given}`);
}
