// BTF that the kernel would refuse is never written: the run fails, or the section is left out, as `onInvalid` says.
import {execFileSync} from 'node:child_process';
import {cp, readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {encode, encodeKernel} from 'btfkit';
import {btfkit} from './helpers/cli.js';
import {names, temporaryFolder} from './helpers/inputs.js';
import {makeBtf} from './helpers/make-btf.js';
import {contents, hasGcc, smallKernel} from './helpers/modules.js';

const compiled = hasGcc ? test : test.skip;

function compile(path, source) {
	execFileSync('gcc', ['-g', '-c', '-x', 'c', '-o', path, '-'], {input: source});
}

/** Kernels before 6.1 take names of 127 bytes. Ours are right for current ones, and the target is asked at the end. */
const longName = `struct ${'long_'.repeat(40)} { int a; } x;`;
const target = ['--target-kernel', '5.15'];
const says = /the kernel would refuse the result, so nothing is written: .*Invalid name \(at STRUCT 'long_/;

compiled('encode: an error and nothing written, or nothing written and no error', async t => {
	const folder = await temporaryFolder(t);
	const input = join(folder, 'input.o');
	compile(input, longName);
	await writeFile(join(folder, 'old.btf'), 'something older');
	const old = await contents(folder);
	for (const where of [['-o', join(folder, 'old.btf')], ['-o', join(folder, 'new.btf')], ['--in-place']]) {
		const refused = await btfkit(['encode', input, ...where, ...target, '--json']);
		t.is(refused.code, 1);
		t.regex(refused.stderr, says);
		t.is(JSON.parse(refused.stdout).error.code, 'INVALID_BTF');
		t.deepEqual(await contents(folder), old);

		const left = await btfkit(['encode', input, ...where, ...target, '--json', '--on-invalid', 'skip-section']);
		t.is(left.code, 0, left.stderr);
		t.is(JSON.parse(left.stdout).error.code, 'SKIPPED');
		t.regex(JSON.parse(left.stdout).error.message, says);
		t.deepEqual(await contents(folder), old);
	}

	await t.throwsAsync(encode(input, {targetKernel: '5.15'}), {code: 'INVALID_BTF', message: says});
	await t.throwsAsync(encode(input, {targetKernel: '5.15', onInvalid: 'skip-section'}), {code: 'SKIPPED'});
	t.is((await btfkit(['encode', input, '-o', join(folder, 'new.btf'), '--target-kernel', '6.1'])).code, 0);
});

for (const inPlace of [false, true]) {
	compiled(`kernel ${inPlace ? '--in-place' : '--out'}: a module fails, or gets none while the others get theirs`, async t => {
		const {folder, vmlinux, modules, out} = await smallKernel(t);
		const bad = join(modules, 'kernel/three.ko');
		compile(bad, longName);
		const old = await readFile(bad);
		const base = join(folder, 'base.btf');
		t.is((await btfkit(['encode', vmlinux, '-o', base])).code, 0);
		const options = {base, modules, targetKernel: '5.15', ...(inPlace ? {inPlace} : {out})};
		const statuses = async options => {
			const run = encodeKernel(options);
			const results = [];
			for await (const {module, status, error} of run) {
				results.push([module, status === 'failed' ? error.code : status]);
			}

			return Object.fromEntries(results);
		};

		const others = status => ({'kernel/fs/four.ko': status, 'kernel/net/af_one.ko': status, 'kernel/net/two.ko': status});
		await cp(modules, join(folder, 'copy'), {recursive: true});
		t.deepEqual(await statuses({...options, keepGoing: true}), {...others('encoded'), 'kernel/three.ko': 'INVALID_BTF'});
		t.deepEqual(await readFile(bad), old);
		const {'kernel/three.ko.btf': none} = await contents(inPlace ? modules : out);
		t.is(none, undefined);

		const lenient = {...options, modules: join(folder, 'copy'), onInvalid: 'skip-section', ...(!inPlace && {out: join(folder, 'other')})};
		t.deepEqual(await statuses(lenient), {...others('encoded'), 'kernel/three.ko': 'omitted'});
		t.deepEqual(await readFile(join(folder, 'copy/kernel/three.ko')), old);
		const {'.btfkit.state': _, ...made} = await contents(inPlace ? modules : out);
		const {'.btfkit.state': __, ...same} = await contents(inPlace ? lenient.modules : lenient.out);
		t.deepEqual(same, made);
	});
}

/** Of two structs that look the same from outside, a distilled base cannot tell which. */
const twins = makeBtf([
	['int', 1 << 24, 4, 0x01_00_00_20],
	['twin', 4 << 24 | 2, 8, 'a', 1, 0, 'b', 1, 32],
	['twin', 4 << 24 | 2, 8, 'c', 1, 0, 'd', 1, 32],
]);

compiled('a distilled base that would not lead back fails the run, or is left out', async t => {
	const folder = await temporaryFolder(t);
	const path = name => join(folder, name);
	compile(path('input.o'), 'struct twin { int a, b; }; struct holder { struct twin in; } x;');
	await writeFile(path('base'), twins.bytes);
	const args = ['encode', path('input.o'), '--base', path('base'), '-o', path('out.btf'), '--base-ref', 'always', '--json'];
	const refused = await btfkit(args);
	t.is(refused.code, 1);
	t.regex(refused.stderr, /the distilled base: .*--on-invalid skip-section to go without it/);
	t.is(JSON.parse(refused.stdout).error.code, 'INVALID_BTF');
	t.deepEqual(await names(folder), ['base', 'input.o']);

	const left = await btfkit([...args, '--on-invalid', 'skip-section']);
	t.is(left.code, 0, left.stderr);
	const {diagnostics} = JSON.parse(left.stdout);
	t.true(diagnostics.some(({code, message}) => code === 'distilled-base' && message.startsWith('there is no .BTF.base: ')), left.stdout.toString());
	t.deepEqual(await names(folder), ['base', 'input.o', 'out.btf']);
	t.is((await btfkit(['check', path('out.btf'), '--base', path('base')])).code, 0);
});
