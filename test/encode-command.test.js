// `btfkit encode`: what it writes where, what it says, and that it leaves nothing behind.
import {execFileSync, spawn, spawnSync} from 'node:child_process';
import {closeSync, existsSync, openSync} from 'node:fs';
import {chmod, lstat, mkdir, readFile, stat, symlink, writeFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import test from 'ava';
import {dump, hasBpftool, header, isRoot} from './helpers/btf.js';
import {bin, btfkit, finish, start} from './helpers/cli.js';
import {example, exampleWith, names, temporaryFolder, withoutDwarf} from './helpers/inputs.js';

test('writes raw BTF beside the input, and says so in one line', async t => {
	const path = await exampleWith(t);
	const {code, stdout, stderr} = await btfkit(['encode', path]);
	t.is(code, 0, stderr);
	t.is(stdout.toString(), '');
	t.regex(stderr, /^\S+input\.o\.btf: \d+ types, .*from 1 unit.*\d s\n$/);
	t.deepEqual(await names(dirname(path)), ['input.o', 'input.o.btf']);
	const {magic, version, flags, length, byteOrder} = header(await readFile(`${path}.btf`));
	t.like({magic, version, flags, length, byteOrder}, {magic: 0xeb_9f, version: 1, flags: 0, length: 24, byteOrder: 'LE'});
});

test('a relative path is relative to where it was called', async t => {
	const path = await exampleWith(t);
	const {code, stderr} = await btfkit(['encode', 'input.o'], {cwd: dirname(path)});
	t.is(code, 0, stderr);
	t.true(stderr.startsWith('input.o.btf: '));
	t.deepEqual(await names(dirname(path)), ['input.o', 'input.o.btf']);
});

test('-o names the target; what was there is replaced, its mode is kept', async t => {
	const folder = await temporaryFolder(t);
	const target = join(folder, 'kernel.btf');
	await writeFile(target, 'something older', {mode: 0o640});
	const {code, stderr} = await btfkit(['encode', example, '-o', target]);
	t.is(code, 0, stderr);
	header(await readFile(target));
	const {mode} = await stat(target);
	t.is(mode & 0o777, 0o640);
	t.deepEqual(await names(folder), ['kernel.btf']);
});

test('a target that is a link stays a link', async t => {
	const folder = await temporaryFolder(t);
	await mkdir(join(folder, 'real'));
	await symlink(join('real', 'kernel.btf'), join(folder, 'link.btf'));
	await writeFile(join(folder, 'real', 'kernel.btf'), 'something older');
	const {code, stderr} = await btfkit(['encode', example, '-o', join(folder, 'link.btf')]);
	t.is(code, 0, stderr);
	const link = await lstat(join(folder, 'link.btf'));
	t.true(link.isSymbolicLink());
	header(await readFile(join(folder, 'real', 'kernel.btf')));
});

test('a target that is a pipe is written to, not replaced', async t => {
	const folder = await temporaryFolder(t);
	const pipe = join(folder, 'pipe');
	execFileSync('mkfifo', [pipe]);
	const cat = spawn('cat', [pipe], {stdio: ['ignore', 'pipe', 'pipe']});
	t.teardown(() => cat.kill());
	const reader = finish(cat);
	const {code, stderr} = await btfkit(['encode', example, '-o', pipe]);
	t.is(code, 0, stderr);
	const {stdout} = await reader;
	header(stdout);
	t.deepEqual(await names(folder), ['pipe']);
});

test('-o - writes the same bytes to standard output, and nothing else', async t => {
	const path = await exampleWith(t);
	const toFile = await btfkit(['encode', path, '--quiet']);
	const toOutput = await btfkit(['encode', path, '-o', '-']);
	t.is(toFile.stderr, '');
	t.is(toOutput.code, 0, toOutput.stderr);
	t.deepEqual(toOutput.stdout, await readFile(`${path}.btf`));
	t.regex(toOutput.stderr, /^standard output: \d+ types/);
	t.deepEqual(await names(dirname(path)), ['input.o', 'input.o.btf']);
});

test('--json prints the report as one line on standard output', async t => {
	const path = await exampleWith(t);
	const {code, stdout, stderr} = await btfkit(['encode', path, '--json', '--jobs', '1']);
	t.is(code, 0, stderr);
	t.regex(stdout.toString(), /^[^\n]+\n$/);
	const report = JSON.parse(stdout);
	const btf = await readFile(`${path}.btf`);
	t.like(report, {input: path, output: `${path}.btf`, size: btf.length, units: 1, unitsExcluded: 0, jobs: 1});
	t.is(Object.values(report.counts).reduce((sum, count) => sum + count), report.types);
	t.like(report.counts, {ENUM: 1, ENUM64: 1, UNION: 1, FWD: 1, FLOAT: 1, RESTRICT: 1, FUNC: 3});
	t.true(Array.isArray(report.skipped));
	t.true(Array.isArray(report.diagnostics));
	t.true(report.phases.length > 0);
	for (const {name, milliseconds} of report.phases) {
		t.is(typeof name, 'string');
		t.true(milliseconds >= 0);
	}

	t.true(report.peakMemory === null || report.peakMemory > 0);
});

test('with -o - the JSON has standard error to itself', async t => {
	const {code, stdout, stderr} = await btfkit(['encode', example, '--json', '-o', '-']);
	t.is(code, 0);
	header(stdout);
	t.like(JSON.parse(stderr), {input: example, output: '-', size: stdout.length});
});

test('the number of jobs does not change a byte', async t => {
	const [one, two, eight] = await Promise.all(['1', '2', '8'].map(jobs => btfkit(['encode', example, '-o', '-', '--jobs', jobs])));
	t.is(one.code, 0, one.stderr);
	t.deepEqual(two.stdout, one.stdout);
	t.deepEqual(eight.stdout, one.stdout);
});

test('features change what comes out', async t => {
	const counts = async (...flags) => {
		const {stdout, stderr} = await btfkit(['encode', example, '-o', '-', '--json', ...flags]);
		return {...JSON.parse(stderr).counts, headerLength: header(stdout).length};
	};

	const [all, none, plus, layout] = await Promise.all([
		counts(),
		counts('--features', ''),
		counts('--features', '+global_var'),
		counts('--features', 'default,layout'),
	]);
	t.like(all, {FLOAT: 1, ENUM64: 1, VAR: 1, DATASEC: 1, headerLength: 24});
	t.like(none, {FLOAT: undefined, ENUM64: undefined, VAR: undefined, DATASEC: undefined, FUNC: 3});
	t.like(plus, {FLOAT: 1, ENUM64: 1, VAR: 2, DATASEC: 2});
	t.is(layout.headerLength, 32);
});

test('a language that is left out takes its units along', async t => {
	const {code, stderr} = await btfkit(['encode', example, '-o', '-', '--json', '--lang-exclude', 'C11,Rust']);
	const [left] = stderr.trim().split('\n').map(line => JSON.parse(line));
	if (code === 0) {
		t.like(left, {units: 0, unitsExcluded: 1});
	} else {
		t.is(code, 1);
		t.regex(left.error.message, /exclude/);
	}
});

const describing = hasBpftool ? test : test.skip;

describing('bpftool reads the BTF of the example as its source has it', async t => {
	const path = await exampleWith(t);
	const {code, stderr} = await btfkit(['encode', path]);
	t.is(code, 0, stderr);
	const types = dump(`${path}.btf`);
	const byName = (kind, name) => types.filter(type => type.kind === kind && type.name === name);
	const [task] = byName('STRUCT', 'task');
	t.is(task.size, 72);
	t.deepEqual(
		task.members.map(({name, bits_offset: offset, bitfield_size: bits}) => [name, offset, bits ?? 0]),
		[
			['siblings', 0, 0], ['id', 128, 0], ['state', 192, 0], ['urgent', 224, 1], ['priority', 225, 7],
			['ticks', 240, 16], ['name', 256, 0], ['allowed', 384, 0], ['run', 448, 0], ['load', 512, 0],
		],
	);
	t.deepEqual(byName('ENUM', 'task_state')[0].values.map(({name, val}) => [name, val]), [['TASK_READY', 0], ['TASK_RUNNING', 1], ['TASK_DONE', 16]]);
	t.is(byName('ENUM64', 'task_limit')[0].size, 8);
	t.is(byName('FWD', 'cpu_set').length, 1);
	t.deepEqual(types.filter(({kind}) => kind === 'FUNC').map(({name}) => name).sort(), ['task_allowance', 'task_log', 'task_start']);
	const [start] = byName('FUNC', 'task_start');
	const prototype = types.find(({id}) => id === start.type_id);
	t.deepEqual(prototype.params.map(({name}) => name), ['task', 'data']);
	t.is(byName('INT', 'int').length, 1);
});

const failing = {
	'a file that is not there': {change: undefined, code: 'NOT_FOUND', says: /missing\.o/},
	'an empty file': {change: () => Buffer.alloc(0), code: /NOT_ELF|TRUNCATED/, says: /input\.o/},
	'text': {change: () => Buffer.from('#!/bin/sh\necho this is no object file, but a script of some length\n'), code: 'NOT_ELF', says: /not.*ELF/i},
	'half a file': {change: bytes => bytes.subarray(0, bytes.length / 2), code: 'TRUNCATED', says: /cut off/},
	'the first 64 bytes of a file': {change: bytes => bytes.subarray(0, 64), code: 'TRUNCATED', says: /input\.o/},
	'ELF without debug information': {change: withoutDwarf, code: 'NO_DWARF', says: /debug|DWARF/},
};

for (const [name, {change, code: wanted, says}] of Object.entries(failing)) {
	test(`${name} fails with 1, a message of its own and no output`, async t => {
		const path = change ? await exampleWith(t, change) : join(await temporaryFolder(t), 'missing.o');
		const before = await names(dirname(path));
		const {code, stdout, stderr} = await btfkit(['encode', path, '--json']);
		t.is(code, 1);
		t.true(stderr.startsWith('btfkit: '), stderr);
		t.true(stderr.includes(path), stderr);
		t.regex(stderr, says);
		t.notRegex(stderr, /\n\s+at /);
		const {input, error} = JSON.parse(stdout);
		t.is(input, path);
		t.regex(error.code, new RegExp(`^(${wanted.source ?? wanted})$`));
		t.deepEqual(await names(dirname(path)), before);
	});
}

test('a directory is no input', async t => {
	const folder = await temporaryFolder(t);
	const {code, stderr} = await btfkit(['encode', folder]);
	t.is(code, 1);
	t.true(stderr.includes(folder));
	t.regex(stderr, /directory|folder/i);
	t.false(existsSync(`${folder}.btf`));
});

test('a file that may not be read', async t => {
	if (isRoot) {
		t.pass('root may read everything');
		return;
	}

	const path = await exampleWith(t);
	await chmod(path, 0);
	const {code, stderr} = await btfkit(['encode', path]);
	t.is(code, 1);
	t.regex(stderr, /permission/i);
});

test('a folder that is not there is no place for the target', async t => {
	const folder = await temporaryFolder(t);
	const target = join(folder, 'absent', 'kernel.btf');
	const {code, stderr} = await btfkit(['encode', example, '-o', target]);
	t.is(code, 1);
	t.true(stderr.includes(target), stderr);
	t.deepEqual(await names(folder), []);
});

test('a folder that cannot be written to is no place for the target', async t => {
	// Not even root may make a file there.
	const target = existsSync('/proc/self') && isRoot ? '/proc/kernel.btf' : join(await temporaryFolder(t), 'closed', 'kernel.btf');
	if (!target.startsWith('/proc')) {
		await mkdir(dirname(target), {mode: 0o555});
	}

	const {code, stderr} = await btfkit(['encode', example, '-o', target]);
	t.is(code, 1);
	t.true(stderr.includes(target), stderr);
});

test('a directory is no target', async t => {
	const folder = await temporaryFolder(t);
	const {code, stderr} = await btfkit(['encode', example, '-o', folder]);
	t.is(code, 1);
	t.regex(stderr, /directory/i);
	t.deepEqual(await names(folder), []);
});

test('what failed leaves an older result as it was', async t => {
	const path = await exampleWith(t, withoutDwarf);
	await writeFile(`${path}.btf`, 'something older');
	const {code} = await btfkit(['encode', path]);
	t.is(code, 1);
	t.is(await readFile(`${path}.btf`, 'utf8'), 'something older');
	t.deepEqual(await names(dirname(path)), ['input.o', 'input.o.btf']);
});

test('standard output that is closed: 1, and a message', async t => {
	const child = start(['encode', example, '-o', '-']);
	child.stdout.destroy();
	const {code, signal, stderr} = await finish(child);
	t.is(signal, null);
	t.is(code, 1);
	t.regex(stderr, /standard output: its reader closed it/);
	t.notRegex(stderr, /\n\s+at /);
});

const withFullDevice = existsSync('/dev/full') ? test : test.skip;

withFullDevice('standard output that is full: 1, and a message', async t => {
	const full = openSync('/dev/full', 'w');
	const {code, stderr} = await finish(start(['encode', example, '-o', '-'], {stdio: ['ignore', full, 'pipe']}));
	closeSync(full);
	t.is(code, 1);
	t.regex(stderr, /standard output: .*no space/i);
});

test('standard output to a file that may not grow so far: 1, and a message', async t => {
	const output = join(await temporaryFolder(t), 'out.btf');
	// The shell counts in units of 1024 bytes, and the result is longer than one.
	const script = `trap '' XFSZ; ulimit -f 1; exec "$@" > "${output}"`;
	const command = [process.execPath, bin, 'encode', example, '-o', '-'];
	const {status, stderr} = spawnSync('bash', ['-c', script, 'bash', ...command], {encoding: 'utf8'});
	t.is(status, 1, stderr);
	t.regex(stderr, /standard output: /);
	t.true((await stat(output)).size <= 1024);
});

test('an addon that is not there is explained', async t => {
	const {code, stderr} = await btfkit(['encode', example], {env: {BTFKIT_ADDON: '/nonexistent/btfkit.node'}});
	t.is(code, 1);
	t.regex(stderr, /native part.*could not be loaded/);
	t.regex(stderr, /\/nonexistent\/btfkit\.node: no such file/);
	t.regex(stderr, /BTFKIT_ADDON/);
});

test('an addon that is something else is explained', async t => {
	const path = await exampleWith(t, () => Buffer.from('not an addon'), 'btfkit.node');
	const {code, stderr} = await btfkit(['encode', example], {env: {BTFKIT_ADDON: path}});
	t.is(code, 1);
	t.regex(stderr, /btfkit\.node: .*(invalid|short|header)/i);
});
