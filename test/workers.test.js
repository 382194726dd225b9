// The addon in several threads of Node, under two names in one process, and processes that end while it works.
import {spawn} from 'node:child_process';
import {copyFile, truncate} from 'node:fs/promises';
import {join} from 'node:path';
import process from 'node:process';
import test from 'ava';
import {encode} from 'btfkit';
import {finish} from './helpers/cli.js';
import {addon, example, largeInput, names, temporaryFolder} from './helpers/inputs.js';

const library = JSON.stringify(import.meta.resolve('btfkit'));

/** Runs a script in a process of its own, which gives its arguments as `given`. */
async function script(source, ...args) {
	const prelude = `
		import process from 'node:process';
		import {setTimeout as wait} from 'node:timers/promises';
		import {Worker} from 'node:worker_threads';
		const given = process.argv.slice(1);
		/** Encodes in a worker, which says so before and afterwards. */
		const worker = (file, options = {}) => new Worker(
			"import {parentPort, workerData} from 'node:worker_threads'; const {library, file, options} = workerData;"
			+ "import(library).then(async ({encode}) => {"
			+ "  parentPort.postMessage('begins');"
			+ "  const {btf} = await encode(file, options);"
			+ "  parentPort.postMessage(btf.length);"
			+ "});",
			{eval: true, workerData: {library: ${library}, file, options}},
		);
		const result = worker => new Promise((resolve, reject) => {
			worker.on('message', message => message !== 'begins' && resolve(message));
			worker.once('error', reject);
		});
		const message = worker => new Promise((resolve, reject) => {
			worker.once('message', resolve);
			worker.once('error', reject);
		});
	`;
	return finish(spawn(process.execPath, ['--input-type=module', '-e', prelude + source, ...args], {stdio: ['ignore', 'pipe', 'pipe']}));
}

test('workers that come and go, with the addon in none but them', async t => {
	const {code, signal, stdout, stderr} = await script(`
		const sizes = [];
		for (let round = 0; round < 8; round++) {
			const workers = Array.from({length: 4}, () => worker(given[0], {jobs: 3}));
			await Promise.all(workers.map(async worker => {
				sizes.push(await result(worker));
				await worker.terminate();
			}));
		}

		console.log(JSON.stringify([...new Set(sizes), sizes.length]));
	`, example);
	t.deepEqual([code, signal], [0, null], stderr);
	const {btf} = await encode(example);
	t.deepEqual(JSON.parse(stdout), [btf.length, 32]);
});

test.serial('workers that are ended in the middle of a call', async t => {
	const {code, signal, stdout, stderr} = await script(`
		for (const delay of [0, 1, 5, 20, 50]) {
			const workers = [worker(given[0]), worker(given[1])];
			await Promise.all(workers.map(message));
			await wait(delay);
			await Promise.all(workers.map(worker => worker.terminate()));
		}

		const {encode} = await import(${library});
		const {btf} = await encode(given[1]);
		console.log(btf.length);
	`, largeInput(), example);
	t.deepEqual([code, signal], [0, null], stderr);
	const {btf} = await encode(example);
	t.is(Number(stdout), btf.length);
});

test.serial('a process that exits in the middle of a call', async t => {
	const folder = await temporaryFolder(t);
	for (const delay of [0, 1, 10, 50]) {
		const {code, signal, stderr} = await script(`
			const {encodeToFile} = await import(${library});
			encodeToFile(given[0], given[1]).catch(() => {});
			setTimeout(() => process.exit(7), ${delay});
		`, largeInput(), join(folder, 'out.btf'));
		t.deepEqual([code, signal], [7, null], stderr);
		// It may have come to its end before.
		const left = await names(folder);
		t.true(left.every(name => name === 'out.btf'), left.join(' '));
	}
});

test.serial('the addon under two names: both guard their inputs', async t => {
	const folder = await temporaryFolder(t);
	const other = join(folder, 'other.node');
	await copyFile(addon(), other);
	const inputs = ['one', 'two'].map(name => join(folder, name));
	for (const input of inputs) {
		await copyFile(largeInput(), input);
	}

	const running = script(`
		import {createRequire} from 'node:module';
		const addons = given.slice(0, 2).map(createRequire(import.meta.url));
		const run = async (number, file) => {
			const {failure, btf} = await addons[number].encode(file, undefined, {jobs: 1}, new addons[number].Control());
			return failure?.code ?? btf.length;
		};
		const whole = [await run(0, given[4]), await run(1, given[4])];
		console.log('begin');
		const cut = await Promise.all([run(0, given[2]), run(1, given[3])]);
		const after = await Promise.all([run(0, given[4]), run(1, given[4])]);
		console.log(JSON.stringify({whole, cut, after}));
	`, addon(), other, ...inputs, example);
	// Whenever that is: before it is a short file, afterwards it makes no difference.
	const cuts = [300, 400, 500].map(delay => new Promise(resolve => {
		setTimeout(() => resolve(Promise.all(inputs.map(input => truncate(input, 100_000)))), delay);
	}));
	const {code, signal, stdout, stderr} = await running;
	await Promise.all(cuts);
	t.deepEqual([code, signal], [0, null], stderr);
	const {whole, cut, after} = JSON.parse(stdout.toString().split('\n')[1]);
	t.is(whole[0], whole[1]);
	t.deepEqual(after, whole);
	t.true(cut.every(end => Number.isInteger(end) || ['IO', 'TRUNCATED'].includes(end)), JSON.stringify(cut));
});
