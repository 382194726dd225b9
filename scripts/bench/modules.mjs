// The modules of a kernel: all of them, or every n-th.
import {Buffer} from 'node:buffer';
import {closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readSync, renameSync, statSync, symlinkSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';

/** Paths below `folder`, in the order of their names. */
export function modulesBelow(folder) {
	return readdirSync(folder, {recursive: true}).filter(path => path.endsWith('.ko')).sort();
}

/** Every `every`-th, from the first on. */
export function sampled(modules, every) {
	return modules.filter((_, index) => index % every === 0);
}

/**
 * The folder as both programs take it, in `target`: a folder of links, below which the modules have their own paths,
 * and a list of these paths, each ended by a NUL.
 */
export function laidOut(folder, modules, target) {
	const links = join(target, 'modules');
	for (const path of modules) {
		const link = join(links, path);
		mkdirSync(dirname(link), {recursive: true});
		symlinkSync(join(folder, path), link);
	}

	const list = join(target, 'modules.list');
	writeFileSync(list, modules.map(path => `${path}\0`).join(''));
	const size = modules.map(path => statSync(join(folder, path)).size).reduce((total, size) => total + size, 0);
	return {folder: links, list, paths: modules, size};
}

/**
 * Makes a new folder for results, with the folders that `paths` need. Those of earlier runs are put aside, and deleted when
 * all is measured: for some minutes ext4 looks at each inode that was deleted before it takes another one, which took a
 * seventh of the whole run of who replaces files.
 */
export function makeRoom(paths, target) {
	if (existsSync(target)) {
		renameSync(target, mkdtempSync(`${target}-`));
	}

	for (const path of paths) {
		mkdirSync(dirname(join(target, path)), {recursive: true});
	}
}

/** Reads the files, so that they are in the page cache: what was read minutes ago may have left it. */
export function warm(files) {
	const buffer = Buffer.allocUnsafe(2 ** 20);
	for (const path of files) {
		const file = openSync(path);
		let length;
		do {
			length = readSync(file, buffer);
		} while (length > 0);

		closeSync(file);
	}
}
