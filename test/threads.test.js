// Threads that cannot be started: fewer do the work, or an error says so. Never an abort, never a panic.
import {spawn} from 'node:child_process';
import {join} from 'node:path';
import process from 'node:process';
import test from 'ava';
import {encode} from 'btfkit';
import {btfFiles} from './helpers/btf-files.js';
import {controlGroup} from './helpers/cgroup.js';
import {bin, finish} from './helpers/cli.js';
import {example} from './helpers/inputs.js';
import {hasGcc, smallKernel} from './helpers/modules.js';

/** What Node itself starts before btfkit does anything: its own threads, and those of libuv. */
const nodeAlone = ['-e', 'require("fs").stat("/", () => {})'];

test.serial('with few threads to be had', async t => {
	const files = await btfFiles(t);
	const commands = {
		encode: ['encode', example, '-o', join(files.folder, 'out'), '--json', '--jobs', '6'],
		split: ['encode', example, '--base', files.base, '--base-ref', 'always', '-o', join(files.folder, 'split'), '--jobs', '6'],
		bounded: ['encode', example, '-o', join(files.folder, 'bounded'), '--memory-limit', '2G'],
		check: ['check', files.base],
		fits: ['fits', files.module, '--base', files.base],
		distill: ['distill', files.module, '--base', files.base, '-o', join(files.folder, 'd')],
		relocate: ['relocate', files.distilled, '--to', files.nextBase, '-o', join(files.folder, 'r')],
		dedup: ['dedup', files.repeated, '-o', join(files.folder, 'u')],
	};
	if (hasGcc) {
		const {vmlinux, modules, out} = await smallKernel(t);
		commands.kernel = ['kernel', '--vmlinux', vmlinux, '--modules', modules, '--out', out, '--force', '--jobs', '6'];
	}

	const run = async (most, args) => {
		const group = controlGroup(t, 'pids', {version1: {'pids.max': String(most)}, version2: {'pids.max': String(most)}});
		if (group.reason) {
			return group;
		}

		const [program, ...rest] = group.command(process.execPath, ...args);
		return finish(spawn(program, rest, {stdio: ['ignore', 'pipe', 'pipe']}));
	};

	let least = 6;
	for (; least < 64; least++) {
		const {reason, code} = await run(least, nodeAlone);
		if (reason) {
			t.log(`skipped: ${reason}`);
			t.pass();
			return;
		}

		if (code === 0) {
			break;
		}
	}

	const ends = new Set();
	for (const [name, args] of Object.entries(commands)) {
		// From none more than Node has to as many as are wanted. Those of a pool that is done take a moment to end, and count.
		for (const more of [0, 1, 2, 4, 16]) {
			const {code, signal, stdout, stderr} = await run(least + more, [bin, ...args]);
			const what = `${name} with ${more} threads: ${stderr}`;
			t.is(signal, null, what);
			t.true(code === 0 || (code === 1 && /: no thread can be started \(/.test(stderr)), what);
			t.true(code === 0 || more < 16, what);
			ends.add(code);
			if (name === 'encode' && code === 0) {
				const {jobs} = JSON.parse(stdout);
				t.true(jobs >= 1 && jobs <= Math.min(6, more + 1), `${jobs} jobs of ${more}`);
			}
		}
	}

	t.deepEqual(ends, new Set([1, 0]));
	t.is((await encode(example)).report.units, 1);
});
