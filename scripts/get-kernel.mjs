// Gets a real kernel with its debug information from Debian's archive into .cache/kernels, and prints the path of its
// vmlinux. Packages of old kernels leave the archive; when the one named is gone, the newest is taken and that is said.
import {existsSync, readdirSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import process from 'node:process';
import {parseArgs} from 'node:util';
import {
	addArchitecture, CannotGet, checkTools, downloadable, folderOf, found, namesWith, nativeArchitecture, unpacked,
} from './lib/debian.mjs';
import {NoRoom} from './lib/room.mjs';

const usage = `usage: node scripts/get-kernel.mjs [PACKAGE [VERSION]] [--arch ARCH] [--flavour FLAVOUR] [--modules] [--list]

Without PACKAGE, the newest linux-image-*-dbg of the architecture and flavour.
  --arch ARCH        Debian's name of the architecture; default: this machine's
  --flavour FLAVOUR  for example cloud-amd64, amd64, rt-amd64; default: the smallest of the architecture
  --modules          unpack the modules' debug information as well (gigabytes for the larger flavours)
  --list             only list the packages that there are

Exit code 3: there is not enough room on the disk.`;

/** The flavour to take when none is named: the one with the fewest drivers. */
const smallestFlavour = {
	amd64: 'cloud-amd64',
	arm64: 'cloud-arm64',
	armhf: 'armmp',
	i386: '686',
	ppc64el: 'powerpc64le',
};

const vmlinuxPattern = './usr/lib/debug/boot/vmlinux-*';
const modulesPattern = './usr/lib/debug/*lib/modules/*';

try {
	main();
} catch (error) {
	if (error instanceof CannotGet || error instanceof NoRoom) {
		console.error(`No kernel: ${error.message}`);
		process.exitCode = error instanceof NoRoom ? 3 : 1;
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

	checkTools();
	const native = nativeArchitecture();
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
			throw new CannotGet(`no linux-image-*-${flavour}-dbg for ${arch} is known here; do the package sources have it, and are the lists up to date (apt-get update)? Any other vmlinux with DWARF will do as well.`);
		}

		wanted = {name, version: versionOf(name, arch)};
		if (!wanted.version) {
			throw new CannotGet(`${name} has no version that can be downloaded for ${arch}`);
		}
	}

	console.log(get(wanted, arch, values.modules));
}

/** Names of the debug packages of real kernels (not of meta-packages), oldest first. */
function packages(arch, flavour) {
	return found(() => {
		const names = namesWith('linux-image-')
			.filter(name => /^linux-image-\d+\.\d+\.\d+.*-dbg$/.test(name))
			.filter(name => flavour === undefined || flavourOf(name) === flavour);
		const available = new Set(downloadable(names, arch).map(({name}) => name));
		return names.filter(name => available.has(name)).sort(byVersion);
	});
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
	const versions = downloadable([name], arch).map(row => row.version);
	return version === undefined ? versions[0] : versions.find(candidate => candidate === version);
}

/** Downloads and unpacks, unless that was done before; returns the path of vmlinux. A kernel is there only once. */
function get({name, version}, arch, withModules) {
	const alone = {name, version, arch, patterns: [vmlinuxPattern]};
	const whole = {name, version, arch, patterns: [vmlinuxPattern, modulesPattern], part: 'modules', most: true};
	const folder = unpacked(withModules || existsSync(folderOf(whole)) ? whole : alone);
	if (withModules) {
		rmSync(folderOf(alone), {recursive: true, force: true});
	}

	const boot = join(folder, 'usr', 'lib', 'debug', 'boot');
	const vmlinux = existsSync(boot) && readdirSync(boot).find(file => file.startsWith('vmlinux-'));
	if (!vmlinux) {
		throw new CannotGet(`${name} holds no vmlinux`);
	}

	return join(boot, vmlinux);
}
