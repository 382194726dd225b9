// Paths as callers give them.
import {statSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {BtfkitError} from './errors.js';

/** A path or a file: URL as a path; `name` is what the argument is called. */
export function toPath(file: unknown, name: string): string {
	if (file instanceof URL) {
		if (file.protocol !== 'file:') {
			throw new BtfkitError('INVALID_OPTION', `${name} has to be a path or a file: URL, not ${file.href}`);
		}

		return fileURLToPath(file);
	}

	if (typeof file !== 'string' || file === '' || file.includes('\0')) {
		throw new BtfkitError('INVALID_OPTION', `${name} has to be a path or a file: URL, not ${typeof file === 'string' ? JSON.stringify(file) : String(file)}`);
	}

	return file;
}

/** The target must not be the input under whatever name: it would be lost. */
export function refuseInput(input: string, target: string): void {
	const [from, to] = [input, target].map(path => {
		try {
			return statSync(path, {bigint: true});
		} catch {
			// Whoever opens it says what is wrong with it.
			return undefined;
		}
	});
	if (from && to && from.dev === to.dev && from.ino === to.ino) {
		throw new BtfkitError('INVALID_OPTION', `${target}: the BTF would replace the input; choose another target`, {path: target});
	}
}
