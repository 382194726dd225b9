// Which sections a file gets beside its BTF, and what comes of them.
import {copyFile, readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {encode, encodeInPlace, encodeToFile, fits, relocate} from '../dist/index.js';
import {header} from './helpers/btf.js';
import {btfkit} from './helpers/cli.js';
import {example, names, temporaryFolder} from './helpers/inputs.js';
import {base, nextBase} from './helpers/make-btf.js';

/** A file to encode and a base for it, in one folder: one tree. */
async function tree(t) {
	const folder = await temporaryFolder(t);
	const paths = {folder, input: join(folder, 'input.o'), base: join(folder, 'vmlinux.btf'), next: join(folder, 'next.btf')};
	await copyFile(example, paths.input);
	await writeFile(paths.base, base.bytes);
	await writeFile(paths.next, nextBase.bytes);
	return paths;
}

const inputs = ['input.o', 'next.btf', 'vmlinux.btf'];

test('a distilled base and a checksum go beside the BTF, and go when they are not made again', async t => {
	const {folder, input, base: onto, next} = await tree(t);
	const target = join(folder, 'out.btf');
	const both = await btfkit(['encode', input, '--base', onto, '-o', target, '--base-ref', 'always', '--base-checksum', '--json']);
	t.is(both.code, 0, both.stderr);
	t.deepEqual(await names(folder), [...inputs, 'out.btf', 'out.btf.base', 'out.btf.base_checksum'].sort());
	const stubs = await readFile(`${target}.base`);
	header(stubs);
	const report = JSON.parse(both.stdout);
	t.is(report.baseSize, stubs.length);
	t.is(report.size, (await readFile(target)).length);
	t.like(await fits(target, {base: onto}), {verdict: 'exact', proof: 'checksum', loads: true});
	t.like(await fits(target, {base: next}), {verdict: 'relocatable', loads: true});

	// Without it the BTF is what relocating it to its base gives, but for what moved.
	const plain = join(folder, 'plain.btf');
	const {report: plainReport} = await encodeToFile(input, plain, {base: onto, baseRef: 'never', baseChecksum: true});
	t.is(plainReport.baseSize, null);
	t.like(await fits(plain, {base: onto}), {verdict: 'exact', proof: 'checksum'});
	t.like(await fits(plain, {base: next}), {verdict: 'mismatched'});
	const back = await relocate(target, {to: onto});
	t.true(back.report.types >= plainReport.types);

	await encodeToFile(input, target, {base: onto, baseRef: 'never'});
	t.false((await names(folder)).some(name => name.startsWith('out.btf.')));
	t.like(await fits(target, {base: onto}), {verdict: 'exact', proof: 'layout'});
});

test('in the file itself they are sections', async t => {
	const {input, base: onto, next} = await tree(t);
	await encodeInPlace(input, {base: onto, baseRef: 'always', baseChecksum: true});
	t.like(await fits(input, {base: onto}), {verdict: 'exact', proof: 'checksum'});
	t.like(await fits(input, {base: next}), {verdict: 'relocatable'});
	await encodeInPlace(input, {base: onto, baseRef: 'never'});
	t.like(await fits(input, {base: onto}), {verdict: 'exact', proof: 'layout'});
	t.like(await fits(input, {base: next}), {verdict: 'mismatched'});
});

test('by default, what is outside of the tree of its base gets a distilled base', async t => {
	const {folder, input, base: onto} = await tree(t);
	const has = async (file, env, ...options) => {
		const run = await btfkit(['encode', file, '--base', onto, '-o', join(folder, 'out.btf'), ...options], {env});
		t.is(run.code, 0, run.stderr);
		return (await names(folder)).includes('out.btf.base');
	};

	t.false(await has(input, {KBUILD_EXTMOD: ''}));
	t.true(await has(input, {KBUILD_EXTMOD: '/some/module'}));
	t.true(await has(example, {KBUILD_EXTMOD: ''}));
	t.true(await has(input, {KBUILD_EXTMOD: ''}, '--out-of-tree'));
	t.false(await has(example, {KBUILD_EXTMOD: '/some/module'}, '--base-ref', 'never'));
	t.false(await has(example, {}, '--target-kernel', '6.10'));
	t.true(await has(example, {}, '--target-kernel', '6.11.1-custom'));
	t.true(await has(input, {KBUILD_EXTMOD: ''}, '--features', '+base_ref'));
});

test('in the API, a function may decide for each file', async t => {
	const {input, base: onto} = await tree(t);
	const asked = [];
	const baseRef = file => {
		asked.push(file);
		return 'always';
	};

	const {base: stubs} = await encode(input, {base: onto, baseRef});
	t.true(Buffer.isBuffer(stubs));
	t.deepEqual(asked, [input]);
	const {base: none} = await encode(input, {base: onto, baseRef: () => 'never'});
	t.is(none, undefined);
	t.is((await t.throwsAsync(encode(input, {base: onto, baseRef: () => 'maybe'}))).code, 'INVALID_OPTION');
});

test('a missing base is an error, or no reason to fail', async t => {
	const {folder, input} = await tree(t);
	const missing = join(folder, 'missing');
	const strict = await btfkit(['encode', input, '--base', missing]);
	t.is(strict.code, 1);
	const lenient = await btfkit(['encode', input, '--base', missing, '--missing-base', 'skip', '--json']);
	t.is(lenient.code, 0, lenient.stderr);
	t.is(JSON.parse(lenient.stdout).error.code, 'SKIPPED');
	t.deepEqual(await names(folder), inputs);
});

test('a target kernel gets nothing that it does not know', async t => {
	const {input, base: onto} = await tree(t);
	const {report} = await encode(input, {targetKernel: '5.2', features: 'default,layout,attributes'});
	for (const kind of ['FLOAT', 'DECL_TAG', 'TYPE_TAG', 'ENUM64']) {
		t.false(kind in report.counts, kind);
	}

	const {btf} = await encode(input, {targetKernel: '6.12', features: 'default,layout'});
	t.is(header(btf).length, 24);
	t.is((await t.throwsAsync(encode(input, {base: onto, targetKernel: '5.10'}))).code, 'SKIPPED');
	t.is((await t.throwsAsync(encode(input, {targetKernel: 'newest'}))).code, 'INVALID_OPTION');
	t.is((await t.throwsAsync(encode(input, {targetKernel: '4.4'}))).code, 'INVALID_OPTION');
});
