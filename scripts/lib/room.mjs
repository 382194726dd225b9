// Room on the disk: asked before it is taken, and given back by runs that were killed.
import {mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync} from 'node:fs';
import {join} from 'node:path';
import process from 'node:process';

/** There is less room on a disk than a step needs. */
export class NoRoom extends Error {}

/** Throws where the disk of `folder` has less than `bytes` free. */
export function requireRoom(folder, bytes, what) {
	const free = freeRoom(folder);
	if (free < bytes) {
		throw new NoRoom(`${what} needs ${megabytes(bytes)} on the disk of ${folder}, and ${megabytes(free)} are free`);
	}
}

/** The same error for a disk that became full meanwhile; nothing for any other failure. */
export function noRoomBehind(error, folder) {
	return error.code === 'ENOSPC'
		? new NoRoom(`the disk of ${folder} became full (${megabytes(freeRoom(folder))} are free): ${error.message}`)
		: undefined;
}

export function freeRoom(folder) {
	const {bavail, bsize} = statfsSync(folder);
	return bavail * bsize;
}

/**
 * A new folder in `parent` for work, whose name has the process in it: those of processes that are no more, which could
 * not clean up, are removed.
 */
export function workFolder(parent, name) {
	mkdirSync(parent, {recursive: true});
	for (const entry of readdirSync(parent)) {
		const [, owner] = new RegExp(`^${name}-(\\d+)-`).exec(entry) ?? [];
		if (owner && !isAlive(Number(owner))) {
			rmSync(join(parent, entry), {recursive: true, force: true});
		}
	}

	return mkdtempSync(join(parent, `${name}-${process.pid}-`));
}

function isAlive(pid) {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return error.code !== 'ESRCH';
	}
}

function megabytes(bytes) {
	return `${Math.round(bytes / 1e6)} MB`;
}
