// Gets a real kernel with its debug information from Debian's archive into .cache/kernels, and prints the path of its
// vmlinux. Packages of old kernels leave the archive; when the one named is gone, the newest is taken and that is said.
import {spawnSync} from 'node:child_process';
import {existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import process from 'node:process';
import {parseArgs} from 'node:util';
import {root} from './lib/run.mjs';

const usage = `usage: node scripts/get-kernel.mjs [PACKAGE [VERSION]] [--arch ARCH] [--flavour FLAVOUR] [--modules] [--list]

Without PACKAGE, the newest linux-image-*-dbg of the architecture and flavour.
  --arch ARCH        Debian's name of the architecture; default: this machine's
  --flavour FLAVOUR  for example cloud-amd64, amd64, rt-amd64; default: the smallest of the architecture
  --modules          unpack the modules' debug information as well (gigabytes for the larger flavours)
  --list             only list the packages that there are`;

/** The flavour to take when none is named: the one with the fewest drivers. */
const smallestFlavour = {
	amd64: 'cloud-amd64',
	arm64: 'cloud-arm64',
	armhf: 'armmp',
	i386: '686',
	ppc64el: 'powerpc64le',
};

class CannotGet extends Error {}

try {
	main();
} catch (error) {
	if (error instanceof CannotGet) {
		console.error(`No kernel: ${error.message}`);
		process.exitCode = 1;
	} else if (error.code?.startsWith('ERR_PARSE_ARGS')) {
		console.error(`${error.message}\n${usage}`);
		process.exitCode = 2;
	} else {
		throw error;
	}
}

function main() {
	const {values, positionals} = parseArgs({
		allowPositionals: true,
		options: {
			arch: {type: 'string'},
			flavour: {type: 'string'},
			help: {type: 'boolean', short: 'h'},
			list: {type: 'boolean'},
			modules: {type: 'boolean', default: false},
		},
	});
	if (values.help) {
		console.log(usage);
		return;
	}

	for (const tool of ['apt-get', 'apt-cache', 'dpkg', 'dpkg-deb', 'tar']) {
		if (spawnSync(tool, ['--version']).error) {
			throw new CannotGet(`${tool} is missing; this script takes kernels from Debian's archive and runs on Debian and its kin. Anywhere else, use any vmlinux with DWARF that you have.`);
		}
	}

	const native = text('dpkg', ['--print-architecture']).trim();
	const arch = values.arch ?? native;
	const flavour = values.flavour ?? smallestFlavour[arch] ?? arch;
	if (arch !== native) {
		addArchitecture(arch);
	}

	let [name, version] = positionals;
	if (values.list) {
		console.log(packages(arch, name ? undefined : values.flavour).join('\n'));
		return;
	}

	let wanted = name && {name, version: versionOf(name, arch, version)};
	if (name && !wanted.version) {
		console.error(`${name}${version ? ` in version ${version}` : ''} is not in the archive (any more); taking the newest instead.`);
		wanted = undefined;
	}

	if (!wanted) {
		name = packages(arch, flavour).at(-1);
		if (!name) {
			throw new CannotGet(`no linux-image-*-${flavour}-dbg for ${arch} is known here; do the package sources have it, and are the lists up to date (apt-get update)?`);
		}

		wanted = {name, version: versionOf(name, arch)};
		if (!wanted.version) {
			throw new CannotGet(`${name} has no version that can be downloaded for ${arch}`);
		}
	}

	console.log(get(wanted, arch, values.modules));
}

function addArchitecture(arch) {
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

function update() {
	say('apt-get update');
	const {status} = spawnSync('apt-get', ['update', '-qq'], {stdio: ['ignore', 2, 2]});
	if (status !== 0) {
		console.error('apt-get update failed; going on with the lists that are here');
	}
}

/** Names of the debug packages of real kernels (not of meta-packages), oldest first. */
function packages(arch, flavour) {
	const search = () => {
		const names = text('apt-cache', ['pkgnames', 'linux-image-'])
			.split('\n')
			.filter(name => /^linux-image-\d+\.\d+\.\d+.*-dbg$/.test(name))
			.filter(name => flavour === undefined || flavourOf(name) === flavour);
		const available = new Set(madison(names, arch).map(({name}) => name));
		return names.filter(name => available.has(name)).sort(byVersion);
	};

	const found = search();
	if (found.length > 0 || process.getuid() !== 0) {
		return found;
	}

	update();
	return search();
}

/** "linux-image-6.1.0-50-cloud-amd64-dbg" and "linux-image-6.12.117+deb12-cloud-amd64-dbg" are both of cloud-amd64. */
function flavourOf(name) {
	return name.replace(/^linux-image-[\d.]+(?:\+[a-z\d]+)?(?:-\d+)?-/, '').replace(/-dbg$/, '');
}

function byVersion(a, b) {
	return a.localeCompare(b, 'en', {numeric: true});
}

/** The newest version of a package that can be downloaded, or the one asked for if it can. */
function versionOf(name, arch, version) {
	const versions = madison([name], arch).map(row => row.version);
	return version === undefined ? versions[0] : versions.find(candidate => candidate === version);
}

/** What can be downloaded of these packages, the newest version of each first. */
function madison(names, arch) {
	if (names.length === 0) {
		return [];
	}

	const lines = text('apt-cache', ['madison', ...names.map(name => `${name}:${arch}`)]).split('\n');
	return lines
		.map(line => line.split('|').map(part => part.trim()))
		.filter(parts => parts.length >= 3)
		.map(([name, version]) => ({name: name.replace(/:.*/, ''), version}));
}

/** Downloads and unpacks, unless that was done before; returns the path of vmlinux. */
function get({name, version}, arch, withModules) {
	const cache = join(root, '.cache', 'kernels');
	const folder = join(cache, `${name}_${version.replace(':', '%3a')}_${arch}${withModules ? '_modules' : ''}`);
	if (!existsSync(folder)) {
		mkdirSync(cache, {recursive: true});
		const work = mkdtempSync(join(cache, 'unpacking-'));
		try {
			say(`downloading ${name} ${version} for ${arch}`);
			// As root, apt would read with a user who may not write here, and complain.
			const sandbox = process.getuid() === 0 ? ['-o', 'APT::Sandbox::User=root'] : [];
			command('apt-get', ['download', '-qq', ...sandbox, `${name}:${arch}=${version}`], work);
			const archive = readdirSync(work).find(file => file.endsWith('.deb'));
			say('unpacking');
			const content = join(work, 'content');
			mkdirSync(content);
			// Streamed, and only what is asked for: a whole package takes gigabytes.
			const wanted = ['./usr/lib/debug/boot/vmlinux-*', ...(withModules ? ['./usr/lib/debug/*lib/modules/*'] : [])];
			command('bash', [
				'-c', 'set -o pipefail; dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --no-same-owner --wildcards "${@:3}"',
				'unpack', archive, content, ...wanted,
			], work);
			renameSync(content, folder);
		} finally {
			rmSync(work, {recursive: true, force: true});
		}
	}

	const boot = join(folder, 'usr', 'lib', 'debug', 'boot');
	const vmlinux = existsSync(boot) && readdirSync(boot).find(file => file.startsWith('vmlinux-'));
	if (!vmlinux) {
		throw new CannotGet(`${name} holds no vmlinux`);
	}

	return join(boot, vmlinux);
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
	console.error(`get-kernel: ${what}`);
}
