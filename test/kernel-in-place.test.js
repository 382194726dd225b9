// `btfkit kernel --in-place`: what becomes of BTF that the files have already, and of files that cannot be changed.
import {execFileSync, spawnSync} from 'node:child_process';
import {appendFile, readFile, rm, writeFile} from 'node:fs/promises';
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {encode} from 'btfkit';
import {btfkit} from './helpers/cli.js';
import {names, withoutDwarf} from './helpers/inputs.js';
import {all, contents, hasGcc, kernel, results, smallKernel, statuses} from './helpers/modules.js';
import {base as otherBase} from './helpers/make-btf.js';

const hasObjcopy = spawnSync('objcopy', ['--version']).status === 0;
const compiled = hasGcc && hasObjcopy ? test : test.skip;
const three = 'kernel/three.ko';
const signature = '~Module signature appended~\n';

/** What is in a section, or nothing. */
async function section(path, name) {
	const target = `${path}.section`;
	spawnSync('objcopy', [`--dump-section=${name}=${target}`, path, '/dev/null']);
	if (!existsSync(target)) {
		return undefined;
	}

	const bytes = await readFile(target);
	await rm(target);
	return bytes;
}

async function addSection(path, name, bytes, ...more) {
	await writeFile(`${path}.section`, bytes);
	execFileSync('objcopy', [`--add-section=${name}=${path}.section`, ...more, path]);
	await rm(`${path}.section`);
}

/** A vmlinux as kernel builds link it: its BTF is a part of what is loaded. */
async function linkWithBtf(vmlinux, btf) {
	await writeFile(`${vmlinux}.btf`, btf);
	await writeFile(`${vmlinux}.c`, `asm(".section .BTF,\\"a\\"; .incbin \\"${vmlinux}.btf\\"; .text");
		struct shared { int number; struct shared *next; }; struct shared first; int main(void) { return first.number; }`);
	execFileSync('gcc', ['-g', '-O1', `${vmlinux}.c`, '-o', vmlinux]);
	await rm(`${vmlinux}.c`);
	await rm(`${vmlinux}.btf`);
}

compiled('a vmlinux that is not loaded with BTF gets it, and the modules stand on it', async t => {
	const {vmlinux, modules, out} = await smallKernel(t);
	await kernel(['--vmlinux', vmlinux, '--modules', modules, '--out', out]);
	const old = await readFile(vmlinux);
	const args = ['--vmlinux', vmlinux, '--modules', modules, '--in-place'];
	const {code, stderr, summary} = await kernel(args);
	t.is(code, 0, stderr);
	t.like(summary.base, {encoded: true, output: vmlinux});
	const now = await readFile(vmlinux);
	t.true(now.subarray(64, old.length).equals(old.subarray(64)));
	t.true((await section(vmlinux, '.BTF')).equals(await readFile(join(out, 'vmlinux.btf'))));
	t.true((await section(join(modules, three), '.BTF')).equals(await readFile(join(out, `${three}.btf`))));

	const again = await kernel(args);
	t.deepEqual(statuses(again.results), all('current'));
	t.is(again.summary.base.encoded, false);
	t.true(now.equals(await readFile(vmlinux)));
});

compiled('a vmlinux that is linked with its BTF is refused before anything is written, and can be the base', async t => {
	const {folder, vmlinux, modules} = await smallKernel(t);
	const {btf} = await encode(vmlinux);
	await linkWithBtf(vmlinux, btf);
	const before = await contents(folder);
	for (const more of [[], ['--keep-going']]) {
		const {code, stderr, error} = await kernel(['--vmlinux', vmlinux, '--modules', modules, '--in-place', ...more]);
		t.is(code, 1);
		t.is(error.code, 'NOT_IN_PLACE');
		t.regex(error.message, /vmlinux: section \.BTF is loaded with the program .*; name it as base instead of vmlinux, .*, or write .* with --out$/);
		t.is(stderr, `btfkit: ${error.message}\n`);
	}

	t.deepEqual(await contents(folder), before);

	const {code, stderr, results: told} = await kernel(['--base', vmlinux, '--modules', modules, '--in-place']);
	t.is(code, 0, stderr);
	t.deepEqual(statuses(told), all('encoded'));
	t.is((await contents(folder)).vmlinux, before.vmlinux);
	const fit = await btfkit(['fits', join(modules, three), '--base', vmlinux]);
	t.is(fit.code, 0, fit.stderr);
});

