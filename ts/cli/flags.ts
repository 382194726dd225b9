// From the tables of options to the argument parser and back.
import {Option, type Command} from 'commander';
import {kinds, type KindSpec} from '../options/kinds.js';
import type {OptionTable} from '../options/table.js';

/** Adds every option of the tables to a command. */
export function addOptions(command: Command, tables: readonly OptionTable[]): void {
	command.helpOption('-h, --help', 'Print this help.');
	for (const {flag, text, kind} of tables.flatMap(table => Object.values(table))) {
		const option = new Option(flag, text);
		const {repeatable}: KindSpec<unknown> = kinds[kind];
		if (repeatable) {
			option.argParser((value: string, others: string[] = []) => [...others, value]);
		}

		command.addOption(option);
	}
}

/** What the argument parser found, under the options' names in the tables. Flags that were not given are absent. */
export function readOptions(tables: readonly OptionTable[], values: Record<string, unknown>): Record<string, unknown> {
	const options: Record<string, unknown> = {};
	for (const [name, {flag, kind}] of tables.flatMap(table => Object.entries(table))) {
		const value = values[new Option(flag).attributeName()];
		if (value !== undefined) {
			options[name] = typeof value === 'string' ? kinds[kind].fromText(value) : value;
		}
	}

	return options;
}
