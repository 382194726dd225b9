// `encodeKernel`: results as they come, the summary, and ending early.
import {readFile, writeFile} from 'node:fs/promises';
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {BtfkitError, encodeKernel} from 'btfkit';
import {header} from './helpers/btf.js';
import {contents, hasGcc, longKernel, moduleNames, smallKernel} from './helpers/modules.js';

const compiled = hasGcc ? test : test.skip;

compiled('results come in order, with their BTF when it is written nowhere', async t => {
	const {vmlinux, modules, out} = await smallKernel(t);
	const run = encodeKernel({vmlinux, modules});
	const seen = [];
	for await (const {module, status, btf, size, output} of run) {
		t.is(status, 'encoded');
		t.is(output, undefined);
		header(btf);
		t.is(btf.length, size);
		seen.push([module, btf]);
	}

	t.deepEqual(seen.map(([module]) => module), moduleNames);
	const summary = await run.summary();
	t.like(summary, {modules: 4, encoded: 4, failed: 0, notBegun: 0});
	t.like(run.progress, {done: 4, modules: 4});
	t.is(run.progress.bytesDone, run.progress.bytes);

	await encodeKernel({vmlinux, modules, out}).summary();
	for (const [module, btf] of seen) {
		t.deepEqual(await readFile(join(out, `${module}.btf`)), btf);
	}
});

compiled('a file: URL is a path, and a list of bases a row of them', async t => {
	const {vmlinux, modules, out} = await smallKernel(t);
	await encodeKernel({vmlinux, modules, out}).summary();
	const base = join(out, 'vmlinux.btf');
	const [one, list] = await Promise.all([base, [base]].map(async base => encodeKernel({base, modules}).summary()));
	t.is(one.size, list.size);
	t.deepEqual(list.base.inputs, [base]);
});

compiled('a function may decide for each module which gets a distilled base', async t => {
	const {vmlinux, modules, out} = await smallKernel(t);
	const asked = [];
	const baseRef = file => {
		asked.push(file);
		return file.includes('/net/') ? 'always' : 'never';
	};

	const statuses = async baseRef => {
		const results = [];
		for await (const {module, status, baseSize} of encodeKernel({vmlinux, modules, out, baseRef})) {
			t.is(existsSync(join(out, `${module}.btf.base`)), baseSize > 0);
			results.push([module, status, baseSize > 0]);
		}

		return results;
	};

	const distilled = name => name.includes('/net/');
	t.deepEqual(await statuses(baseRef), moduleNames.map(name => [name, 'encoded', distilled(name)]));
	t.deepEqual(asked, moduleNames.map(name => join(modules, name)));
	t.deepEqual(await statuses(baseRef), moduleNames.map(name => [name, 'current', distilled(name)]));
	// Only what is decided otherwise now is made again.
	t.deepEqual(await statuses('always'), moduleNames.map(name => [name, distilled(name) ? 'current' : 'encoded', true]));

	const wrong = await t.throwsAsync(statuses(() => 'maybe'), {code: 'INVALID_OPTION'});
	t.regex(wrong.message, /baseRef/);
	const thrown = new Error('no answer');
	t.is(await t.throwsAsync(statuses(() => {
		throw thrown;
	})), thrown);
	const missing = encodeKernel({vmlinux, modules: join(out, 'missing'), baseRef});
	t.is((await t.throwsAsync(missing.summary())).code, 'NOT_FOUND');
});

compiled('leaving the loop ends the work', async t => {
	const {vmlinux, modules, out} = await longKernel(t);
	const run = encodeKernel({vmlinux, modules, out, jobs: 1});
	for await (const {status} of run) {
		t.is(status, 'encoded');
		break;
	}

	const before = await contents(out);
	t.true(Object.keys(before).length < 1500);
	await t.throwsAsync(run.summary(), {instanceOf: BtfkitError, message: /ended before/});
	t.deepEqual(await contents(out), before);
});

compiled('a signal ends it, also when nobody reads', async t => {
	const {vmlinux, modules, out} = await longKernel(t);
	const controller = new AbortController();
	const reason = new Error('enough');
	const run = encodeKernel({vmlinux, modules, out, jobs: 1, signal: controller.signal});
	const seen = [];
	const error = await t.throwsAsync(async () => {
		for await (const {module} of run) {
			seen.push(module);
			controller.abort(reason);
		}
	}, {instanceOf: BtfkitError});
	t.like(error, {name: 'AbortError', code: 'ABORTED', cause: reason});
	t.true(seen.length > 0 && seen.length < 1504);

	const never = encodeKernel({vmlinux, modules, out: join(out, 'never'), signal: AbortSignal.abort()});
	await t.throwsAsync(never.summary(), {code: 'ABORTED'});
	t.false(existsSync(join(out, 'never')));
});

compiled('a module that fails is a result, and then an error unless the others are wanted', async t => {
	const {vmlinux, modules} = await smallKernel(t);
	const broken = join(modules, 'kernel/three.ko');
	await writeFile(broken, 'no module at all');
	const seen = [];
	const run = encodeKernel({vmlinux, modules, jobs: 1});
	const error = await t.throwsAsync(async () => {
		for await (const result of run) {
			seen.push(result);
		}
	}, {instanceOf: BtfkitError});
	t.is(error.code, 'NOT_ELF');
	t.true(error.message.includes(broken));
	t.is(seen.at(-1).error.code, 'NOT_ELF');
	t.is((await run.summary()).failed, 1);

	const summary = await encodeKernel({vmlinux, modules, keepGoing: true}).summary();
	t.like(summary, {encoded: 3, failed: 1, notBegun: 0});
});

compiled('a base that cannot be one', async t => {
	const {vmlinux, modules} = await smallKernel(t);
	const error = await t.throwsAsync(encodeKernel({base: vmlinux, modules}).summary(), {instanceOf: BtfkitError});
	t.is(error.code, 'NO_BTF');
});

const invalid = {
	'nothing': undefined,
	'no modules': {vmlinux: 'v'},
	'no base': {modules: 'm'},
	'two bases': {modules: 'm', vmlinux: 'v', base: 'b'},
	'two targets': {modules: 'm', vmlinux: 'v', out: 'o', inPlace: true},
	'a shard that is a number': {modules: 'm', vmlinux: 'v', shard: 2},
	'an unknown option': {modules: 'm', vmlinux: 'v', keepgoing: true},
	'a base of numbers': {modules: 'm', base: [1]},
	'a signal that is none': {modules: 'm', vmlinux: 'v', signal: {}},
};

for (const [name, options] of Object.entries(invalid)) {
	test(`refuses ${name}`, t => {
		const error = t.throws(() => encodeKernel(options), {instanceOf: BtfkitError});
		t.is(error.code, 'INVALID_OPTION');
	});
}
