// The library: results, options, errors, signals.
import {execFileSync, spawnSync} from 'node:child_process';
import {copyFile, readFile, truncate, writeFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {pathToFileURL} from 'node:url';
import {setTimeout as wait} from 'node:timers/promises';
import {Worker} from 'node:worker_threads';
import {gzipSync} from 'node:zlib';
import test from 'ava';
import {BtfkitError, encode, encodeToFile} from 'btfkit';
import {header} from './helpers/btf.js';
import {example, exampleWith, largeInput, names, temporaryFolder, withoutDwarf} from './helpers/inputs.js';

test('encode gives the BTF and a report', async t => {
	const {btf, report} = await encode(example);
	t.true(Buffer.isBuffer(btf));
	t.is(header(btf).byteOrder, 'LE');
	t.is(report.size, btf.length);
	t.is(Object.values(report.counts).reduce((sum, count) => sum + count), report.types);
	t.is(report.counts.UNION, 1);
});

test('a file: URL is a path', async t => {
	const [byPath, byUrl] = await Promise.all([encode(example), encode(pathToFileURL(example))]);
	t.deepEqual(byUrl.btf, byPath.btf);
});

test('names with spaces and beyond ASCII', async t => {
	const path = await exampleWith(t, undefined, 'mein schönes Öbjekt ☃.o');
	const {path: target} = await encodeToFile(path);
	t.is(target, `${path}.btf`);
	header(await readFile(target));
});

test('encodeToFile writes what encode gives', async t => {
	const folder = await temporaryFolder(t);
	const target = pathToFileURL(join(folder, 'out.btf'));
	const [{btf}, {path, report}] = await Promise.all([encode(example), encodeToFile(example, target, {jobs: 1})]);
	t.is(path, join(folder, 'out.btf'));
	t.is(report.jobs, 1);
	t.deepEqual(await readFile(path), btf);
	t.deepEqual(await names(folder), ['out.btf']);
});

test('features and languages as lists or as text', async t => {
	const [list, text] = await Promise.all([
		encode(example, {features: ['default', 'layout'], langExclude: ['rust', 'asm']}),
		encode(example, {features: 'default, layout', langExclude: 'Rust,ASM'}),
	]);
	t.deepEqual(list.btf, text.btf);
	t.is(header(list.btf).length, 32);
});

test('options that are undefined are as if they were not there', async t => {
	const [without, undefineds] = await Promise.all([
		encode(example),
		encode(example, {features: undefined, jobs: undefined, langExclude: undefined, strict: undefined, signal: undefined}),
	]);
	t.deepEqual(undefineds.btf, without.btf);
});

const invalid = {
	'no path': [undefined],
	'a number as path': [7],
	'an empty path': [''],
	'a path with a null character': ['vmlinux\0'],
	'a URL of the web': [new URL('https://example.org/vmlinux')],
	'options that are null': [example, null],
	'options that are text': [example, 'strict'],
	'an unknown option': [example, {feature: 'var'}],
	'an option of the prototype': [example, {constructor: 1}],
	'jobs as text': [example, {jobs: '2'}],
	'no jobs': [example, {jobs: 0}],
	'jobs that are no number': [example, {jobs: Number.NaN}],
	'strict as number': [example, {strict: 1}],
	'features as number': [example, {features: 1}],
	'an unknown feature': [example, {features: ['vars']}],
	'an unknown language': [example, {langExclude: ['c1']}],
	'a signal that is none': [example, {signal: {aborted: false}}],
};

for (const [name, args] of Object.entries(invalid)) {
	test(`refuses ${name}`, async t => {
		const error = await t.throwsAsync(encode(...args), {instanceOf: BtfkitError});
		t.is(error.code, 'INVALID_OPTION');
	});
}

test('errors have a code, the path and a message with it', async t => {
	const path = await exampleWith(t, withoutDwarf);
	const error = await t.throwsAsync(encode(path), {instanceOf: BtfkitError});
	t.like(error, {name: 'BtfkitError', code: 'NO_DWARF', path});
	t.true(error.message.includes(path));
});

test('encodeToFile refuses to replace its input', async t => {
	const path = await exampleWith(t);
	const before = await readFile(path);
	await t.throwsAsync(encodeToFile(path, path), {instanceOf: BtfkitError, code: 'INVALID_OPTION'});
	t.deepEqual(await readFile(path), before);
});

test('a signal that is aborted already', async t => {
	const reason = new Error('enough');
	const error = await t.throwsAsync(encode(example, {signal: AbortSignal.abort(reason)}), {instanceOf: BtfkitError});
	t.like(error, {name: 'AbortError', code: 'ABORTED', cause: reason, path: example});
});

test('a signal ends work that goes on, and writes nothing', async t => {
	const folder = await temporaryFolder(t);
	const controller = new AbortController();
	const work = encodeToFile(largeInput(), join(folder, 'out.btf'), {signal: controller.signal});
	setTimeout(() => controller.abort(), 20);
	const error = await t.throwsAsync(work, {instanceOf: BtfkitError});
	t.like(error, {name: 'AbortError', code: 'ABORTED'});
	t.deepEqual(await names(folder), []);
});

test('work that waits for its turn ends at once', async t => {
	const folder = await temporaryFolder(t);
	const input = largeInput();
	const first = Array.from({length: 8}, () => new AbortController());
	const works = first.map(({signal}, index) => encodeToFile(input, join(folder, `${index}.btf`), {signal, jobs: 1}));
	const last = new AbortController();
	const waiting = encodeToFile(example, join(folder, 'last.btf'), {signal: last.signal});
	last.abort();
	await t.throwsAsync(waiting, {code: 'ABORTED'});
	for (const controller of first) {
		controller.abort();
	}

	const ends = await Promise.allSettled(works);
	t.deepEqual(ends.map(({reason}) => reason?.code), ends.map(() => 'ABORTED'));
	t.deepEqual(await names(folder), []);
});

test('aborting after the end changes nothing, and the signal keeps no listener', async t => {
	const controller = new AbortController();
	let handled = 0;
	controller.signal.onabort = () => {
		handled++;
	};

	const {btf} = await encode(example, {signal: controller.signal});
	controller.abort();
	t.is(handled, 1);
	header(btf);
});

test('many at once give the same', async t => {
	const results = await Promise.all(Array.from({length: 24}, () => encode(example, {jobs: 2})));
	for (const {btf} of results) {
		t.deepEqual(btf, results[0].btf);
	}
});

test('works in worker threads', async t => {
	const {btf} = await encode(example);
	const source = `
		import {parentPort, workerData} from 'node:worker_threads';
		const {encode} = await import(workerData.library);
		const {btf} = await encode(workerData.example);
		parentPort.postMessage(btf.toString('hex'));
	`;
	const folder = await temporaryFolder(t);
	const script = join(folder, 'worker.mjs');
	await writeFile(script, source);
	const worker = new Worker(script, {workerData: {library: import.meta.resolve('btfkit'), example}});
	const hex = await new Promise((resolve, reject) => {
		worker.once('message', resolve);
		worker.once('error', reject);
	});
	await worker.terminate();
	t.is(hex, btf.toString('hex'));
});

for (const [tool, make] of Object.entries({
	gzip: gzipSync,
	xz: bytes => execFileSync('xz', ['--check=crc32', '--lzma2=dict=1MiB', '-c'], {input: bytes}),
	zstd: bytes => execFileSync('zstd', ['-q', '-c'], {input: bytes}),
})) {
	test(`a file that ${tool} has compressed is encoded as it is, whatever its name`, async t => {
		if (tool !== 'gzip' && spawnSync(tool, ['--version']).status !== 0) {
			t.log(`skipped: ${tool} is not installed`);
			t.pass();
			return;
		}

		const path = await exampleWith(t, make);
		const [{btf}, plain] = await Promise.all([encode(path), encode(example)]);
		t.true(btf.equals(plain.btf));
		await t.throwsAsync(encode(await exampleWith(t, bytes => make(bytes).subarray(0, -20))), {code: 'TRUNCATED', message: /is damaged or cut off/});
		const damaged = await exampleWith(t, bytes => {
			const packed = make(bytes);
			packed[packed.length >> 1] ^= 0x55;
			return packed;
		});
		await t.throwsAsync(encode(damaged), {code: 'MALFORMED_COMPRESSION', message: new RegExp(`the ${tool} data is damaged`)});
	});
}

test('what is in a compressed file counts as memory', async t => {
	const path = await exampleWith(t, () => gzipSync(Buffer.alloc(128 * 1024 ** 2)));
	await t.throwsAsync(encode(path, {memoryLimit: 100 * 1024 ** 2}), {code: 'MEMORY_LIMIT', message: /unpacking it \(gzip\) takes more than the \d+ bytes/});
});

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('an input that is cut while it is read is an error, and the process lives', async t => {
	const folder = await temporaryFolder(t);
	const path = join(folder, 'large');
	const whole = await encode(largeInput());
	const seen = [];
	for (const [delay, size] of [[1, 5000], [5, 0], [10, 100_000], [20, 4096], [40, 1_000_000], [80, 0]]) {
		await copyFile(largeInput(), path);
		const work = encode(path, {jobs: 1}).catch(error => error);
		await wait(delay);
		await truncate(path, size);
		const result = await work;
		if (result instanceof BtfkitError) {
			// Before it was opened it is a short file; afterwards one that has changed.
			t.regex(result.code, /^(IO|TRUNCATED|NOT_ELF)$/, result.message);
			seen.push(result.code);
		} else {
			// It was done before.
			t.true(result.btf.equals(whole.btf));
		}
	}

	t.true(seen.includes('IO'), seen.join(', '));
});

test('the input is left as it was', async t => {
	const path = await exampleWith(t);
	const before = await readFile(path);
	await encode(path);
	t.deepEqual(await readFile(path), before);
	t.deepEqual(await names(dirname(path)), ['input.o']);
});
