// What a boot needs of a kernel's packages: the debug information, the image that boots, and the tool that writes
// numbers of BTF types into modules.
import {spawnSync} from 'node:child_process';
import {readdirSync} from 'node:fs';
import {basename, join} from 'node:path';
import process from 'node:process';
import {CannotGet, checkTools, downloadable, found, namesWith, nativeArchitecture, unpacked} from '../lib/debian.mjs';
import {NoRoom} from '../lib/room.mjs';
import {root} from '../lib/run.mjs';

/** The vmlinux with debug information, and the folder of the modules: of the newest kernel, or of the package named. */
export function debugKernel(packageName) {
	const {status, stdout} = spawnSync(
		process.execPath,
		[join(root, 'scripts', 'get-kernel.mjs'), '--modules', ...(packageName ? [packageName] : [])],
		{encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit']},
	);
	if (status === 3) {
		throw new NoRoom('the debug package of a kernel has no room (see above)');
	}

	if (status !== 0) {
		throw new CannotGet('the debug package of a kernel could not be had');
	}

	const vmlinux = stdout.trim();
	const release = basename(vmlinux).replace(/^vmlinux-/, '');
	return {release, vmlinux, modules: join(vmlinux, '..', '..', 'lib', 'modules', release)};
}

/** The kernel that boots. The unsigned package is of the same source package as the debug information. */
export function bootImage(release) {
	const folder = newest(`linux-image-${release}-unsigned`, ['./boot/vmlinuz-*']);
	return join(folder, 'boot', `vmlinuz-${release}`);
}

/** The newest other kernel of the same series and flavour, 6.12.115+deb12-cloud-amd64 for 6.12.117+deb12-cloud-amd64. */
export function otherRelease(release) {
	const series = /^\d+\.\d+\./.exec(release)?.[0];
	const flavour = release.slice(release.indexOf('-'));
	const names = namesWith(`linux-image-${series}`).filter(name => name.endsWith(`${flavour}-unsigned`));
	const releases = downloadable(names, nativeArchitecture()).map(({name}) => name.slice('linux-image-'.length, -'-unsigned'.length));
	const [newest] = releases
		.filter(other => other !== release)
		.sort((a, b) => b.localeCompare(a, 'en', {numeric: true}));
	if (!newest) {
		throw new CannotGet(`there is no other kernel like ${release} that can be downloaded`);
	}

	return newest;
}

/** The program that kernel builds run over modules after their BTF was made. */
export function resolver(release) {
	// One package serves all flavours of an architecture: 6.12.117+deb12-cloud-amd64, 6.1.0-50-cloud-amd64.
	const [, version, series] = /^((\d+\.\d+)[^-]*)/.exec(release);
	const path = './usr/lib/linux-kbuild-*/tools/bpf/resolve_btfids/resolve_btfids';
	const names = [`linux-kbuild-${version}`, `linux-kbuild-${series}`];
	const name = names.find(candidate => available(candidate).length > 0);
	if (!name) {
		throw new CannotGet(`neither ${names.join(' nor ')} can be downloaded`);
	}

	const folder = newest(name, [path]);
	const [kbuild] = readdirSync(join(folder, 'usr', 'lib'));
	return join(folder, 'usr', 'lib', kbuild, 'tools', 'bpf', 'resolve_btfids', 'resolve_btfids');
}

function newest(name, patterns) {
	checkTools();
	const [version] = available(name);
	if (!version) {
		throw new CannotGet(`${name} cannot be downloaded here`);
	}

	return unpacked({name, version, arch: nativeArchitecture(), patterns});
}

function available(name) {
	return found(() => downloadable([name], nativeArchitecture()).map(({version}) => version));
}
