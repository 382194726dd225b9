// Files to encode, and files that cannot be.
import {existsSync, readdirSync, statSync} from 'node:fs';
import {mkdtemp, readFile, readdir, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import process from 'node:process';
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
	return kernel ?? addon();
}

/** A large file of the size of a module: the largest module in the cache, or else the addon. */
export function largeModule() {
	const modules = cachedPackages().flatMap(folder => {
		const debug = join(folder, 'usr', 'lib', 'debug', 'lib', 'modules');
		return existsSync(debug) ? readdirSync(debug, {recursive: true}).filter(name => name.endsWith('.ko')).map(name => join(debug, name)) : [];
	});
	const [largest] = modules.map(path => ({path, size: statSync(path).size})).sort((a, b) => b.size - a.size);
	return largest?.path ?? addon();
}

/** The addon that is tested. It has DWARF, as it is a debug build. */
export function addon() {
	const named = process.env.BTFKIT_ADDON;
	return statSync(named).isDirectory() ? join(named, readdirSync(named).find(name => name.endsWith('.node'))) : named;
}

function cachedPackages() {
	const cache = join(root, '.cache', 'kernels');
	return existsSync(cache) ? readdirSync(cache).map(name => join(cache, name)) : [];
}

/** Every vmlinux that scripts/get-kernel.mjs has put into the cache. */
export function kernels() {
	return cachedPackages().flatMap(folder => {
		const boot = join(folder, 'usr', 'lib', 'debug', 'boot');
		return existsSync(boot) ? readdirSync(boot).filter(file => file.startsWith('vmlinux-')).map(file => join(boot, file)) : [];
	});
}
