// Modules as an installed kernel has them, with BTF made by btfkit.
import {copyFileSync, mkdirSync, readFileSync, statSync} from 'node:fs';
import {dirname, join, relative} from 'node:path';
import process from 'node:process';
import {requireRoom} from '../lib/room.mjs';
import {attempt, root} from '../lib/run.mjs';
import {section} from './elf.mjs';
import {inOrder, modulesBelow, strip} from './modules.mjs';

/**
 * As many bytes of modules are copied at a time. Without debug information they are a twentieth, so that a kernel takes
 * megabytes where all at once would take gigabytes.
 */
const portionSize = 128e6;

/**
 * Copies modules of a kernel into `folder` (all, or those of some parts of the tree) and does there what a kernel's build
 * does: BTF, what depends on its numbers, and at last no debug information. Returns their paths in an order in which
 * they can be loaded; nothing where a check failed.
 */
export function encodedModules({checks, kernel, resolveIds, folder, parts = ['.'], flags = [], shipped = false}) {
	const paths = parts.flatMap(part => modulesBelow(join(kernel.modules, part)));
	const size = paths.reduce((total, path) => total + statSync(path).size, 0);
	mkdirSync(folder, {recursive: true});
	// A portion and what replaces it; at the end all modules without debug information, and a file system of them.
	requireRoom(folder, 2 * portionSize + size / 5, `booting with ${paths.length} modules`);

	const failures = {encode: [], resolve: [], strip: []};
	let withIds = 0;
	for (const [index, portion] of portions(paths).entries()) {
		const copies = join(folder, String(index));
		for (const path of portion) {
			const copy = join(copies, relative(kernel.modules, path));
			mkdirSync(dirname(copy), {recursive: true});
			copyFileSync(path, copy);
		}

		if (!shipped) {
			const encode = ['kernel', '--base', kernel.vmlinux, '--modules', copies, '--in-place', '--quiet', ...flags];
			const status = attempt(process.execPath, [join(root, 'bin', 'btfkit.cjs'), ...encode]);
			if (status !== 0) {
				failures.encode.push(`exit code ${status} for ${portion.length} modules from ${portion[0]} on`);
			}
		}

		// What modules offer to BPF programs is named in them by the numbers of its types.
		const modules = modulesBelow(copies);
		const offering = modules.filter(path => section(readFileSync(path), '.BTF_ids'));
		withIds += offering.length;
		failures.resolve.push(...offering.filter(path => attempt(resolveIds, ['-b', kernel.vmlinux, path]) !== 0));
		failures.strip.push(...strip(modules));
	}

	const done = [
		shipped || checks.check(
			`btfkit encodes ${paths.length} modules in place ${flags.join(' ')}`.trimEnd(),
			failures.encode.length === 0,
			() => failures.encode,
		),
		withIds === 0 || checks.check(
			`the kernel's own tool finds what ${withIds} modules offer to BPF programs`,
			failures.resolve.length === 0,
			() => failures.resolve.map(path => relative(folder, path)),
		),
		checks.check('debug information is taken off', failures.strip.length === 0, () => failures.strip),
	];
	return done[0] && done[2] ? inOrder(folder) : undefined;
}

function portions(paths) {
	const all = [];
	let room = 0;
	for (const path of paths) {
		const {size} = statSync(path);
		if (size > room) {
			all.push([]);
			room = portionSize;
		}

		all.at(-1).push(path);
		room -= size;
	}

	return all;
}
