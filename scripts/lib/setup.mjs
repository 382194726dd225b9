// Brings a checkout from a fresh clone to one that can be worked with.
import {existsSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import process from 'node:process';
import {spawnSync} from 'node:child_process';
import {root, run} from './run.mjs';

/** Says what is missing on this machine, before anything is begun that would fail with less clear words. */
export function checkTools() {
	const {engines} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
	const [major, minor] = process.versions.node.split('.').map(Number);
	if (!(major === 20 && minor >= 19) && !(major === 22 && minor >= 12) && major < 23) {
		console.error(`Node ${process.versions.node} is not supported: btfkit needs ${engines.node}.`);
		process.exit(1);
	}

	if (spawnSync('cargo', ['--version']).status !== 0) {
		console.error('cargo was not found: building btfkit needs a Rust toolchain (rustup installs one).');
		process.exit(1);
	}
}

/** Installs what package-lock.json names, unless that is installed already. */
export function installDependencies() {
	// npm writes its own copy of the lockfile when it is done; an older one belongs to another state of the tree.
	const installed = join(root, 'node_modules', '.package-lock.json');
	const wanted = join(root, 'package-lock.json');
	if (existsSync(installed) && sameDependencies(installed, wanted)) {
		return;
	}

	// Should an install script ever come back here, it ends at once instead of installing again.
	if (process.env.BTFKIT_INSTALLING) {
		return;
	}

	run('npm', ['ci', '--no-audit', '--no-fund'], {env: {...process.env, BTFKIT_INSTALLING: '1'}});
}

/** Every package that is installed is the one of the lockfile. (Optional ones for other platforms are not installed.) */
function sameDependencies(installed, wanted) {
	if (statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) {
		return true;
	}

	const have = JSON.parse(readFileSync(installed, 'utf8')).packages;
	const want = JSON.parse(readFileSync(wanted, 'utf8')).packages;
	return Object.entries(want).every(([path, {integrity, optional}]) =>
		path === '' || (have[path] ? have[path].integrity === integrity : optional));
}