compiled('without debug information a module keeps the BTF that it has, and one of another base is told', async t => {
	const {folder, vmlinux, modules} = await smallKernel(t);
	const args = ['--vmlinux', vmlinux, '--modules', modules, '--in-place'];
	await kernel(args);
	const [stripped, strange, garbled, empty] = [three, 'kernel/fs/four.ko', 'kernel/net/two.ko', 'kernel/net/af_one.ko'];
	for (const name of [stripped, strange, garbled, empty]) {
		execFileSync('objcopy', ['--strip-debug', join(modules, name)]);
	}

	// Made for another kernel, no BTF at all, and none.
	const other = join(folder, 'other.btf');
	await writeFile(other, otherBase.bytes);
	execFileSync('objcopy', ['--remove-section=.BTF', join(modules, strange)]);
	const source = join(folder, 'strange.c');
	await writeFile(source, 'struct strange_own { int a; struct strange_own *up; }; int strange_open(struct strange_own *own) { return own->a; }');
	execFileSync('gcc', ['-g', '-O1', '-c', source, '-o', `${source}.o`]);
	t.is((await btfkit(['encode', `${source}.o`, '--base', other, '-o', `${source}.btf`])).code, 0);
	await addSection(join(modules, strange), '.BTF', await readFile(`${source}.btf`));
	execFileSync('objcopy', ['--remove-section=.BTF', join(modules, garbled)]);
	await addSection(join(modules, garbled), '.BTF', 'garbled');
	execFileSync('objcopy', ['--remove-section=.BTF', join(modules, empty)]);

	const before = await results(modules);
	// It is told each time, and signed modules are no other.
	for (const round of [1, 2, 3]) {
		const {code, stderr, results: told} = await kernel(args);
		t.is(code, 0, stderr);
		t.deepEqual(statuses(told), all('no-dwarf'));
		const kept = Object.fromEntries(told.map(({module, kept}) => [module, kept?.verdict]));
		t.deepEqual(kept, {[stripped]: 'exact', [strange]: 'mismatched', [garbled]: 'mismatched', [empty]: undefined});
		const warnings = stderr.trimEnd().split('\n').filter(line => line.startsWith('warning: '));
		t.deepEqual(warnings.map(line => line.split(' ')[1]), [strange, garbled]);
		t.regex(warnings[0], /has no debug information, and keeps BTF that does not belong to this base: it was made on another base/);
		if (round === 1) {
			t.deepEqual(await results(modules), before);
		}

		await appendFile(join(modules, [stripped, strange, empty][round - 1]), signature);
	}

	const {results: read} = await kernel(['--base', vmlinux, '--modules', modules]);
	t.true(read.every(({kept}) => kept === undefined), 'only a file that should get its BTF keeps any');
});

compiled('a module that has no types of its own any more loses the BTF that it had', async t => {
	const {vmlinux, modules} = await smallKernel(t);
	const args = ['--vmlinux', vmlinux, '--modules', modules, '--in-place'];
	const before = await results(modules);
	await kernel([...args, '--base-ref', 'always', '--base-checksum']);
	const path = join(modules, three);
	for (const name of ['.BTF', '.BTF.base', '.BTF.base_checksum']) {
		t.truthy(await section(path, name), name);
	}

	// Nothing of it is to be encoded now.
	for (const more of [['--lang-exclude', 'c89,c99,c11,c17'], ['--target-kernel', '5.10']]) {
		const {code, stderr, results: told} = await kernel(['--base', vmlinux, ...args.slice(2), ...more]);
		t.is(code, 0, stderr);
		const status = more[0] === '--target-kernel' ? 'omitted' : 'no-types';
		t.deepEqual(statuses(told), all(status));
		for (const name of ['.BTF', '.BTF.base', '.BTF.base_checksum']) {
			t.is(await section(path, name), undefined, name);
		}

		const after = await results(modules);
		for (const [name, bytes] of Object.entries(before)) {
			t.is(after[name].slice(128, bytes.length), bytes.slice(128), name);
		}

		const again = await kernel(['--base', vmlinux, ...args.slice(2), ...more]);
		t.deepEqual(statuses(again.results), all(status));
		t.deepEqual(await results(modules), after);
		t.deepEqual(statuses((await kernel(args)).results), all('encoded'));
	}
});

compiled('a signed module with debug information, and one with several names, fail alone', async t => {
	const {vmlinux, modules} = await smallKernel(t);
	await appendFile(join(modules, three), signature);
	execFileSync('ln', [join(modules, 'kernel/net/two.ko'), join(modules, 'kernel/other-name')]);
	const before = await results(modules);
	const {code, results: told, stderr} = await kernel(['--vmlinux', vmlinux, '--modules', modules, '--in-place', '--keep-going']);
	t.is(code, 3);
	t.deepEqual(statuses(told), {...all('encoded'), [three]: 'failed', 'kernel/net/two.ko': 'failed'});
	const messages = told.flatMap(({error}) => error ? [error.message] : []);
	t.regex(messages[0], /has 2 names \(hard links\).*; copy it first, or write the BTF to a file of its own with --out$/);
	t.regex(messages[1], /the module is signed, .*; encode it before it is signed, or write the BTF to a file of its own with --out$/);
	t.deepEqual(stderr.match(/^btfkit: .*/gm), messages.map(message => `btfkit: ${message}`));
	const after = await results(modules);
	t.is(after[three], before[three]);
	t.is(after['kernel/net/two.ko'], before['kernel/net/two.ko']);
	t.deepEqual((await names(join(modules, 'kernel'))), ['fs', 'net', 'other-name', 'three.ko']);
});

compiled('a module without debug information and without BTF is left as it is', async t => {
	const {vmlinux, modules} = await smallKernel(t);
	const path = join(modules, three);
	await writeFile(path, withoutDwarf(await readFile(path)));
	const before = await readFile(path);
	const {code, results: told} = await kernel(['--vmlinux', vmlinux, '--modules', modules, '--in-place']);
	t.is(code, 0);
	t.deepEqual(statuses(told), {...all('encoded'), [three]: 'no-dwarf'});
	t.true(before.equals(await readFile(path)));
});
