import {fstatSync, writeFileSync} from 'node:fs';
import process from 'node:process';
import {BtfkitError} from '../errors.js';

/**
 * Standard output or error. Opening one takes Node a while, so that is left until something is written. Whoever reads it
 * may close it at any time; writes that matter see the error themselves.
 */
export function standard(name: 'stdout' | 'stderr'): NodeJS.WriteStream {
	const stream = process[name];
	if (stream.listenerCount('error', ignore) === 0) {
		stream.on('error', ignore);
	}

	return stream;
}

function ignore(): void {}

/** Writes all of it to standard output, or says why that failed. */
export async function writeOutput(data: string | Uint8Array): Promise<void> {
	// A stream to a file that has taken a part of the data loses the error of the rest (Node 20): on a disk that is full
	// it says that all was written.
	if (isFile(STDOUT)) {
		try {
			writeFileSync(STDOUT, data);
			return;
		} catch (error) {
			throw outputError(error as NodeJS.ErrnoException);
		}
	}

	await new Promise<void>((resolve, reject) => {
		standard('stdout').write(data, error => {
			if (error) {
				reject(outputError(error));
			} else {
				resolve();
			}
		});
	});
}

const STDOUT = 1;

function isFile(fd: number): boolean {
	try {
		return fstatSync(fd).isFile();
	} catch {
		return false;
	}
}

function outputError(error: NodeJS.ErrnoException): BtfkitError {
	const why = error.code === 'EPIPE' ? 'its reader closed it before everything was written' : error.message;
	return new BtfkitError('IO', `standard output: ${why}`, {cause: error});
}
