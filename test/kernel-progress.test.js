// What `btfkit kernel` says while it works: on a terminal, and where there is none.
import {execFile, spawnSync} from 'node:child_process';
import {join} from 'node:path';
import process from 'node:process';
import {promisify} from 'node:util';
import test from 'ava';
import {bin} from './helpers/cli.js';
import {root} from './helpers/inputs.js';
import {contents, hasGcc, longKernel} from './helpers/modules.js';

const possible = hasGcc && process.platform === 'linux' && spawnSync('python3', ['--version']).status === 0;
const held = possible ? test : test.skip;
const count = 64;

/** A kernel, its modules in their order, and the command without a place for the results. */
async function prepare(t) {
	const {vmlinux, modules, out} = await longKernel(t, count - 4);
	const names = Object.keys(await contents(modules)).sort();
	t.is(names.length, count);
	const args = ['kernel', '--vmlinux', vmlinux, '--modules', modules, '--out', out, '--jobs', '1'];
	return {vmlinux, modules, names, args};
}

/** Runs the command; each file can be read once standard error has what is expected. */
async function run(t, args, holds, terminal) {
	const spec = {command: [process.execPath, bin, ...args], holds, terminal};
	const {stdout} = await promisify(execFile)('python3', [join(root, 'test/helpers/held.py'), JSON.stringify(spec)], {maxBuffer: 2 ** 26});
	const result = JSON.parse(stdout);
	if (result.reason) {
		t.log(`skipped: ${result.reason}`);
		t.pass();
	} else {
		t.deepEqual(result.missed, [], result.stderr);
	}

	return result;
}

held('on a terminal: a line that changes, with counts, rate and time left, and is gone at the end', async t => {
	const {vmlinux, modules, names, args} = await prepare(t);
	const {reason, code, stdout, stderr} = await run(t, [...args, '--json'], [
		[vmlinux, '\\rencoding the base … \\d+\\.\\d s\u001B\\[K'],
		[join(modules, names[20]), `\\r20 of ${count} modules`],
		[join(modules, names[count - 1]), `\\r${count - 1} of ${count} modules, \\d+(\\.\\d)? per second, \\d+ s left\u001B\\[K`],
	], true);
	if (reason) {
		return;
	}

	t.is(code, 0, stderr);
	// Nothing is left of it but the summary.
	t.regex(stderr, /\r\u001B\[K[^\r]*out: 64 modules; 64 encoded; [^\r\u001B]* s\r\n$/);
	t.is(stderr.match(/\n/g).length, 1);
	const lines = stdout.trimEnd().split('\n').map(line => JSON.parse(line));
	t.deepEqual(lines.slice(0, -1).map(({module}) => module), names);
	t.like(lines.at(-1).summary, {modules: count, encoded: count});
});

held('where there is no terminal: a line now and then, and none with --quiet', async t => {
	t.timeout(60_000);
	const {modules, names, args} = await prepare(t);
	const place = join(modules, names[30]);
	const {reason, code, stdout, stderr} = await run(t, args, [[place, `(?m)^30 of ${count} modules[^\n]*\n`]], false);
	if (reason) {
		return;
	}

	t.is(code, 0, stderr);
	t.is(stdout, '');
	t.notRegex(stderr, /[\r\u001B]/);
	const lines = stderr.trimEnd().split('\n');
	t.regex(lines.at(-1), /out: 64 modules; 64 encoded; /);
	t.true(lines.slice(0, -1).every(line => /^\d+ of 64 modules(, [\d.]+ per second, \d+ s left)?$/.test(line)), stderr);
	const quiet = await run(t, [...args, '--force', '--quiet'], [], true);
	t.deepEqual([quiet.code, quiet.stderr], [0, '']);
});
