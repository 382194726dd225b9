// Thousands of calls at once, and one after the other: what they use at once is bounded, and nothing of it stays.
import {spawn} from 'node:child_process';
import {readdirSync} from 'node:fs';
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import process from 'node:process';
import test from 'ava';
import {btfkit, finish} from './helpers/cli.js';
import {example, exampleWith, temporaryFolder, withoutDwarf} from './helpers/inputs.js';
import {base, repeated} from './helpers/make-btf.js';
import {hasGcc, longKernel, smallKernel} from './helpers/modules.js';

const library = JSON.stringify(import.meta.resolve('btfkit'));
const onLinux = process.platform === 'linux' ? test.serial : test.serial.skip;

/** Runs a script in a process of its own, with a value for it, and reads what it prints. */
async function inProcess(t, script, value) {
	const {code, signal, stdout, stderr} = await finish(spawn(
		process.execPath,
		['--expose-gc', '--input-type=module', '-e', script, JSON.stringify(value)],
		{stdio: ['ignore', 'pipe', 'pipe']},
	));
	t.deepEqual([code, signal], [0, null], stderr);
	return JSON.parse(stdout);
}

async function inputs(t) {
	const folder = await temporaryFolder(t);
	const paths = {example, folder, empty: await exampleWith(t, withoutDwarf), base: join(folder, 'base'), repeated: join(folder, 'repeated')};
	await writeFile(paths.base, base.bytes);
	await writeFile(paths.repeated, repeated.bytes);
	return paths;
}

const concurrent = `
	import {readdirSync, readFileSync} from 'node:fs';
	import {check, dedup, encode, encodeKernel, encodeToFile} from ${library};
	const paths = JSON.parse(process.argv[1]);
	const most = {threads: 0, files: 0, memory: 0};
	const look = () => {
		most.threads = Math.max(most.threads, readdirSync('/proc/self/task').length);
		most.files = Math.max(most.files, readdirSync('/proc/self/fd').length);
		most.memory = Math.max(most.memory, Number(/^RssAnon:\\s*(\\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024);
	};
	await Promise.all([encode(paths.example), check(paths.base), dedup(paths.repeated)]);
	look();
	const before = {...most};
	const timer = setInterval(look, 1);
	const {btf} = await encode(paths.example);
	const ends = {};
	const count = async (name, work) => {
		const end = await work.then(result => result.btf && name === 'encode' && !result.btf.equals(btf) ? 'other' : 'done', error => error.code);
		ends[name + ' ' + end] = (ends[name + ' ' + end] ?? 0) + 1;
	};
	const works = [];
	for (let number = 0; number < 500; number++) {
		const controller = new AbortController();
		const {signal} = controller;
		works.push(
			count('encode', encode(paths.example, {jobs: 2})),
			count('file', encodeToFile(paths.example, paths.folder + '/' + number % 50, {jobs: 1})),
			count('check', check(paths.base)),
			count('dedup', dedup(paths.repeated)),
			count('failure', encode(paths.empty)),
			count('abort', encode(paths.example, {signal})),
		);
		setTimeout(() => controller.abort(), number % 20);
		if (paths.kernel && number % 5 === 0) {
			works.push(count('kernel', encodeKernel({...paths.kernel, jobs: 2}).summary()));
		}
	}

	await Promise.all(works);
	clearInterval(timer);
	look();
	console.log(JSON.stringify({ends, before, most}));
`;

onLinux('thousands at once use some threads, some files, some memory', async t => {
	const kernel = hasGcc ? await smallKernel(t) : undefined;
	const paths = {...await inputs(t), kernel: kernel && {vmlinux: kernel.vmlinux, modules: kernel.modules}};
	const {ends, before, most} = await inProcess(t, concurrent, paths);
	t.log(JSON.stringify({ends, before, most}));
	const {'abort done': done = 0, 'abort ABORTED': aborted = 0, ...others} = ends;
	t.is(done + aborted, 500);
	t.true(aborted > 0);
	t.deepEqual(others, {'encode done': 500, 'file done': 500, 'check done': 500, 'dedup done': 500, 'failure NO_DWARF': 500, ...(kernel && {'kernel done': 100})});
	t.is(readdirSync(paths.folder).length, 52);
	// Node's pool runs four tasks at a time; each has some threads, and some that are just ending.
	t.true(most.threads - before.threads < 100, `${most.threads} threads`);
	t.true(most.files - before.files < 100, `${most.files} files`);
	t.true(most.memory - before.memory < 200, `${most.memory} MiB`);
});

