// `btfkit encode --in-place`: the file has its BTF, and is otherwise the file that it was.
import {execFileSync, spawn, spawnSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {copyFile, link, lstat, readFile, realpath, stat, symlink, writeFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import process from 'node:process';
import {gzipSync} from 'node:zlib';
import {setTimeout as delay} from 'node:timers/promises';
import test from 'ava';
import {BtfkitError, encode, encodeInPlace} from 'btfkit';
import {hasBpftool, header, isRoot} from './helpers/btf.js';
import {bin, btfkit, finish, start, untilMapped} from './helpers/cli.js';
import {example, exampleWith, largeInput, names, temporaryFolder, withoutDwarf} from './helpers/inputs.js';

const has = tool => spawnSync(tool, ['--version']).status === 0;

/** What cannot be tested here is said. */
const skip = (t, reason) => {
	t.log(`skipped: ${reason}`);
	t.pass();
};

/** What is in a section of an ELF file, as objcopy sees it. */
async function section(path, name, tool = 'objcopy') {
	execFileSync(tool, [`--dump-section=${name}=${path}.section`, path, '/dev/null']);
	return readFile(`${path}.section`);
}

test('the section holds what encode gives, and the old bytes are where they were', async t => {
	const path = await exampleWith(t);
	const old = await readFile(path);
	const {code, stdout, stderr} = await btfkit(['encode', path, '--in-place']);
	t.is(code, 0, stderr);
	t.is(stdout.toString(), '');
	t.regex(stderr, /^\S+input\.o: \d+ types, .*from 1 unit/);
	t.deepEqual(await names(dirname(path)), ['input.o']);
	const now = await readFile(path);
	t.true(now.subarray(64, old.length).equals(old.subarray(64)));
	const {btf} = await encode(example);
	header(btf);
	t.true(now.includes(btf));
});

test('twice is once, with the command and with the library', async t => {
	const path = await exampleWith(t);
	const {path: target, report} = await encodeInPlace(path);
	t.is(target, path);
	const once = await readFile(path);
	const {code, stdout} = await btfkit(['encode', path, '--in-place', '--json', '-q']);
	t.is(code, 0);
	t.true(once.equals(await readFile(path)));
	const {output, types} = JSON.parse(stdout);
	t.deepEqual({output, types}, {output: path, types: report.types});
});

test('tools read it, and it survives them', async t => {
	if (!has('objcopy') || !has('strip')) {
		return skip(t, 'binutils are not installed');
	}

	const path = await exampleWith(t);
	const {btf} = await encode(path);
	await encodeInPlace(path);
	const [stripped, copied] = ['stripped', 'copied'].map(name => join(dirname(path), name));
	execFileSync('strip', ['--strip-debug', '-o', stripped, path]);
	execFileSync('objcopy', [path, copied]);
	for (const file of [path, stripped, copied]) {
		t.true(btf.equals(await section(file, '.BTF')), file);
	}

	t.regex(execFileSync('readelf', ['-SW', path], {encoding: 'utf8'}), / \.BTF +PROGBITS +0+ [\da-f]+ [\da-f]+ 00 +0 +0 +1\n/);
	if (hasBpftool) {
		t.regex(execFileSync('bpftool', ['btf', 'dump', 'file', stripped], {encoding: 'utf8'}), /STRUCT/);
	}

	if (has('eu-elflint')) {
		t.is(execFileSync('eu-elflint', ['--gnu', path], {encoding: 'utf8'}), 'No errors\n');
	}
});

test('a base that was there before is not for this BTF: it goes, and tools take what is left', async t => {
	if (!has('objcopy') || !has('strip')) {
		return skip(t, 'binutils are not installed');
	}

	const path = await exampleWith(t);
	const {btf} = await encode(path);
	const [base, stripped] = ['base', 'stripped'].map(name => join(dirname(path), name));
	await writeFile(base, 'of another build');
	execFileSync('objcopy', [`--add-section=.BTF.base=${base}`, path]);
	t.regex(execFileSync('readelf', ['-SW', path], {encoding: 'utf8'}), /\.BTF\.base/);
	await encodeInPlace(path);
	execFileSync('strip', ['--strip-debug', '-o', stripped, path]);
	for (const file of [path, stripped]) {
		t.notRegex(execFileSync('readelf', ['-SW', file], {encoding: 'utf8'}), /\.BTF\.base/);
		t.true(btf.equals(await section(file, '.BTF')), file);
	}
});

for (const compiler of ['gcc', 'clang']) {
	test(`a program that ${compiler} has made still runs, from the object or linked`, async t => {
		if (!has(compiler)) {
			return skip(t, `${compiler} is not installed`);
		}

		const folder = await temporaryFolder(t);
		const [source, object, program] = ['program.c', 'program.o', 'program'].map(name => join(folder, name));
		await writeFile(source, '#include <stdio.h>\nstruct s {int a;} x = {42};\nint main(void) {return printf("%d\\n", x.a) != 3;}\n');
		execFileSync(compiler, ['-g', '-c', source, '-o', object]);
		await encodeInPlace(object);
		execFileSync(compiler, [object, '-o', program]);
		t.is(execFileSync(program, {encoding: 'utf8'}), '42\n');
		await encodeInPlace(program);
		await encodeInPlace(program);
		t.is(execFileSync(program, {encoding: 'utf8'}), '42\n');
		if (has('eu-elflint')) {
			t.is(execFileSync('eu-elflint', ['--gnu', program], {encoding: 'utf8'}), 'No errors\n');
		}
	});
}

test('mode is kept, and a link stays a link', async t => {
	const path = await exampleWith(t);
	const other = join(dirname(path), 'link.o');
	await symlink('input.o', other);
	const {mode} = await stat(path);
	await encodeInPlace(other);
	const found = await lstat(other);
	t.true(found.isSymbolicLink());
	const now = await stat(path);
	t.is(now.mode, mode);
	t.true((await readFile(path)).includes('.BTF\0'));
});

test('usage: --in-place and -o exclude each other', async t => {
	const path = await exampleWith(t);
	const {code, stderr} = await btfkit(['encode', path, '--in-place', '-o', 'elsewhere']);
	t.is(code, 2);
	t.is(stderr, 'btfkit: --in-place puts the BTF into the file, and -o elsewhere: use one of them\n');
});

const refused = {
	'a signed module': [async path => writeFile(path, Buffer.concat([await readFile(path), Buffer.from('~Module signature appended~\n')])),
		/: the module is signed, .*; encode it before it is signed, or write the BTF to a file of its own$/],
	'a file with several names': [path => link(path, `${path}.other`), /: the file has 2 names \(hard links\), .*; copy it first, or write the BTF to a file of its own$/],
	'a program that is loaded with its BTF': [
		path => has('objcopy') && has('gcc') && loadedWithBtf(path),
		/: section \.BTF is loaded with the program .*; write the BTF to a file of its own$/,
	],
};

async function loadedWithBtf(path) {
	await writeFile(`${path}.c`, 'asm(".section .BTF,\\"a\\"; .byte 1; .text"); struct s {int a;} x; int main(void) {return x.a;}');
	execFileSync('gcc', ['-g', `${path}.c`, '-o', path]);
	return true;
}

for (const [what, [make, message]] of Object.entries(refused)) {
	test(`${what} is refused and left as it is`, async t => {
		const path = await exampleWith(t);
		if (await make(path) === false) {
			return skip(t, 'gcc and binutils are not installed');
		}

		const old = await readFile(path);
		const left = await names(dirname(path));
		const error = await t.throwsAsync(encodeInPlace(path), {instanceOf: BtfkitError, code: 'NOT_IN_PLACE'});
		t.regex(error.message, message);
		t.is(error.path, path);
		// The command names its flag.
		const {code, stdout, stderr} = await btfkit(['encode', path, '--in-place', '--json']);
		t.is(code, 1);
		t.is(stderr, `btfkit: ${error.message} with -o\n`);
		t.is(JSON.parse(stdout).error.message, `${error.message} with -o`);
		t.true(old.equals(await readFile(path)));
		t.deepEqual(await names(dirname(path)), left);
	});
}

test('a compressed file is refused and left as it is', async t => {
	const path = await exampleWith(t, gzipSync, 'input.ko.gz');
	const error = await t.throwsAsync(encodeInPlace(path), {code: 'NOT_IN_PLACE'});
	t.regex(error.message, /: the file is compressed \(gzip\); unpack it, or write the BTF to a file of its own$/);
	t.true(gzipSync(await readFile(example)).equals(await readFile(path)));
});

test('a file without DWARF is left as it is', async t => {
	const path = await exampleWith(t, withoutDwarf);
	await t.throwsAsync(encodeInPlace(path), {code: 'NO_DWARF'});
	t.true(withoutDwarf(await readFile(example)).equals(await readFile(path)));
});

test('a limit on the size of files leaves the old one', async t => {
	const path = await exampleWith(t);
	const {code, stderr} = await finish(spawn('bash', ['-c', 'ulimit -f 2; exec "$@"', '-', process.execPath, bin, 'encode', path, '--in-place']));
	t.is(code, 1);
	t.regex(stderr, /input\.o: cannot write: File too large/);
	t.true((await readFile(example)).equals(await readFile(path)));
	t.deepEqual(await names(dirname(path)), ['input.o']);
});

test('a full disk leaves the old file', async t => {
	const folder = await temporaryFolder(t);
	const {size} = await stat(example);
	const mounted = isRoot && spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${Math.ceil(size * 1.5 / 4096) * 4096}`, 'tmpfs', folder]).status === 0;
	if (!mounted) {
		return skip(t, 'only root can mount a small disk');
	}

	try {
		const path = join(folder, 'input.o');
		await copyFile(example, path);
		const {code, stderr} = await btfkit(['encode', path, '--in-place']);
		t.is(code, 1);
		t.regex(stderr, /input\.o: cannot write: No space left on device/);
		t.true((await readFile(example)).equals(await readFile(path)));
		t.deepEqual(await names(folder), ['input.o']);
	} finally {
		spawnSync('umount', [folder]);
	}
});

/** A kernel's BTF is loaded with it, and is not changed in place: here the section has another name. */
async function copyWithoutBtf(from, to) {
	const bytes = await readFile(from);
	const name = bytes.lastIndexOf('\0.BTF\0');
	if (name !== -1) {
		bytes[name + 2] = 'X'.charCodeAt(0);
	}

	await writeFile(to, bytes);
}

test.serial('killed at any moment: the file is the old one or the new one', async t => {
	if (!existsSync('/proc/self/maps')) {
		return skip(t, 'this is not Linux');
	}

	const folder = await temporaryFolder(t);
	const path = join(folder, 'large.so');
	await copyWithoutBtf(largeInput(), path);
	const old = await readFile(path);
	const began = Date.now();
	const {code, stderr} = await btfkit(['encode', path, '--in-place']);
	t.is(code, 0, stderr);
	const took = Date.now() - began;
	const made = await readFile(path);
	const seen = new Set();
	for (let round = 0; round < 12; round++) {
		await writeFile(path, old);
		const child = start(['encode', path, '--in-place']);
		const end = finish(child);
		// Most of them late, when it is written.
		await delay(took * Math.sqrt((round + 1) / 12));
		child.kill('SIGKILL');
		await end;
		const now = await readFile(path);
		seen.add(now.equals(old) ? 'old' : 'new');
		t.true(now.equals(old) || now.equals(made));
		const litter = (await names(folder)).filter(name => name !== 'large.so');
		t.true(litter.every(name => name.startsWith('.btfkit-')), litter.join(' '));
	}

	t.log(`seen: ${[...seen].join(', ')}`);
	await writeFile(path, old);
	await encodeInPlace(path);
	t.true(made.equals(await readFile(path)));
});

test.serial('Ctrl-C leaves the old file and nothing else', async t => {
	const folder = await temporaryFolder(t);
	const path = join(folder, 'large.so');
	await copyWithoutBtf(largeInput(), path);
	const old = await readFile(path);
	const child = start(['encode', path, '--in-place', '--jobs', '1']);
	const end = finish(child);
	await untilMapped(child, await realpath(path));
	child.kill('SIGINT');
	const {code, stderr} = await end;
	t.is(code, 130, stderr);
	t.regex(stderr, /interrupted; nothing was written/);
	t.deepEqual(await names(folder), ['large.so']);
	t.true(old.equals(await readFile(path)));
});
