import {BtfkitError} from '../errors.js';

/** What is wrong with options. Their names in it can be spelled as whoever gave them knows them. */
export class OptionError extends BtfkitError {
	readonly spell: (spelled: (option: string) => string) => string;

	constructor(spell: (spelled: (option: string) => string) => string) {
		super('INVALID_OPTION', spell(option => option));
		this.spell = spell;
	}
}
