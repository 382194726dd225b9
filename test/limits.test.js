// What a run may use: processors and memory, by option, by affinity and by control groups.
import {createHash} from 'node:crypto';
import {spawn, spawnSync} from 'node:child_process';
import {readFileSync, statSync} from 'node:fs';
import {mkdir, symlink, truncate, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import os from 'node:os';
import process from 'node:process';
import test from 'ava';
import {encode} from 'btfkit';
import {controlGroup, forgetPages} from './helpers/cgroup.js';
import {bin, btfkit, finish} from './helpers/cli.js';
import {example, exampleWith, kernels, largeModule, temporaryFolder} from './helpers/inputs.js';

const mebibyte = 1024 ** 2;
const digest = bytes => createHash('sha256').update(bytes).digest('hex');

/** Runs the command line as part of another command. */
const within = async (command, args) => {
	const [program, ...rest] = [...command, process.execPath, bin, ...args];
	return finish(spawn(program, rest, {stdio: ['ignore', 'pipe', 'pipe']}));
};

/** What cannot be tested here is said. */
const skip = (t, reason) => {
	t.log(`skipped: ${reason}`);
	t.pass();
};

const sizes = {
	'536870912': 536_870_912, '512M': 512 * mebibyte, '512MiB': 512 * mebibyte, '524288k': 512 * mebibyte, '1.5G': 1536 * mebibyte, '1TiB': 1024 ** 4,
};

for (const [size, bytes] of Object.entries(sizes)) {
	test(`--memory-limit ${size} is ${bytes} bytes`, async t => {
		const {code, stderr} = await btfkit(['encode', example, '-o', '-', '--json', '--memory-limit', size]);
		t.is(code, 0, stderr);
		const {memoryLimit, memoryEstimate} = JSON.parse(stderr);
		t.is(memoryLimit, bytes);
		t.true(memoryEstimate > mebibyte && memoryEstimate < bytes, `${memoryEstimate}`);
	});
}

for (const size of ['', '0', '-1', 'much', '1X', '12 M', '1e9', '0x100', '256MB', '9999999T']) {
	test(`usage: --memory-limit '${size}'`, async t => {
		const {code, stdout, stderr} = await btfkit(['encode', example, '--json', '--memory-limit', size]);
		t.is(code, 2);
		t.regex(stderr, /^btfkit: --memory-limit has to be a number of bytes/);
		const {input, error} = JSON.parse(stdout);
		t.is(input, example);
		t.is(error.code, 'INVALID_OPTION');
		t.true(stderr.includes(error.message));
	});
}

for (const jobs of ['0', '-1', 'all', '1e3', '']) {
	test(`usage: --jobs '${jobs}', in words and in JSON`, async t => {
		const {code, stdout, stderr} = await btfkit(['encode', example, '--json', '--jobs', jobs]);
		t.is(code, 2);
		t.regex(stderr, /^btfkit: --jobs has to be a whole number from 1 to 1024, not /);
		t.is(JSON.parse(stdout).error.code, 'INVALID_OPTION');
	});
}

test('what cannot fit fails before any work, with the least that it takes and who set the limit', async t => {
	const path = await exampleWith(t);
	const {code, stdout, stderr} = await btfkit(['encode', path, '--json', '--memory-limit', '1M']);
	t.is(code, 1);
	t.regex(stderr, /input\.o: encoding it takes at least \d+ MiB of memory, and the memory limit that was asked for is 1 MiB/);
	t.is(JSON.parse(stdout).error.code, 'MEMORY_LIMIT');
});

test('in a program the limit counts what the process has already', async t => {
	const {rss} = process.memoryUsage();
	const error = await t.throwsAsync(encode(example, {memoryLimit: 2 * mebibyte}), {name: 'BtfkitError', code: 'MEMORY_LIMIT'});
	t.is(error.path, example);
	const {report} = await encode(example, {memoryLimit: rss + 512 * mebibyte});
	t.is(report.memoryLimit, rss + 512 * mebibyte);
	for (const memoryLimit of ['256M', 0, -5, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60]) {
		await t.throwsAsync(encode(example, {memoryLimit}), {code: 'INVALID_OPTION'}, String(memoryLimit));
	}
});

/** Processors that the process may use, as taskset writes them: "0-3,8". */
const allowed = () => /^Cpus_allowed_list:\s*(.+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))[1];

test('affinity bounds the default number of jobs', async t => {
	if (spawnSync('taskset', ['--version']).status !== 0) {
		return skip(t, 'there is no taskset');
	}

	const [first] = allowed().split(/[,-]/);
	const {code, stderr} = await within(['taskset', '-c', first], ['encode', example, '-o', '-', '--json']);
	t.is(code, 0, stderr);
	t.is(JSON.parse(stderr).jobs, 1);
});

test('control groups bound the default number of jobs, and not the number that is asked for', async t => {
	if (os.availableParallelism() < 2) {
		return skip(t, 'there is one processor anyway');
	}

	// Half a processor more than one is none.
	const group = controlGroup(t, 'cpu', {
		version1: {'cpu.cfs_period_us': '100000', 'cpu.cfs_quota_us': '150000'},
		version2: {'cpu.max': '150000 100000'},
	});
	if (group.reason) {
		return skip(t, group.reason);
	}

	for (const [args, jobs] of [[[], 1], [['--jobs', '2'], 2]]) {
		const {code, stderr} = await within(group.command(), ['encode', example, '-o', '-', '--json', ...args]);
		t.is(code, 0, stderr);
		t.is(JSON.parse(stderr).jobs, jobs);
	}
});

const largest = kernels().sort((a, b) => statSync(b).size - statSync(a).size)[0];

