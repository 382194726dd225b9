import process from 'node:process';
import {BtfkitError} from '../errors.js';

/** Writes all of it to standard output, or says why that failed. */
export async function writeOutput(data: string | Uint8Array): Promise<void> {
	await new Promise<void>((resolve, reject) => {
		process.stdout.write(data, error => {
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