const repeating = `
	import {readFileSync} from 'node:fs';
	import {check, dedup, encode, encodeInPlace, encodeKernel, encodeToFile} from ${library};
	const paths = JSON.parse(process.argv[1]);
	const memory = () => {
		gc();
		return Number(/^RssAnon:\\s*(\\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024;
	};
	const aborted = async () => {
		const controller = new AbortController();
		const work = encode(paths.example, {signal: controller.signal});
		setImmediate(() => controller.abort());
		await work;
	};
	const works = {
		encode: () => encode(paths.example, {jobs: 2}),
		file: () => encodeToFile(paths.example, paths.folder + '/out'),
		check: () => check(paths.base),
		dedup: () => dedup(paths.repeated),
		failure: () => encode(paths.empty),
		abort: aborted,
		...(paths.kernel && {kernel: () => encodeKernel({...paths.kernel, jobs: 2}).summary()}),
	};
	const grown = {};
	for (const [name, work] of Object.entries(works)) {
		const some = async () => {
			for (let number = 0; number < (name === 'kernel' ? 100 : 250); number++) {
				await work().catch(() => {});
			}

			return memory();
		};
		// What leaks does so every time. An allocator that keeps a little more for later does not.
		const windows = [];
		let before = await some();
		for (let window = 0; window < 5; window++) {
			const after = await some();
			windows.push(after - before);
			before = after;
		}

		grown[name] = Math.min(...windows);
	}

	console.log(JSON.stringify(grown));
`;

onLinux('memory does not grow over thousands of encodes, checks, failures and aborts', async t => {
	const kernel = hasGcc ? await smallKernel(t) : undefined;
	const grown = await inProcess(t, repeating, {...await inputs(t), kernel: kernel && {vmlinux: kernel.vmlinux, modules: kernel.modules}});
	t.log(JSON.stringify(grown));
	for (const [name, mebibytes] of Object.entries(grown)) {
		// A leak of 4 KiB by each call (of 10 KiB by each kernel) would be a mebibyte.
		t.true(mebibytes < 1, `${name}: ${mebibytes} MiB`);
	}
});

const streaming = `
	import {readdirSync, readFileSync} from 'node:fs';
	import {setTimeout as delay} from 'node:timers/promises';
	import {encodeKernel} from ${library};
	const {options} = JSON.parse(process.argv[1]);
	// A run goes on for a moment after it was left.
	const isOfRun = id => {
		try {
			return readFileSync('/proc/self/task/' + id + '/comm', 'utf8').trim() === 'btfkit-kernel';
		} catch {
			return false;
		}
	};
	const memory = async () => {
		while (readdirSync('/proc/self/task').some(isOfRun)) {
			await delay(1);
		}

		gc();
		return Number(/^RssAnon:\\s*(\\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024;
	};
	const read = async (run, most) => {
		let count = 0;
		for await (const {btf} of run) {
			count += btf.length > 0 ? 1 : 0;
			if (count === most) {
				break;
			}
		}

		return count;
	};
	const aborted = async count => {
		const controller = new AbortController();
		const run = encodeKernel({...options, signal: controller.signal});
		const reading = read(run, Infinity).catch(error => error.code);
		setTimeout(() => controller.abort(), count % 8);
		await reading;
	};
	const works = {
		whole: [() => read(encodeKernel(options), Infinity), 8],
		left: [() => read(encodeKernel(options), 3), 200],
		aborted: [aborted, 200],
		unread: [number => encodeKernel({...options, signal: AbortSignal.timeout(1 + number % 4)}).summary().catch(() => {}), 200],
	};
	const grown = {};
	for (const [name, [work, times]] of Object.entries(works)) {
		const some = async count => {
			for (let number = 0; number < count; number++) {
				await work(number);
			}

			return memory();
		};
		await some(times / 4);
		const before = await some(times / 4);
		grown[name] = await some(times) - before;
	}

	console.log(JSON.stringify({grown, modules: await read(encodeKernel(options), Infinity)}));
`;

(hasGcc ? onLinux : test.serial.skip)('memory does not grow over thousands of results of kernels that are read, left, aborted and not read', async t => {
	const {folder, vmlinux, modules} = await longKernel(t, 500);
	const base = join(folder, 'base.btf');
	t.is((await btfkit(['encode', vmlinux, '-o', base])).code, 0);
	const {grown, modules: read} = await inProcess(t, streaming, {options: {base, modules, jobs: 2}});
	t.is(read, 504);
	t.log(JSON.stringify(grown));
	for (const [name, mebibytes] of Object.entries(grown)) {
		// 4,000 results, or 200 runs: a leak of 8 KiB by each result or 40 KiB by each run would be 8 MiB.
		t.true(mebibytes < 8, `${name}: ${mebibytes} MiB`);
	}
});
