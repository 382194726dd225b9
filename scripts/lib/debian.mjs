// Packages of Debian's archive: what there is, and their files in .cache/kernels.
import {spawnSync} from 'node:child_process';
import {existsSync, mkdirSync, readdirSync, renameSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import process from 'node:process';
import {freeRoom, NoRoom, requireRoom, workFolder} from './room.mjs';
import {root} from './run.mjs';

/** Where packages are unpacked to. */
export const cache = join(root, '.cache', 'kernels');

export class CannotGet extends Error {}

export function checkTools() {
	for (const tool of ['apt-get', 'apt-cache', 'dpkg', 'dpkg-deb', 'tar']) {
		if (spawnSync(tool, ['--version']).error) {
			throw new CannotGet(`${tool} is missing; packages are taken from Debian's archive, on Debian and its kin`);
		}
	}
}

export function nativeArchitecture() {
	return text('dpkg', ['--print-architecture']).trim();
}

/** Makes the packages of another architecture known to apt. */
export function addArchitecture(arch) {
	if (text('dpkg', ['--print-foreign-architectures']).split('\n').includes(arch)) {
		return;
	}

	if (process.getuid() !== 0) {
		throw new CannotGet(`packages of ${arch} are not known here; as root: dpkg --add-architecture ${arch} && apt-get update`);
	}

	say(`making packages of ${arch} known`);
	text('dpkg', ['--add-architecture', arch]);
	update();
}

/** What `search` finds; where that is nothing, it searches again with fresh lists of packages, if those may be had. */
export function found(search) {
	const first = search();
	if (first.length > 0 || process.getuid() !== 0) {
		return first;
	}

	update();
	return search();
}

function update() {
	say('apt-get update');
	const {status} = spawnSync('apt-get', ['update', '-qq'], {stdio: ['ignore', 2, 2]});
	if (status !== 0) {
		console.error('apt-get update failed; going on with the lists that are here');
	}
}

/** Names of packages that begin so. */
export function namesWith(prefix) {
	return text('apt-cache', ['pkgnames', prefix]).split('\n').filter(name => name !== '');
}

/** What can be downloaded of these packages, the newest version of each first. */
export function downloadable(names, arch) {
	if (names.length === 0) {
		return [];
	}

	const lines = text('apt-cache', ['madison', ...names.map(name => `${name}:${arch}`)]).split('\n');
	return lines
		.map(line => line.split('|').map(part => part.trim()))
		.filter(parts => parts.length >= 3)
		.map(([name, version]) => ({name: name.replace(/:.*/, ''), version}));
}

/**
 * The folder with the files of a package that fit the patterns; downloads and unpacks, unless that was done before.
 * `part` names the selection of files, for each has a folder of its own; `most` says that it is most of the package.
 */
export function unpacked({name, version, arch, patterns, part = '', most = false}) {
	const folder = folderOf({name, version, arch, part});
	if (existsSync(folder)) {
		return folder;
	}

	const work = workFolder(cache, 'unpacking');
	try {
		const {archive: size, installed} = sizes(name, version, arch);
		requireRoom(work, size + (most ? installed : 0), `${name} ${version}, packed and unpacked,`);
		say(`downloading ${name} ${version} for ${arch}`);
		// As root, apt would read with a user who may not write here, and complain.
		const sandbox = process.getuid() === 0 ? ['-o', 'APT::Sandbox::User=root'] : [];
		command('apt-get', ['download', '-qq', ...sandbox, `${name}:${arch}=${version}`], work);
		const archive = readdirSync(work).find(file => file.endsWith('.deb'));
		say('unpacking');
		const content = join(work, 'content');
		mkdirSync(content);
		// Streamed, and only what is asked for: a whole package takes gigabytes.
		command('bash', [
			'-c', 'set -o pipefail; dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --no-same-owner --wildcards "${@:3}"',
			'unpack', archive, content, ...patterns,
		], work);
		renameSync(content, folder);
	} catch (error) {
		// Programs tell of a full disk in their own words.
		throw error instanceof CannotGet && freeRoom(work) < 16e6 ? new NoRoom(`the disk of ${work} is full: ${error.message}`) : error;
	} finally {
		rmSync(work, {recursive: true, force: true});
	}

	return folder;
}

/** In bytes, as far as the lists of packages tell. */
function sizes(name, version, arch) {
	const record = text('apt-cache', ['show', `${name}:${arch}=${version}`]);
	const field = key => Number(new RegExp(`^${key}: (\\d+)$`, 'm').exec(record)?.[1] ?? 0);
	return {archive: field('Size'), installed: field('Installed-Size') * 1024};
}

export function folderOf({name, version, arch, part = ''}) {
	return join(cache, `${name}_${version.replace(':', '%3a')}_${arch}${part && `_${part}`}`);
}

function command(program, args, cwd) {
	const {status, error} = spawnSync(program, args, {cwd, stdio: ['ignore', 2, 2]});
	if (status !== 0) {
		throw new CannotGet(`${program} ${args.slice(0, 3).join(' ')} failed${error ? `: ${error.message}` : ''}`);
	}
}

function text(program, args) {
	return spawnSync(program, args, {encoding: 'utf8', maxBuffer: 2 ** 28}).stdout ?? '';
}

function say(what) {
	console.error(`packages: ${what}`);
}
