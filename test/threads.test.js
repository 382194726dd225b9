// Threads that cannot be started: fewer do the work, or an error says so. Never an abort, never a panic.
import {spawn} from 'node:child_process';
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import process from 'node:process';
import test from 'ava';
import {distill, encode} from 'btfkit';
import {controlGroup} from './helpers/cgroup.js';
import {bin, finish} from './helpers/cli.js';
import {example, temporaryFolder} from './helpers/inputs.js';
import {base, module, nextBase, repeated} from './helpers/make-btf.js';
import {hasGcc, smallKernel} from './helpers/modules.js';

/** What Node itself starts before btfkit does anything: its own threads, and those of libuv. */
const nodeAlone = ['-e', 'require("fs").stat("/", () => {})'];

test.serial('with few threads to be had', async t => {
	const folder = await temporaryFolder(t);
	const path = name => join(folder, name);
	for (const [name, bytes] of Object.entries({base: base.bytes, module: module.bytes, nextBase: nextBase.bytes, repeated: repeated.bytes})) {
		await writeFile(path(name), bytes);
	}

	const distilled = await distill(path('module'), {base: path('base')});
	await writeFile(path('distilled'), distilled.btf);
	await writeFile(path('distilled.base'), distilled.base);
	const commands = {
		encode: ['encode', example, '-o', path('out'), '--json', '--jobs', '6'],
		split: ['encode', example, '--base', path('base'), '--base-ref', 'always', '-o', path('split'), '--jobs', '6'],
		bounded: ['encode', example, '-o', path('bounded'), '--memory-limit', '2G'],
		check: ['check', path('base')],
		fits: ['fits', path('module'), '--base', path('base')],
		distill: ['distill', path('module'), '--base', path('base'), '-o', path('d')],
		relocate: ['relocate', path('distilled'), '--to', path('nextBase'), '-o', path('r')],
		dedup: ['dedup', path('repeated'), '-o', path('u')],
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
