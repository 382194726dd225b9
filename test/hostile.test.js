// Damaged files through the addon: an error with a code, or a result. The process lives, or the test would not end.
// The crates test more of this (crates/fuzzing).
import {execFileSync} from 'node:child_process';
import {mkdir, readFile, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {BtfkitError, checkFiles, dedup, encode, fits, merge} from '../dist/index.js';
import {root, temporaryFolder} from './helpers/inputs.js';
import {base, module} from './helpers/make-btf.js';

const corpus = name => readFile(join(root, 'fuzz', 'corpus', name));

/** Each time 512 bytes less, and each byte of the first 64 turned over. */
function * damaged(bytes, step = 512) {
	for (let length = step; length < bytes.length; length += step) {
		yield bytes.subarray(0, length);
	}

	for (let at = 0; at < Math.min(64, bytes.length); at++) {
		const changed = Buffer.from(bytes);
		changed[at] ^= 0xff;
		yield changed;
	}
}

/** How many calls succeeded and how many failed, with a code that says what is wrong with the file. */
async function outcomes(t, path, bytes, call, step) {
	const count = {succeeded: 0, failed: 0};
	for (const changed of damaged(bytes, step)) {
		await writeFile(path, changed);
		try {
			await call(path);
			count.succeeded++;
		} catch (error) {
			t.true(error instanceof BtfkitError, String(error));
			t.not(error.code, 'INTERNAL', error.message);
			count.failed++;
		}
	}

	t.true(count.failed > 0);
	return count;
}

for (const name of ['elf/scheduler.o', 'elf/kfuncs.o', 'elf/linked.so', 'elf/compressed-zstd.o', 'packed/kfuncs.gz', 'packed/kfuncs.xz', 'packed/kfuncs.zst']) {
	test(`encodes ${name}, cut and changed`, async t => {
		const path = join(await temporaryFolder(t), 'file.ko');
		const {failed} = await outcomes(t, path, await corpus(name), path => encode(path, {jobs: 1}));
		t.true(failed > 4);
	});
}

test('reads BTF, cut and changed', async t => {
	const folder = await temporaryFolder(t);
	const [path, under] = ['file.btf', 'base.btf'].map(name => join(folder, name));
	await writeFile(under, base.bytes);
	await outcomes(t, path, await corpus('btf/scheduler.btf'), path => dedup(path), 16);
	await outcomes(t, path, await corpus('btf/scheduler.btf'), path => merge([under, path]), 16);
	await outcomes(t, path, module.bytes, path => fits(path, {base: under}), 8);
	await outcomes(t, under, base.bytes, async under => {
		await writeFile(path, module.bytes);
		return fits(path, {base: under});
	}, 8);
	for (const bytes of damaged(module.bytes, 8)) {
		await writeFile(path, bytes);
		const [{verdict, error}] = await checkFiles([path], {base: under}).catch(error => {
			t.true(error instanceof BtfkitError && error.code !== 'INTERNAL', String(error));
			return [{verdict: 'refused'}];
		});
		t.true(verdict !== undefined || error !== undefined);
	}
});

test('pipes and folders where BTF or what belongs to it should be: nobody waits', async t => {
	const folder = await temporaryFolder(t);
	const [path, under, pipe] = ['file.btf', 'base.btf', 'pipe'].map(name => join(folder, name));
	await writeFile(path, module.bytes);
	await writeFile(under, base.bytes);
	execFileSync('mkfifo', [pipe]);
	const calls = {
		'dedup': () => dedup(under),
		'merge': () => merge([under]),
		'fits': () => fits(path, {base: under}),
		'encode': () => encode(join(root, 'examples/scheduler.o'), {base: under}),
		'check': async () => {
			const [{error}] = await checkFiles([under], {});
			throw new BtfkitError(error.code, error.message);
		},
	};
	for (const [name, call] of Object.entries(calls)) {
		for (const suffix of ['.base', '.base_checksum']) {
			for (const make of [path => execFileSync('mkfifo', [path]), path => mkdir(path)]) {
				const beside = `${under}${suffix}`;
				await make(beside);
				const error = await t.throwsAsync(call(), {instanceOf: BtfkitError}, `${name} ${suffix}`);
				t.is(error.code, 'IO', `${name}: ${error.message}`);
				t.true(error.message.includes(beside), error.message);
				await rm(beside, {recursive: true});
			}
		}

		await t.notThrowsAsync(name === 'check' ? checkFiles([under]) : call(), name);
	}

	for (const call of [() => dedup(pipe), () => fits(path, {base: pipe}), () => fits(pipe, {base: under}), () => encode(pipe), () => merge([under, pipe])]) {
		t.is((await t.throwsAsync(call(), {instanceOf: BtfkitError})).code, 'IO');
	}
});
