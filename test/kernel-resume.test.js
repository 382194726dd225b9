// `btfkit kernel` again: what is up to date is left, by each thing that it depends on. (The encoder's version: the tests of
// `crates/encode/src/kernel/resume.rs`.)
import {execFileSync} from 'node:child_process';
import {appendFile, cp, readFile, rename, rm, stat, truncate, utimes, writeFile} from 'node:fs/promises';
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {all, hasGcc, kernel, moduleNames, results, smallKernel, state, statuses} from './helpers/modules.js';

const compiled = hasGcc ? test : test.skip;
const [four, one, two, three] = moduleNames;

/** Makes vmlinux anew from a source with another struct in it. */
async function rebuild(vmlinux) {
	await writeFile(`${vmlinux}.c`, `struct shared { int number; struct shared *next; }; struct shared first;
		struct added { struct shared in; } added; int main(void) { return first.number + added.in.number; }`);
	execFileSync('gcc', ['-g', '-O1', `${vmlinux}.c`, '-o', vmlinux]);
}

compiled('the input: a module that is written, touched or replaced is encoded again, and no other', async t => {
	const {vmlinux, modules, out} = await smallKernel(t);
	const args = ['--vmlinux', vmlinux, '--modules', modules, '--out', out];
	await kernel(args);
	const before = await results(out);
	const path = join(modules, three);
	const {atime, mtime} = await stat(path);
	const changes = {
		touched: () => utimes(path, new Date(), new Date()),
		// As builds do that are reproducible.
		async 'written with its time set back'() {
			await appendFile(path, '\0');
			await utimes(path, atime, mtime);
		},
		async 'replaced by one with the same time and size'() {
			await cp(path, `${path}.new`, {preserveTimestamps: true});
			await rename(`${path}.new`, path);
		},
	};
	for (const [what, change] of Object.entries(changes)) {
		await change();
		t.deepEqual(statuses((await kernel(args)).results), {...all('current'), [three]: 'encoded'}, what);
		t.deepEqual(statuses((await kernel(args)).results), all('current'), what);
	}

	t.deepEqual(await results(out), before);
});

compiled('the base: another one makes everything anew, the same one from another file nothing', async t => {
	const {folder, vmlinux, modules, out} = await smallKernel(t);
	const base = join(folder, 'base.btf');
	await kernel(['--vmlinux', vmlinux, '--modules', modules, '--out', out]);
	await cp(join(out, 'vmlinux.btf'), base);
	const byBase = await kernel(['--base', base, '--modules', modules, '--out', out]);
	t.deepEqual(statuses(byBase.results), all('current'));

	await rebuild(vmlinux);
	const other = await kernel(['--vmlinux', vmlinux, '--modules', modules, '--out', out]);
	t.deepEqual(statuses(other.results), all('encoded'));
	t.is(other.summary.base.encoded, true);
	t.false((await readFile(join(out, 'vmlinux.btf'))).equals(await readFile(base)));
	t.deepEqual(statuses((await kernel(['--base', base, '--modules', modules, '--out', out])).results), all('encoded'));
});

compiled('the options: each that changes what comes out, and none that does not', async t => {
	const {vmlinux, modules, out} = await smallKernel(t);
	const args = ['--vmlinux', vmlinux, '--modules', modules, '--out', out];
	await kernel(args);
	for (const same of [['--jobs', '1'], ['--memory-limit', '1G'], ['--keep-going'], ['--missing-base', 'skip'], ['--shard', '1/1'], ['--features', 'default']]) {
		const {results: told, summary} = await kernel([...args, ...same]);
		t.deepEqual(statuses(told), all('current'), same.join(' '));
		t.is(summary.base.encoded, false, same.join(' '));
	}

	for (const other of [
		['--features', 'var'], ['--lang-exclude', 'rust'], ['--base-ref', 'always'], ['--base-checksum'], ['--out-of-tree'],
		['--target-kernel', '6.1'], ['--on-invalid', 'skip-section'], ['--strict'],
	]) {
		t.deepEqual(statuses((await kernel([...args, ...other])).results), all('encoded'), other.join(' '));
		t.deepEqual(statuses((await kernel([...args, ...other])).results), all('current'), other.join(' '));
	}
});

compiled('the environment: a build of external modules decides about distilled bases', async t => {
	const {vmlinux, modules, out} = await smallKernel(t);
	const args = ['--vmlinux', vmlinux, '--modules', modules, '--out', out];
	await kernel(args);
	t.false(existsSync(join(out, `${one}.btf.base`)));
	const external = await kernel(args, {env: {KBUILD_EXTMOD: '/external'}});
	t.deepEqual(statuses(external.results), all('encoded'));
	t.true(existsSync(join(out, `${one}.btf.base`)));
	t.deepEqual(statuses((await kernel(args)).results), all('encoded'));
	t.false(existsSync(join(out, `${one}.btf.base`)));
});

