// Modules as an installed kernel has them, with BTF made by btfkit.
import {cpSync, readFileSync, readdirSync} from 'node:fs';
import {join, relative} from 'node:path';
import process from 'node:process';
import {attempt, root} from '../lib/run.mjs';
import {section} from './elf.mjs';
import {inOrder, strip} from './modules.mjs';

/**
 * Copies modules of a kernel into `folder` (all, or those of some parts of the tree) and does there what a kernel's build
 * does: BTF, what depends on its numbers, and at last no debug information. Returns their paths in an order in which
 * they can be loaded; nothing where a check failed.
 */
export function encodedModules({folder, parts, ...rest}) {
	// Part by part, for with debug information they are ten times as large as without: a copy of all takes 1.5 GB.
	const done = (parts ?? allParts(rest.kernel)).every(part => encodePart({...rest, folder: join(folder, part), part}));
	return done ? inOrder(folder) : undefined;
}

/** The parts of a kernel's tree that have modules of their own: kernel/crypto, kernel/fs, … */
function allParts({modules}) {
	return readdirSync(join(modules, 'kernel')).sort().map(name => join('kernel', name));
}

function encodePart({checks, kernel, resolveIds, folder, part, flags = [], shipped = false}) {
	cpSync(join(kernel.modules, part), folder, {recursive: true});
	const modules = inOrder(folder);
	if (!shipped) {
		const encode = ['kernel', '--base', kernel.vmlinux, '--modules', folder, '--in-place', ...flags];
		const status = attempt(process.execPath, [join(root, 'bin', 'btfkit.cjs'), ...encode]);
		const what = `btfkit encodes ${modules.length} modules of ${part} in place ${flags.join(' ')}`.trimEnd();
		if (!checks.check(what, status === 0)) {
			return false;
		}
	}

	// What modules offer to BPF programs is named in them by the numbers of its types.
	const withIds = modules.filter(path => section(readFileSync(path), '.BTF_ids'));
	const unresolved = withIds.filter(path => attempt(resolveIds, ['-b', kernel.vmlinux, path]) !== 0);
	if (withIds.length > 0) {
		checks.check(
			`the kernel's own tool finds what ${withIds.length} modules of ${part} offer to BPF programs`,
			unresolved.length === 0,
			() => unresolved.map(path => relative(folder, path)),
		);
	}

	const failures = strip(modules);
	return checks.check(`debug information of ${part} is taken off`, failures.length === 0, () => failures);
}
