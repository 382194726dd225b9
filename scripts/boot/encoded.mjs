// Modules as an installed kernel has them, with BTF made by btfkit.
import {cpSync, readFileSync} from 'node:fs';
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
export function encodedModules({checks, kernel, resolveIds, folder, parts = ['.'], flags = [], shipped = false}) {
	for (const part of parts) {
		cpSync(join(kernel.modules, part), join(folder, part), {recursive: true});
	}

	const modules = inOrder(folder);
	if (!shipped) {
		const encode = ['kernel', '--base', kernel.vmlinux, '--modules', folder, '--in-place', ...flags];
		const status = attempt(process.execPath, [join(root, 'bin', 'btfkit.cjs'), ...encode]);
		if (!checks.check(`btfkit encodes ${modules.length} modules in place ${flags.join(' ')}`.trimEnd(), status === 0)) {
			return undefined;
		}
	}

	// What modules offer to BPF programs is named in them by the numbers of its types.
	const withIds = modules.filter(path => section(readFileSync(path), '.BTF_ids'));
	const unresolved = withIds.filter(path => attempt(resolveIds, ['-b', kernel.vmlinux, path]) !== 0);
	if (withIds.length > 0) {
		checks.check(
			`the kernel's own tool finds what ${withIds.length} modules offer to BPF programs`,
			unresolved.length === 0,
			() => unresolved.map(path => relative(folder, path)),
		);
	}

	const failures = strip(modules);
	return checks.check('debug information is taken off', failures.length === 0, () => failures) ? modules : undefined;
}
