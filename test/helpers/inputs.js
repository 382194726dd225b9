// Files to encode, and files that cannot be.
import {existsSync, readdirSync} from 'node:fs';
import {mkdtemp, readFile, readdir, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));
export const example = join(root, 'examples', 'scheduler.o');

/** A folder that goes away with the test. */
export async function temporaryFolder(t) {
	const folder = await mkdtemp(join(tmpdir(), 'btfkit-test-'));
	t.teardown(() => rm(folder, {recursive: true, force: true}));
	return folder;
}

/** A folder with one file in it, made from the example; returns that file's path. */
export async function exampleWith(t, change = bytes => bytes, name = 'input.o') {
	const folder = await temporaryFolder(t);
	const path = join(folder, name);
	await writeFile(path, change(await readFile(example)));
	return path;
}

/** The same object, but with its debug sections under names that nobody looks for. */
export function withoutDwarf(bytes) {
	return Buffer.from(bytes.toString('latin1').replaceAll('.debug_', '.other_'), 'latin1');
}

/** Names of what is in a folder, in order. */
export async function names(folder) {
	const found = await readdir(folder);
	return found.sort();
}

/** An ELF file with DWARF that takes long enough to be interrupted: a kernel from the cache, or else the addon itself. */
export function largeInput() {
	const [kernel] = kernels();
	return kernel ?? join(root, 'native', 'debug', readdirSync(join(root, 'native', 'debug')).find(name => name.endsWith('.node')));
}

/** Every vmlinux that scripts/get-kernel.mjs has put into the cache. */
export function kernels() {
	const cache = join(root, '.cache', 'kernels');
	if (!existsSync(cache)) {
		return [];
	}

	return readdirSync(cache).flatMap(name => {
		const boot = join(cache, name, 'usr', 'lib', 'debug', 'boot');
		return existsSync(boot) ? readdirSync(boot).filter(file => file.startsWith('vmlinux-')).map(file => join(boot, file)) : [];
	});
}
