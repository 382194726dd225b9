// `btfkit check`, and `check` and `checkFiles` of the API.
import {readFile, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {check, checkFiles, encode, encodeToFile} from '../dist/index.js';
import {btfkit} from './helpers/cli.js';
import {example, temporaryFolder} from './helpers/inputs.js';
import {base, module} from './helpers/make-btf.js';

async function files(t) {
	const folder = await temporaryFolder(t);
	const paths = {good: join(folder, 'good.btf'), bad: join(folder, 'bad.btf'), base: join(folder, 'base.btf'), module: join(folder, 'module.btf')};
	await encodeToFile(example, paths.good);
	const bytes = await readFile(paths.good);
	// One byte too many: the sections do not fill the file any more.
	await writeFile(paths.bad, Buffer.concat([bytes, Buffer.from([0])]));
	await writeFile(paths.base, base.bytes);
	await writeFile(paths.module, module.bytes);
	return paths;
}

test('says of each file what the kernel says, one line of JSON for each', async t => {
	const {good, bad} = await files(t);
	const {code, stdout} = await btfkit(['check', '--json', good, bad, '/nonexistent.btf', example]);
	t.is(code, 1);
	const records = stdout.toString().trim().split('\n').map(line => JSON.parse(line));
	t.deepEqual(records.map(({file}) => file), [good, bad, '/nonexistent.btf', example]);
	t.like(records[0], {verdict: 'accepted', context: 'vmlinux', findings: []});
	t.like(records[1], {verdict: 'refused', errno: 22, message: 'Unsupported section found'});
	t.like(records[1].findings[0], {severity: 'error', rule: 'unsupported-section-found', advice: 'remove what follows the strings'});
	t.deepEqual(records.slice(2).map(({error}) => error.code), ['NOT_FOUND', 'NO_BTF']);
});

test('exits with 0 where all are accepted, and with 2 where it is not asked well', async t => {
	const {good, bad} = await files(t);
	const accepted = await btfkit(['check', good, good]);
	t.is(accepted.code, 0, accepted.stderr);
	t.is(accepted.stdout.toString(), `${good}: accepted as vmlinux\n`.repeat(2));
	t.is((await btfkit(['check', '-q', good])).stdout.toString(), '');
	const refused = await btfkit(['check', '-q', good, bad]);
	t.is(refused.code, 1);
	t.regex(refused.stdout.toString(), /^\S+bad\.btf: refused as vmlinux \(error 22\)\n {2}error: \.BTF: Unsupported section found/);
	for (const args of [['check'], ['check', good, '--context', 'kernel'], ['check', good, '--target-kernel', 'new'], ['check', good, '--target-kernel', '4.9']]) {
		const {code, stderr} = await btfkit(args);
		t.is(code, 2, `${args.join(' ')}: ${stderr}`);
	}
});

test('split BTF is checked on its base', async t => {
	const paths = await files(t);
	t.like(await check(paths.module, {base: paths.base}), {verdict: 'accepted', context: 'module'});
	const alone = await check(paths.module);
	t.is(alone.verdict, 'refused');
	t.regex(alone.findings[0].advice, /name the base that it stands on/);
	await t.throwsAsync(check(paths.module, {base: '/nonexistent.btf'}), {code: 'NOT_FOUND'});
});

test('older kernels know less', async t => {
	const folder = await temporaryFolder(t);
	const path = join(folder, 'layout.btf');
	const {btf} = await encode(example, {features: '+layout'});
	await writeFile(path, btf);
	t.like(await check(path), {verdict: 'refused', errno: 7, message: 'Unsupported btf_header'});
	t.is((await check(path, {targetKernel: '7.1'})).verdict, 'accepted');
});

test('a file that cannot be read ends check, not checkFiles', async t => {
	const {good} = await files(t);
	await t.throwsAsync(check('/nonexistent.btf'), {code: 'NOT_FOUND'});
	const results = await checkFiles(['/nonexistent.btf', good]);
	t.is(results[0].error.code, 'NOT_FOUND');
	t.is(results[1].verdict, 'accepted');
	await t.throwsAsync(check(good, {signal: AbortSignal.abort()}), {code: 'ABORTED'});
});
