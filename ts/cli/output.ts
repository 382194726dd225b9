import {fstatSync, writeFileSync, writeSync, type Stats} from 'node:fs';
import process from 'node:process';
import {BtfkitError} from '../errors.js';

type Name = 'stdout' | 'stderr';
const descriptors = {stdout: 1, stderr: 2} as const;
const opened = new Set<Name>();

/**
 * Standard output or error as a stream. Opening one takes Node some milliseconds, so that is left until it is needed.
 * Whoever reads it may close it at any time; writes that matter see the error themselves.
 */
export function standard(name: Name): NodeJS.WriteStream {
	const stream = process[name];
	if (!opened.has(name)) {
		opened.add(name);
		stream.on('error', ignore);
	}

	return stream;
}

/** Whether something may still be on its way to standard output or error. */
export function hasOpenStreams(): boolean {
	return opened.size > 0;
}

/** Writes a text at once, without a stream where that can be. */
export function write(name: Name, text: string): void {
	let rest = Buffer.from(text);
	while (rest.length > 0 && !opened.has(name)) {
		try {
			rest = rest.subarray(writeSync(descriptors[name], rest));
		} catch (error) {
			// Its reader has made it one that does not wait, and is slow. All else is as with a stream: nobody listens.
			if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') {
				return;
			}

			standard(name);
		}
	}

	if (rest.length > 0) {
		standard(name).write(rest);
	}
}

/** False where it certainly is no terminal; a stream knows, but has to be opened for it. */
export function mayBeTerminal(name: Name): boolean {
	return fileType(descriptors[name])?.isCharacterDevice() ?? false;
}

function ignore(): void {}

/** Writes all of it to standard output, or says why that failed. */
export async function writeOutput(data: string | Uint8Array): Promise<void> {
	// A stream to a file that has taken a part of the data loses the error of the rest (Node 20): on a disk that is full
	// it says that all was written.
	if (fileType(STDOUT)?.isFile()) {
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

const STDOUT = descriptors.stdout;

function fileType(fd: number): Stats | undefined {
	try {
		return fstatSync(fd);
	} catch {
		return undefined;
	}
}

function outputError(error: NodeJS.ErrnoException): BtfkitError {
	const why = error.code === 'EPIPE' ? 'its reader closed it before everything was written' : error.message;
	return new BtfkitError('IO', `standard output: ${why}`, {cause: error});
}
