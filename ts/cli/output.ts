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

function outputError(error: NodeJS.ErrnoException): BtfkitError {
	const why = error.code === 'EPIPE' ? 'its reader closed it before everything was written' : error.message;
	return new BtfkitError('IO', `standard output: ${why}`, {cause: error});
}
