// Disks that are full, folders that cannot be written to, files that may not grow: what was there stays, whole, and nothing
// else is left.
import {spawn, spawnSync} from 'node:child_process';
import {mkdir, readFile, writeFile} from 'node:fs/promises';
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import process from 'node:process';
import test from 'ava';
import {isRoot} from './helpers/btf.js';
import {btfFiles} from './helpers/btf-files.js';
import {bin, finish} from './helpers/cli.js';
import {example, temporaryFolder} from './helpers/inputs.js';
import {contents, hasGcc, smallKernel} from './helpers/modules.js';

/** Commands that write into a folder, in which something older is. */
async function commands(t) {
	const files = await btfFiles(t);
	const kernel = hasGcc ? await smallKernel(t) : undefined;
	const target = out => ['-o', join(out, 'old.btf')];
	return {
		'encode': out => ['encode', example, ...target(out)],
		'encode --json': out => ['encode', example, '--json', ...target(out)],
		'encode --in-place': out => ['encode', join(out, 'input.o'), '--in-place'],
		'encode --base-ref': out => ['encode', example, '--base', files.base, '--base-ref', 'always', '--base-checksum', ...target(out)],
		'distill': out => ['distill', files.module, '--base', files.base, ...target(out)],
		'relocate': out => ['relocate', files.distilled, '--to', files.nextBase, ...target(out)],
		'dedup': out => ['dedup', files.repeated, ...target(out)],
		'merge': out => ['merge', files.repeated, files.repeated, ...target(out)],
		...(kernel && {'kernel': out => ['kernel', '--vmlinux', kernel.vmlinux, '--modules', kernel.modules, '--out', out]}),
	};
}

async function fill(out) {
	await mkdir(out, {recursive: true});
	for (const name of ['old.btf', 'old.btf.base', 'vmlinux.btf']) {
		await writeFile(join(out, name), `something older: ${name}`);
	}

	await writeFile(join(out, 'input.o'), await readFile(example));
}

/** Runs the command line behind this part of a shell's command. */
const behind = async (before, args) =>
	finish(spawn('bash', ['-c', `${before} exec "$@"`, 'bash', process.execPath, bin, ...args], {stdio: ['ignore', 'pipe', 'pipe']}));

async function leavesAllAsItWas(t, out, says, before = '') {
	const {'.btfkit.state': _, ...old} = await contents(out);
	for (const [name, command] of Object.entries(await commands(t))) {
		const {code, signal, stderr} = await behind(before, command(out));
		t.deepEqual([code, signal], [1, null], `${name}: ${stderr}`);
		t.regex(stderr, says, name);
		t.notRegex(stderr, /\n\s+at /, name);
		// What a run knows of earlier ones is there again with the next.
		const {'.btfkit.state': _, ...now} = await contents(out);
		t.deepEqual(now, old, name);
	}
}

/** Small disks are root's to mount. */
async function disk(t, options) {
	const folder = await temporaryFolder(t);
	const mounted = isRoot && spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]).status === 0;
	if (mounted) {
		t.teardown(() => spawnSync('umount', [folder]));
		return folder;
	}

	t.log('skipped: only root can mount a small disk');
	t.pass();
}

test.serial('a disk that is full', async t => {
	const folder = await disk(t, 'size=64k');
	if (folder) {
		await fill(folder);
		spawnSync('dd', ['if=/dev/zero', `of=${join(folder, 'zeros')}`, 'bs=4096', 'status=none']);
		await leavesAllAsItWas(t, folder, /No space left on device/);
	}
});

test.serial('a disk that takes no more files', async t => {
	const folder = await disk(t, 'nr_inodes=8');
	if (folder) {
		await fill(folder);
		for (let number = 0; number < 8; number++) {
			await writeFile(join(folder, `other${number}`), '').catch(() => {});
		}

		await leavesAllAsItWas(t, folder, /No space left on device/);
	}
});

test.serial('a folder that is read-only', async t => {
	const folder = await disk(t, 'size=1m');
	if (folder) {
		await fill(folder);
		spawnSync('mount', ['-o', 'remount,ro', folder]);
		const old = await contents(folder);
		for (const [name, command] of Object.entries(await commands(t))) {
			const {code, stderr} = await behind('', command(folder));
			t.is(code, 1, `${name}: ${stderr}`);
			t.regex(stderr, /Read-only file system/, name);
			t.deepEqual(await contents(folder), old, name);
		}
	}
});

test.serial('files that may not grow', async t => {
	const folder = await temporaryFolder(t);
	await fill(folder);
	await leavesAllAsItWas(t, folder, /File too large/, 'trap "" XFSZ; ulimit -f 0;');
	// By default the signal ends a program; Node ignores it.
	await leavesAllAsItWas(t, folder, /File too large/, 'ulimit -f 0;');
	t.true(existsSync(join(folder, 'old.btf')));
});
