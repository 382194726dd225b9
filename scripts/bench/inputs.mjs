// What is measured: files that are named, files of the cache, or else a kernel that is got now.
import {spawnSync} from 'node:child_process';
import {existsSync, readdirSync, statSync} from 'node:fs';
import {basename, join, resolve} from 'node:path';
import process from 'node:process';
import {root} from '../lib/run.mjs';
import {debugInfoSize} from './debug-size.mjs';

/** By role: the variable that names the file, and which file of the cache will do. */
const roles = {
	vmlinux: {variable: 'BTFKIT_BENCH_VMLINUX', fits: name => /^vmlinux-/.test(name) && !name.includes('cloud')},
	cloud: {variable: 'BTFKIT_BENCH_CLOUD', fits: name => /^vmlinux-.*cloud/.test(name)},
	large: {variable: 'BTFKIT_BENCH_LARGE_MODULE', fits: name => name === 'amdgpu.ko'},
	small: {variable: 'BTFKIT_BENCH_SMALL_MODULE', fits: name => name === 'af_key.ko'},
};

/** The inputs by role, without those that are missing, and `further` ones. */
export function findInputs(named, further, say) {
	const cached = cachedFiles();
	const found = {};
	for (const [role, {variable, fits}] of Object.entries(roles)) {
		const path = named[role] ?? process.env[variable] ?? cached.find(path => fits(basename(path)));
		if (path) {
			found[role] = input(path);
		}
	}

	// One kernel there must be; a cloud kernel is one as well.
	if (!found.vmlinux) {
		found.vmlinux = found.cloud ?? input(getKernel());
	}

	for (const [role, {variable}] of Object.entries(roles).filter(([role]) => !found[role])) {
		say(`skipped: nothing for --${role} (or ${variable}); scripts/get-kernel.mjs --modules gets kernels and modules`);
	}

	return {...found, further: further.map(path => input(path))};
}

/** The folder of a kernel's modules, or undefined where there is none. */
export function findModules(named, say) {
	const path = named ?? process.env.BTFKIT_BENCH_MODULES;
	if (!path) {
		say('skipped: a kernel with its modules: no --modules (or BTFKIT_BENCH_MODULES)');
		return undefined;
	}

	const absolute = resolve(process.env.INIT_CWD ?? '.', path);
	if (!existsSync(absolute)) {
		throw new Error(`${path}: no such folder`);
	}

	return absolute;
}

function input(path) {
	const absolute = resolve(process.env.INIT_CWD ?? '.', path);
	if (!existsSync(absolute)) {
		throw new Error(`${path}: no such file`);
	}

	return {path: absolute, name: basename(absolute), size: statSync(absolute).size, debugInfo: debugInfoSize(absolute)};
}

/** Kernels and modules of the cache, the largest first: of several kernels, the one with the most to do. */
function cachedFiles() {
	const cache = join(root, '.cache', 'kernels');
	const packages = existsSync(cache) ? readdirSync(cache) : [];
	return packages
		.flatMap(name => {
			const folder = join(cache, name, 'usr', 'lib', 'debug');
			return existsSync(folder) ? readdirSync(folder, {recursive: true}).map(path => join(folder, path)) : [];
		})
		.filter(path => Object.values(roles).some(({fits}) => fits(basename(path))))
		.sort((a, b) => statSync(b).size - statSync(a).size);
}

function getKernel() {
	const got = spawnSync(process.execPath, [join(root, 'scripts', 'get-kernel.mjs')], {encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit']});
	if (got.status !== 0) {
		throw new Error('name a vmlinux with DWARF: npm run bench -- PATH');
	}

	return got.stdout.trim();
}
