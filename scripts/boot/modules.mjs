// Kernel modules as files: which there are, what they need, and what is taken off before they are loaded.
import {spawnSync} from 'node:child_process';
import {readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {section} from './elf.mjs';
import {moduleName} from './guest.mjs';

/** Paths of all modules under a folder. */
export function modulesBelow(folder) {
	return readdirSync(folder, {recursive: true})
		.filter(path => path.endsWith('.ko'))
		.map(path => join(folder, path))
		.sort();
}

/** The same, each after those that it depends on. */
export function inOrder(folder) {
	const paths = modulesBelow(folder);
	const byName = new Map(paths.map(path => [moduleName(path), path]));
	const order = new Set();
	const visiting = new Set();
	const visit = path => {
		if (visiting.has(path)) {
			return;
		}

		visiting.add(path);
		for (const name of needs(path)) {
			if (byName.has(name)) {
				visit(byName.get(name));
			}
		}

		order.add(path);
	};

	for (const path of paths) {
		visit(path);
	}

	return [...order];
}

/** Names of the modules that one needs. */
export function needs(path) {
	const facts = section(readFileSync(path), '.modinfo')?.toString('latin1').split('\0') ?? [];
	const names = facts.find(fact => fact.startsWith('depends='))?.slice('depends='.length) ?? '';
	return names.split(',').filter(name => name !== '').map(name => moduleName(name));
}

/** Takes the debug information off, in place, as the installation of modules does. Returns what went wrong. */
export function strip(paths) {
	return inPortions(paths, 'strip', portion => ['--strip-debug', ...portion]);
}

/**
 * Makes modules loadable into a kernel with other versions of symbols, in place: without the versions and with no release
 * to compare, a kernel that allows modules to be forced takes them.
 */
export function unversion(paths) {
	for (const path of paths) {
		const file = readFileSync(path);
		const facts = section(file, '.modinfo');
		const at = facts?.indexOf('vermagic=') ?? -1;
		if (at >= 0) {
			facts.write('vermag__', at);
			writeFileSync(path, file);
		}
	}

	return inPortions(paths, 'objcopy', ([path]) => ['--remove-section=__versions', path], 1);
}

/** Writes a type with a name beyond all strings into a module's BTF, in place. */
export function garble(path) {
	const file = readFileSync(path);
	const btf = section(file, '.BTF');
	const headerLength = btf.readUInt32LE(4);
	const types = headerLength + btf.readUInt32LE(8);
	btf.writeUInt32LE(0x7f_ff_ff_ff, types);
	writeFileSync(path, file);
}

function inPortions(paths, program, argumentsFor, portion = 100) {
	const failures = [];
	for (let start = 0; start < paths.length; start += portion) {
		const {status, stderr, error} = spawnSync(program, argumentsFor(paths.slice(start, start + portion)), {encoding: 'utf8'});
		if (status !== 0) {
			failures.push(error?.message ?? stderr.trim());
		}
	}

	return failures;
}
