import {fstatSync, readFileSync, statSync, writeFileSync, writeSync, type Stats} from 'node:fs';
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
	const type = fileType(descriptors[name]);
	return type?.isCharacterDevice() === true && !isNullDevice(type);
}

function ignore(): void {}

/** Writes all of it to standard output, or says why that failed. */
export async function writeOutput(data: string | Uint8Array): Promise<void> {
	return writeAll('stdout', data);
}

/** Writes all of it to one of the two, or says why that failed. */
export async function writeAll(name: Name, data: string | Uint8Array): Promise<void> {
	if (data.length === 0) {
		return;
	}

	// A stream to a file that has taken a part of the data loses the error of the rest (Node 20): on a disk that is full
	// it says that all was written.
	if (fileType(descriptors[name])?.isFile()) {
		try {
			writeFileSync(descriptors[name], data);
			return;
		} catch (error) {
			throw outputError(name, error as NodeJS.ErrnoException);
		}
	}

	await new Promise<void>((resolve, reject) => {
		standard(name).write(data, error => {
			if (error) {
				reject(outputError(name, error));
			} else {
				resolve();
			}
		});
	});
}

/** Was it that its reader has gone? */
export function isClosedPipe(error: unknown): boolean {
	return error instanceof BtfkitError && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'EPIPE';
}

/** Refuses to begin where the BTF would go to a terminal, or nowhere. */
export function expectReader(): void {
	if (standard('stdout').isTTY) {
		throw new BtfkitError('INVALID_OPTION', 'standard output is a terminal, and BTF is not text: redirect it, or use -o FILE');
	}

	if (wasClosed(descriptors.stdout)) {
		throw new BtfkitError('IO', 'standard output is closed, and the BTF would be lost: redirect it, or use -o FILE');
	}
}

/**
 * In the place of what is closed when it starts Node opens the null device, for reading and writing. Shells open it for
 * writing. (Some libraries do as Node does when they start a program whose output nobody wants.)
 */
function wasClosed(fd: number): boolean {
	try {
		return isNullDevice(fstatSync(fd)) && /^flags:\s*\d*2$/m.test(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'));
	} catch {
		return false;
	}
}

function isNullDevice(file: Stats): boolean {
	try {
		return file.isCharacterDevice() && file.rdev === statSync('/dev/null').rdev;
	} catch {
		return false;
	}
}

function fileType(fd: number): Stats | undefined {
	try {
		return fstatSync(fd);
	} catch {
		return undefined;
	}
}

function outputError(name: Name, error: NodeJS.ErrnoException): BtfkitError {
	const which = name === 'stdout' ? 'standard output' : 'standard error';
	const why = error.code === 'EPIPE' ? 'its reader closed it before everything was written' : error.message;
	return new BtfkitError('IO', `${which}: ${why}`, {cause: error});
}
