// What a table of options is. Each command has one in a file of its own beside this: the one home of every option's name,
// flag and text. From the tables come the API's types (index.d.ts), its checks, the command line with its help, and the
// README's lists. What an option means is said in Rust.
import {BtfkitError} from '../errors.js';
import {OptionError} from './error.js';
import {kinds, type CheckedOf, type Kind, type ValueOf} from './kinds.js';

export interface OptionSpec {
	kind: Kind;
	/** As on the command line, with the placeholder of its value. */
	flag: string;
	/** For people: a sentence, with its default where it has one. */
	text: string;
	/** What a value of the kind `choice` may be. */
	choices?: readonly string[];
	/** Whoever calls has to say it. */
	required?: true;
}

export type OptionTable = Record<string, OptionSpec>;

/** The values of a table's options. A property's name is the option's name in the API and in configuration files. */
export type OptionValues<Table extends OptionTable> = {
	-readonly [Name in keyof Table as Table[Name] extends {required: true} ? never : Name]?: ValueOf<Table[Name]> | undefined;
} & {
	-readonly [Name in keyof Table as Table[Name] extends {required: true} ? Name : never]: ValueOf<Table[Name]>;
};

/** What a function of the API takes: index.d.ts spells it out. */
export type CallOptions<Table extends OptionTable> = OptionValues<Table> & {signal?: AbortSignal | undefined};

/** The options in the form that the addon takes. */
export type CheckedOptions<Table extends OptionTable> = {
	-readonly [Name in keyof Table as Table[Name] extends {required: true} ? never : Name]?: CheckedOf<Table[Name]>;
} & {
	-readonly [Name in keyof Table as Table[Name] extends {required: true} ? Name : never]: CheckedOf<Table[Name]>;
};

/** The options for one file: those that are functions of it are asked. */
export function forFile<Table extends OptionTable>(table: Table, values: CallOptions<Table>, file: string): CallOptions<Table> {
	if (typeof values !== 'object' || values === null) {
		return values;
	}

	const options = {...values} as Record<string, unknown>;
	for (const [name, value] of Object.entries(options)) {
		if (typeof value === 'function' && Object.hasOwn(table, name) && table[name]!.kind === 'choiceByFile') {
			options[name] = value(file);
		}
	}

	return options as CallOptions<Table>;
}

/** Checks the options of a call, and brings each into the one form that the addon takes. */
export function checkOptions<Table extends OptionTable>(table: Table, values: CallOptions<Table>): CheckedOptions<Table> {
	if (typeof values !== 'object' || values === null) {
		throw new BtfkitError('INVALID_OPTION', `options have to be an object, not ${values === null ? 'null' : typeof values}`);
	}

	const {signal, ...options} = values as Record<string, unknown>;
	if (signal !== undefined && !(signal instanceof AbortSignal)) {
		throw new BtfkitError('INVALID_OPTION', 'signal has to be an AbortSignal');
	}

	const checked: Record<string, unknown> = {};
	for (const [name, value] of Object.entries(options)) {
		if (value === undefined) {
			continue;
		}

		const spec = Object.hasOwn(table, name) ? table[name] : undefined;
		if (!spec) {
			throw new BtfkitError('INVALID_OPTION', `unknown option '${name}'; the options are ${[...Object.keys(table), 'signal'].join(', ')}`);
		}

		checked[name] = kinds[spec.kind].check(value, name, spec.choices ?? []);
	}

	const missing = Object.keys(table).find(name => table[name]!.required && checked[name] === undefined);
	if (missing !== undefined) {
		throw new OptionError(spelled => `${spelled(missing)} is missing: ${table[missing]!.text}`);
	}

	return checked as CheckedOptions<Table>;
}
