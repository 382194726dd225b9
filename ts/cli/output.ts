import {Buffer} from 'node:buffer';
import {fstatSync, writeSync} from 'node:fs';
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
	if (isFile(STDOUT)) {
		writeFile(STDOUT, typeof data === 'string' ? Buffer.from(data) : data);
		return;
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

/**
 * A stream to a file that has taken a part of the data loses the error of the rest (Node 20): on a disk that is full it
 * says that all was written.
 */
function writeFile(fd: number, data: Uint8Array): void {
	try {
		for (let at = 0; at < data.length;) {
			at += writeSync(fd, data, at);
		}
	} catch (error) {
		throw outputError(error as NodeJS.ErrnoException);
	}
}

function outputError(error: NodeJS.ErrnoException): BtfkitError {
	const why = error.code === 'EPIPE' ? 'its reader closed it before everything was written' : error.message;
	return new BtfkitError('IO', `standard output: ${why}`, {cause: error});
}