const groupOf = (t, bytes) => controlGroup(t, 'memory', {
	version1: {'memory.limit_in_bytes': String(bytes)},
	version2: {'memory.max': String(bytes), 'memory.swap.max': '0'},
	optional: {'memory.memsw.limit_in_bytes': String(bytes)},
});

test.serial('a kernel is encoded in a control group of 256 MiB, to the same bytes', async t => {
	const group = groupOf(t, 256 * mebibyte);
	if (!largest || group.reason) {
		return skip(t, group.reason ?? 'no kernel in .cache/kernels: scripts/get-kernel.mjs gets one');
	}

	const folder = await temporaryFolder(t);
	const [bounded, free] = [join(folder, 'bounded.btf'), join(folder, 'free.btf')];
	forgetPages(largest);
	const {code, signal, stdout, stderr} = await within(group.command(), ['encode', largest, '-o', bounded, '--json']);
	t.is(signal, null);
	t.is(code, 0, stderr);
	const {memoryLimit, jobs} = JSON.parse(stdout);
	t.true(memoryLimit < 256 * mebibyte && memoryLimit > 200 * mebibyte, `${memoryLimit}`);
	t.true(jobs >= 1);
	t.is((await btfkit(['encode', largest, '-o', free])).code, 0);
	t.is(digest(readFileSync(bounded)), digest(readFileSync(free)));
});

test.serial('a kernel that does not fit into a control group fails in words, and is not killed', async t => {
	const group = groupOf(t, 40 * mebibyte);
	if (!largest || group.reason) {
		return skip(t, group.reason ?? 'no kernel in .cache/kernels: scripts/get-kernel.mjs gets one');
	}

	const {code, signal, stdout, stderr} = await within(group.command(), ['encode', largest, '-o', join(await temporaryFolder(t), 'out.btf'), '--json']);
	t.is(signal, null);
	t.is(code, 1, stderr);
	t.regex(stderr, /the control group leaves \d+ MiB \(.*memory\.(max|limit_in_bytes) says 40 MiB\)/);
	t.is(JSON.parse(stdout).error.code, 'MEMORY_LIMIT');
});

/** A folder of modules that take some memory: links to one large file. */
async function largeModules(t, count) {
	const folder = await temporaryFolder(t);
	await mkdir(join(folder, 'modules'));
	const input = largeModule();
	for (let number = 0; number < count; number++) {
		await symlink(input, join(folder, 'modules', `m${number}.ko`));
	}

	const base = join(folder, 'base.btf');
	// On a kernel's, modules have few types of their own, as the estimate expects.
	t.is((await btfkit(['encode', kernels()[0] ?? example, '-o', base])).code, 0);
	return {folder, args: ['kernel', '--base', base, '--modules', join(folder, 'modules'), '--json']};
}

const summaryOf = stdout => JSON.parse(stdout.toString().trimEnd().split('\n').at(-1)).summary;

/** Each result by its name. */
function resultsOf(out, modules) {
	return Object.fromEntries(modules.map(name => [name, digest(readFileSync(join(out, `${name}.btf`)))]));
}

test.serial('modules: fewer threads where there is no room for the tables of all, and the same bytes', async t => {
	const {folder, args} = await largeModules(t, 24);
	const names = Array.from({length: 24}, (_, number) => `m${number}.ko`);
	const free = await btfkit([...args, '--out', join(folder, 'free'), '--jobs', '24', '--memory-limit', '64G']);
	t.is(free.code, 0, free.stderr);
	t.is(summaryOf(free.stdout).jobs, 24);
	// The smallest of these that has room for one thread's work; how much that is depends on the input.
	const limits = [160, 256];
	const group = groupOf(t, limits[0] * mebibyte);
	for (const [name, run] of Object.entries({
		option: limit => btfkit([...args, '--out', join(folder, 'option'), '--jobs', '24', '--memory-limit', `${limit}M`]),
		...(!group.reason && {group: limit => within(groupOf(t, limit * mebibyte).command(), [...args, '--out', join(folder, 'group'), '--jobs', '24'])}),
	})) {
		let ended;
		for (const limit of limits) {
			ended = await run(limit);
			t.is(ended.signal, null, name);
			if (ended.code === 0) {
				break;
			}

			t.regex(ended.stderr, /Raise the limit/, name);
		}

		t.is(ended.code, 0, ended.stderr);
		const {jobs, encoded, current} = summaryOf(ended.stdout);
		t.true(jobs >= 1 && jobs < 24, `${name}: ${jobs}`);
		// What was done under a smaller limit is not done again.
		t.is(encoded + current, 24);
		t.deepEqual(resultsOf(join(folder, name), names), resultsOf(join(folder, 'free'), names));
	}

	if (group.reason) {
		t.log(`skipped in part: ${group.reason}`);
	}
});

test('a module that cannot fit fails alone, before any work', async t => {
	const {folder, args} = await largeModules(t, 1);
	const huge = join(folder, 'modules', 'huge.ko');
	await writeFile(huge, '');
	await truncate(huge, 64 * 1024 ** 3);
	const {code, stdout, stderr} = await btfkit([...args, '--keep-going', '--memory-limit', '1G']);
	t.is(code, 3, stderr);
	t.regex(stderr, /huge\.ko: encoding it takes at least \d+ MiB of memory, and \d+ MiB are left: the memory limit that was asked for is 1024 MiB\. Raise the limit\n/);
	const [first, second] = stdout.toString().split('\n').map(line => line && JSON.parse(line));
	t.like(first, {module: 'huge.ko', status: 'failed', error: {code: 'MEMORY_LIMIT'}});
	t.like(second, {module: 'm0.ko', status: 'encoded'});
});
