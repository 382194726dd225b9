// Boots a kernel in qemu, loads modules there, and tells what the kernel made of them.
import {spawnSync} from 'node:child_process';
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {delimiter, join} from 'node:path';
import process from 'node:process';
import {fileURLToPath} from 'node:url';
import {section} from './elf.mjs';
import {writeInitramfs} from './initramfs.mjs';

const emulator = 'qemu-system-x86_64';

/** What a kernel of Linux 6 says about BTF of a module, or about functions that the BTF should have described. */
const complaint = /\bBPF:|\bBTF\b|kfunc/;

/** What is missing on this machine to boot a guest, in words; nothing, where it can be done. */
export function missing() {
	if (process.arch !== 'x64') {
		return `the guest is of x86-64, and gets this machine's busybox, which is of ${process.arch}`;
	}

	if (spawnSync(emulator, ['--version']).error) {
		return `${emulator} is not installed (Debian: qemu-system-x86)`;
	}

	if (spawnSync('strip', ['--version']).error) {
		return 'strip is not installed (Debian: binutils)';
	}

	if (!busybox()) {
		return 'no statically linked busybox is on PATH (Debian: busybox-static)';
	}

	return undefined;
}

/**
 * Boots `kernel` (a bzImage for x86-64) and takes the steps, `{load: FILE}` or `{unload: NAME}`, one after the other.
 * Files for the run are left in `folder`.
 *
 * Returns facts that can be written as JSON:
 * - `kernel`: its release; `ended`: whether all steps were taken; `seconds`: the guest's uptime at the end
 * - `steps`: in the order given, each with what it was, `status` (0: done; missing where the guest did not come that
 *   far), `said` (the reason of a failure), `log` (what the kernel said meanwhile), `complaints` (lines of these about
 *   BTF), and for a load `listed`: whether /sys/kernel/btf had the module's BTF afterwards
 * - `btf`: what /sys/kernel/btf has in the end: by name the size and the SHA-256 of the bytes
 * - `console`: the last lines of qemu and of the console, where the guest did not reach its end
 */
export function bootGuest({kernel, steps, folder, memory = '1G', minutes = 20}) {
	const initramfs = join(folder, 'initramfs');
	const consoleLog = join(folder, 'console.log');
	const results = join(folder, 'results');
	writeInitramfs(initramfs, contents(steps));
	writeFileSync(results, '');
	const {error, stderr} = spawnSync(emulator, [
		// Emulated, which every machine can do, with all features that the emulation has.
		'-accel', 'tcg', '-cpu', 'max', '-m', memory,
		'-kernel', kernel, '-initrd', initramfs,
		'-append', 'console=ttyS0 quiet panic=-1 mitigations=off',
		'-display', 'none', '-monitor', 'none', '-nic', 'none', '-no-reboot',
		'-serial', `file:${consoleLog}`, '-serial', `file:${results}`,
	], {encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'], timeout: minutes * 60_000, killSignal: 'SIGKILL'});
	if (error && error.code !== 'ETIMEDOUT') {
		throw error;
	}

	const facts = readFacts(readFileSync(results, 'utf8'), steps);
	if (!facts.ended) {
		facts.console = [stderr, existsSync(consoleLog) ? readFileSync(consoleLog, 'utf8') : '']
			.flatMap(text => text.split(/[\r\n]+/).filter(line => line !== '').slice(-30));
	}

	return facts;
}

/** A module's name in the kernel, by its file. */
export function moduleName(file) {
	return file.replace(/^.*\//, '').replace(/\.ko$/, '').replaceAll('-', '_');
}

function contents(steps) {
	const files = [];
	const lines = steps.map((step, index) => {
		if (step.unload !== undefined) {
			return `unload ${step.unload}`;
		}

		// A folder for each step: a module may come twice.
		const inside = `m/${index}`;
		files.push(
			{path: inside, kind: 'folder'},
			{path: `${inside}/${step.load.replace(/^.*\//, '')}`, kind: 'file', from: step.load},
		);
		return `load /${files.at(-1).path}`;
	});
	return [
		{path: 'init', kind: 'program', from: fileURLToPath(new URL('init.sh', import.meta.url))},
		{path: 'bin', kind: 'folder'},
		{path: 'bin/busybox', kind: 'program', from: busybox()},
		{path: 'steps', kind: 'file', content: lines.map(line => `${line}\n`).join('')},
		{path: 'm', kind: 'folder'},
		...files,
	];
}

function readFacts(text, steps) {
	const facts = {kernel: undefined, ended: false, seconds: undefined, steps: [], btf: {}};
	for (const line of text.split('\n')) {
		const [, word, rest] = /^(\S+) ?(.*)$/.exec(line) ?? [];
		const step = facts.steps.at(-1);
		if (word === 'kernel') {
			facts.kernel = rest;
		} else if (word === 'step') {
			facts.steps.push({...steps[facts.steps.length], log: [], complaints: [], ...(rest.startsWith('load') && {listed: false})});
		} else if (word === 'status') {
			const [, status, said] = /^(\d+) ?(.*)$/.exec(rest);
			step.status = Number(status);
			step.said = said.replace(/^.*: /, '');
		} else if (word === 'log') {
			const message = rest.replace(/^(<\d+>)?\[ *[\d.]+\] /, '');
			step.log.push(message);
			if (complaint.test(message)) {
				step.complaints.push(message);
			}
		} else if (word === 'btf') {
			step.listed = true;
		} else if (word === 'has') {
			const [size, sha256, name] = rest.split(/ +/);
			facts.btf[name] = {size: Number(size), sha256};
		} else if (word === 'uptime') {
			facts.seconds = Number(rest.split(' ')[0]);
		} else if (word === 'end') {
			facts.ended = true;
		}
	}

	return facts;
}

function busybox() {
	return process.env.PATH
		.split(delimiter)
		.map(folder => join(folder, 'busybox'))
		.find(path => existsSync(path) && !section(readFileSync(path), '.interp'));
}
