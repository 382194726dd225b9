// A panic anywhere in the addon is an error with its place, and the process works on.
import {spawn} from 'node:child_process';
import {join} from 'node:path';
import process from 'node:process';
import test from 'ava';
import {btfFiles} from './helpers/btf-files.js';
import {finish} from './helpers/cli.js';
import {exampleWith, names} from './helpers/inputs.js';
import {hasGcc, smallKernel} from './helpers/modules.js';

/** Debug builds of the addon panic at the place that this variable names. */
const variable = 'BTFKIT_TEST_PANIC';

/** Runs calls in a process of its own: each panics as it is asked to, then works. */
const script = `
	import process from 'node:process';
	import * as btfkit from ${JSON.stringify(import.meta.resolve('btfkit'))};
	const failures = [];
	for (const [place, name, ...args] of JSON.parse(process.argv[1])) {
		const call = async () => name === 'encodeKernel' ? btfkit.encodeKernel(...args).summary() : btfkit[name](...args);
		process.env.${variable} = place;
		failures.push(await call().then(() => ({place, code: 'NONE'}), ({code, message}) => ({place, code, message})));
		delete process.env.${variable};
		await call();
	}

	console.log(JSON.stringify(failures));
`;

test('at each entry, on threads of pools, while writing', async t => {
	const files = await btfFiles(t);
	const elf = await exampleWith(t);
	const calls = [
		['encode', 'encode', elf],
		['encode', 'encodeToFile', elf, join(files.folder, 'out')],
		['walk', 'encode', elf, {jobs: 2}],
		['write', 'encodeToFile', elf, join(files.folder, 'out')],
		['encode_in_place', 'encodeInPlace', elf],
		['walk', 'encodeInPlace', elf],
		['check', 'checkFiles', [files.base, files.repeated]],
		['file', 'checkFiles', [files.base, files.repeated]],
		['fits', 'fits', files.module, {base: files.base}],
		['distill', 'distill', files.module, {base: files.base}],
		['relocate', 'relocate', files.distilled, {to: files.nextBase}],
		['dedup', 'dedup', files.repeated],
		['write', 'dedupToFile', files.repeated, join(files.folder, 'dedup')],
		['merge', 'merge', [files.repeated, files.repeated]],
	];
	if (hasGcc) {
		const {vmlinux, modules, out} = await smallKernel(t);
		calls.push(...['next', 'kernel', 'walk', 'module', 'write'].map(place => [place, 'encodeKernel', {vmlinux, modules, out, force: true}]));
	}

	const child = spawn(process.execPath, ['--input-type=module', '-e', script, JSON.stringify(calls)], {stdio: ['ignore', 'pipe', 'pipe']});
	const {code, signal, stdout, stderr} = await finish(child);
	t.deepEqual([code, signal], [0, null], stderr);
	const failures = JSON.parse(stdout);
	t.is(failures.length, calls.length);
	for (const {place, code, message} of failures) {
		t.is(code, 'INTERNAL', `${place}: ${message}`);
		t.regex(message, new RegExp(`panicked at \\S+\\.rs:\\d+:\\d+: as ${variable} wants it, in ${place}; please report it`));
	}

	t.false((await names(files.folder)).some(name => name.startsWith('.btfkit-')));
});