compiled('the results: one that was cut, changed, replaced or removed by hand is made again', async t => {
	const {vmlinux, modules, out} = await smallKernel(t);
	const args = ['--vmlinux', vmlinux, '--modules', modules, '--out', out, '--base-ref', 'always', '--base-checksum'];
	await kernel(args);
	const before = await results(out);
	t.is(Object.keys(before).length, 1 + 3 * moduleNames.length);
	for (const suffix of ['.btf', '.btf.base', '.btf.base_checksum']) {
		const of = name => join(out, `${name}${suffix}`);
		await truncate(of(one), 5);
		const bytes = await readFile(of(two));
		bytes[bytes.length - 2] ^= 1;
		await writeFile(of(two), bytes);
		await rm(of(three));
		const {code, results: told} = await kernel(args);
		t.is(code, 0);
		t.deepEqual(statuses(told), {...all('encoded'), [four]: 'current'}, suffix);
		t.deepEqual(await results(out), before, suffix);
	}

	t.deepEqual(statuses((await kernel(args)).results), all('current'));
	// What is beside a result and not of it would be taken for a part of it.
	const plain = args.slice(0, -3);
	await kernel(plain);
	await writeFile(join(out, `${one}.btf.base`), 'of another build');
	t.deepEqual(statuses((await kernel(plain)).results), {...all('current'), [one]: 'encoded'});
	t.false(existsSync(join(out, `${one}.btf.base`)));
});

compiled('the BTF of vmlinux: cut, removed or of another file, it is made again, and the modules are left', async t => {
	const {vmlinux, modules, out} = await smallKernel(t);
	const args = ['--vmlinux', vmlinux, '--modules', modules, '--out', out];
	await kernel(args);
	const path = join(out, 'vmlinux.btf');
	const made = await readFile(path);
	for (const change of [() => truncate(path, 30), () => rm(path), () => writeFile(path, made.subarray(0, -1)), () => cp(join(out, `${one}.btf`), path)]) {
		await change();
		const {code, results: told, summary} = await kernel(args);
		t.is(code, 0);
		t.deepEqual(statuses(told), all('current'));
		t.is(summary.base.encoded, true);
		t.true(made.equals(await readFile(path)));
	}
});

compiled('what is remembered: without it, or with a part of it, what is not known is done again', async t => {
	const {vmlinux, modules, out} = await smallKernel(t);
	const args = ['--vmlinux', vmlinux, '--modules', modules, '--out', out];
	await kernel(args);
	const path = join(out, state);
	const lines = (await readFile(path, 'utf8')).split('\n').filter(line => !line.includes(`"${one}"`) && !line.includes('"vmlinux"'));
	await writeFile(path, lines.join('\n'));
	const part = await kernel(args);
	t.deepEqual(statuses(part.results), {...all('current'), [one]: 'encoded'});
	t.is(part.summary.base.encoded, true);
	await rm(path);
	t.deepEqual(statuses((await kernel(args)).results), all('encoded'));
});

compiled('in place: what was changed, and what another base or other options are asked for', async t => {
	const {folder, vmlinux, modules} = await smallKernel(t);
	const original = join(folder, 'original');
	await cp(modules, original, {recursive: true});
	const args = ['--vmlinux', vmlinux, '--modules', modules, '--in-place'];
	t.deepEqual(statuses((await kernel(args)).results), all('encoded'));
	const made = await results(modules);
	t.deepEqual(statuses((await kernel(args)).results), all('current'));

	// Built again, cut in its BTF, and touched.
	await cp(join(original, one), join(modules, one));
	await truncate(join(modules, two), 100 + (await stat(join(original, two))).size);
	await utimes(join(modules, three), new Date(), new Date());
	const {code, results: told} = await kernel([...args, '--keep-going']);
	t.is(code, 3);
	// What is cut is no ELF file any more, and is said to be.
	t.deepEqual(statuses(told), {...all('encoded'), [four]: 'current', [two]: 'failed'});
	await cp(join(original, two), join(modules, two));
	t.deepEqual(statuses((await kernel(args)).results), {...all('current'), [two]: 'encoded'});
	t.deepEqual(await results(modules), made);

	t.deepEqual(statuses((await kernel([...args, '--features', 'var'])).results), all('encoded'));
	t.deepEqual(statuses((await kernel(args)).results), all('encoded'));
	await rebuild(vmlinux);
	t.deepEqual(statuses((await kernel(args)).results), all('encoded'));
	t.deepEqual(statuses((await kernel(args)).results), all('current'));
});

compiled('in place and into the same folder know nothing of one another', async t => {
	const {vmlinux, modules} = await smallKernel(t);
	const [folder, inPlace] = [['--out', modules], ['--in-place']].map(more => ['--vmlinux', vmlinux, '--modules', modules, ...more]);
	await kernel(folder);
	t.deepEqual(statuses((await kernel(inPlace)).results), all('encoded'));
	// The modules have changed, and so has vmlinux.
	const {results: told, summary} = await kernel(folder);
	t.deepEqual(statuses(told), all('encoded'));
	t.is(summary.base.encoded, true);
	await rebuild(vmlinux);
	await kernel(inPlace);
	t.is((await kernel(folder)).summary.base.encoded, true);
});
