// BTF from BTF: the commands and the functions of the API, on small BTF.
import {readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {BtfkitError, dedup, distill, fits, merge, relocate, relocateToFile} from '../dist/index.js';
import {header} from './helpers/btf.js';
import {btfFiles} from './helpers/btf-files.js';
import {btfkit} from './helpers/cli.js';
import {names} from './helpers/inputs.js';
import {base, makeBtf, module, repeated} from './helpers/make-btf.js';

test('distills, and relocates what came out', async t => {
	const paths = await btfFiles(t);
	const distilled = join(paths.folder, 'distilled.btf');
	const run = await btfkit(['distill', paths.module, '--base', paths.base, '-o', distilled]);
	t.is(run.code, 0, run.stderr);
	t.regex(run.stderr, /distilled\.btf: 5 types \(of 5\), \d+ bytes; \S+distilled\.btf\.base: \d+ bytes\n$/);
	header(await readFile(distilled));
	header(await readFile(`${distilled}.base`));

	// Back on its own base it is what it was.
	const back = await relocate(distilled, {to: paths.base});
	t.deepEqual(back.btf, module.bytes);
	t.deepEqual(back.report, {typesBefore: 5, types: 5, size: module.bytes.length, baseSize: null, doubts: []});

	const target = join(paths.folder, 'next.btf');
	const next = await btfkit(['relocate', distilled, '--to', paths.nextBase, '-o', target, '--json']);
	t.is(next.code, 0, next.stderr);
	t.like(JSON.parse(next.stdout), {input: distilled, output: target, types: 5});
	t.like(await fits(target, {base: paths.nextBase}), {verdict: 'exact', proof: 'layout', loads: true});

	const toOutput = await btfkit(['relocate', distilled, '--to', paths.nextBase, '-o', '-', '-q']);
	t.deepEqual(toOutput.stdout, await readFile(target));
	const elsewhere = join(paths.folder, 'elsewhere.btf');
	await writeFile(elsewhere, await readFile(distilled));
	const {path} = await relocateToFile(elsewhere, `${elsewhere}.out`, {base: `${distilled}.base`, to: paths.nextBase});
	t.deepEqual(await readFile(path), await readFile(target));
});

test('says which type stands in the way of relocation', async t => {
	const paths = await btfFiles(t);
	const distilled = join(paths.folder, 'distilled.btf');
	await btfkit(['distill', paths.module, '--base', paths.base, '-o', distilled]);
	const before = await names(paths.folder);
	const {code, stderr} = await btfkit(['relocate', distilled, '--to', paths.largerBase]);
	t.is(code, 1);
	t.regex(stderr, /STRUCT 'device' of 8 bytes \(part of type 3\) is not in the new base, which has STRUCT 2 of 12 bytes/);
	t.deepEqual(await names(paths.folder), before);
	const error = await t.throwsAsync(relocate(paths.module, {to: paths.base}), {instanceOf: BtfkitError});
	t.is(error.code, 'NO_BTF');

	const fit = await fits(distilled, {base: paths.largerBase});
	t.like(fit, {verdict: 'mismatched', loads: false, kernelMessage: 'distilled base BTF type \'device\' [2] is not mapped to base BTF id'});
	t.like(fit.obstacles[0], {name: 'device', kind: 'STRUCT', size: 8, byValue: true, cause: 'different'});
	t.deepEqual(fit.obstacles[0].instead, [{type: 2, kind: 'STRUCT', size: 12}]);
});

test('tells by the exit code whether a module fits', async t => {
	const paths = await btfFiles(t);
	const run = async (module, base, ...more) => btfkit(['fits', module, '--base', base, ...more]);
	const exact = await run(paths.module, paths.base);
	t.is(exact.code, 0);
	t.regex(exact.stdout.toString(), /module\.btf: exact: /);

	const other = await run(paths.module, paths.nextBase);
	t.is(other.code, 4);
	t.regex(other.stdout.toString(), /: mismatched: it was made on another base/);
	t.regex(other.stdout.toString(), /type 4 \(STRUCT\): .* where 'sample' was meant/);

	const {base: stubs, btf} = await distill(paths.module, {base: paths.base});
	const distilled = join(paths.folder, 'distilled.btf');
	await writeFile(distilled, btf);
	await writeFile(`${distilled}.base`, stubs);
	const relocatable = await run(distilled, paths.nextBase, '--json');
	t.is(relocatable.code, 0);
	t.like(JSON.parse(relocatable.stdout), {verdict: 'relocatable', loads: true});

	const little = join(paths.folder, 'little.btf');
	await writeFile(little, makeBtf([[0, 2 << 24, 2]], base).bytes);
	const quiet = await run(little, paths.base, '-q');
	t.deepEqual([quiet.code, quiet.stdout.toString(), quiet.stderr], [5, '', '']);
});

test('merges what is the same', async t => {
	const paths = await btfFiles(t);
	const once = await dedup(paths.repeated);
	t.like(once.report, {typesBefore: 5, types: 3});
	const twice = await merge([paths.repeated, paths.repeated]);
	t.deepEqual(twice.btf, once.btf);
	t.is(twice.report.typesBefore, 10);
	const run = await btfkit(['merge', paths.repeated, paths.base, '-o', '-', '-q']);
	t.is(run.code, 0, run.stderr);
	t.deepEqual(run.stdout, (await merge([paths.repeated, paths.base])).btf);
});

test('merges split BTF on its base', async t => {
	const paths = await btfFiles(t);
	const once = await dedup(paths.module, {base: paths.base});
	t.like(once.report, {typesBefore: 5, types: 5});
	const twice = await merge([paths.module, paths.module], {base: paths.base});
	t.deepEqual(twice.btf, once.btf);
	t.is(twice.report.typesBefore, 10);
	const run = await btfkit(['merge', paths.module, paths.module, '--base', paths.base, '-o', '-', '-q']);
	t.is(run.code, 0, run.stderr);
	t.deepEqual(run.stdout, once.btf);
	const target = join(paths.folder, 'merged.btf');
	await writeFile(target, once.btf);
	t.like(await fits(target, {base: paths.base}), {verdict: 'exact', proof: 'layout', loads: true});

	// With a distilled base of its own it stands on that, which comes out, too.
	const distilled = join(paths.folder, 'distilled.btf');
	await btfkit(['distill', paths.module, '--base', paths.base, '-o', distilled]);
	t.is((await btfkit(['dedup', distilled, '-o', `${distilled}.out`])).code, 0);
	t.deepEqual(await readFile(`${distilled}.out.base`), await readFile(`${distilled}.base`));
	const error = await t.throwsAsync(dedup(distilled, {base: paths.base}));
	t.is(error.code, 'INVALID_BTF');
	t.is((await t.throwsAsync(merge([distilled]))).code, 'INVALID_BTF');
	t.is((await t.throwsAsync(dedup(paths.module))).code, 'MALFORMED_BTF');
});

test('an older kernel looks at no distilled base', async t => {
	const paths = await btfFiles(t);
	const distilled = join(paths.folder, 'distilled.btf');
	await btfkit(['distill', paths.module, '--base', paths.base, '-o', distilled]);
	const run = async (...more) => btfkit(['fits', distilled, '--base', paths.nextBase, ...more]);
	t.is((await run('--target-kernel', '6.11')).code, 0);
	const older = await run('--target-kernel', '6.10');
	t.is(older.code, 4);
	t.regex(older.stdout.toString(), /: mismatched: /);
	t.is((await run('--target-kernel', 'six')).code, 2);
});

test('refuses what it cannot use, and leaves what is there', async t => {
	const paths = await btfFiles(t);
	const failure = async (...args) => (await btfkit(args)).code;
	t.is(await failure('distill', paths.module, '--base', paths.base, '-o', '-'), 2);
	t.is(await failure('distill', paths.module), 2);
	const nowhere = await btfkit(['relocate', paths.module]);
	t.is(nowhere.code, 2);
	t.regex(nowhere.stderr, /--to is missing: The new base/);
	t.is(await failure('merge'), 2);
	t.is(await failure('dedup', paths.repeated, '-o', paths.repeated), 2);
	t.is(await failure('dedup', join(paths.folder, 'nothing')), 1);
	t.deepEqual(await readFile(paths.repeated), repeated.bytes);
	const broken = join(paths.folder, 'broken.btf');
	await writeFile(broken, module.bytes.subarray(0, 40));
	const error = await t.throwsAsync(dedup(broken));
	t.is(error.code, 'MALFORMED_BTF');
	t.true(error.message.startsWith(broken));
});
