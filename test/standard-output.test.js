// Standard output and error that are full or closed: whatever was to be read there and is lost, the exit code says so.
import {spawn} from 'node:child_process';
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import process from 'node:process';
import test from 'ava';
import {btfFiles} from './helpers/btf-files.js';
import {bin, finish} from './helpers/cli.js';
import {exampleWith, names} from './helpers/inputs.js';
import {hasGcc, smallKernel} from './helpers/modules.js';

const onLinux = existsSync('/dev/full') ? test : test.skip;

/** Runs the command line from a shell, which redirects its outputs. */
const redirected = async (redirection, ...args) =>
	finish(spawn('sh', ['-c', `exec "$@" ${redirection}`, 'sh', process.execPath, bin, ...args], {stdio: ['ignore', 'pipe', 'pipe']}));

async function files(t) {
	const paths = await btfFiles(t);
	return {...paths, elf: await exampleWith(t), target: join(paths.folder, 'target')};
}

const talking = {
	'encode -o -': ({elf}) => ['encode', elf, '-o', '-'],
	'encode --json': ({elf, target}) => ['encode', elf, '-o', target, '--json'],
	'encode --in-place --json': ({elf}) => ['encode', elf, '--in-place', '--json'],
	'encode --json that fails': ({folder}) => ['encode', join(folder, 'nothing'), '--json'],
	'check': ({base}) => ['check', base],
	'check --json': ({base}) => ['check', base, '--json'],
	'fits': ({module, base}) => ['fits', module, '--base', base],
	'fits --json': ({module, base}) => ['fits', module, '--base', base, '--json'],
	'relocate -o -': ({distilled, nextBase}) => ['relocate', distilled, '--to', nextBase, '-o', '-'],
	'relocate --json': ({distilled, nextBase, target}) => ['relocate', distilled, '--to', nextBase, '-o', target, '--json'],
	'distill --json': ({module, base, target}) => ['distill', module, '--base', base, '-o', target, '--json'],
	'dedup -o -': ({repeated}) => ['dedup', repeated, '-o', '-'],
	'dedup --json': ({repeated, target}) => ['dedup', repeated, '-o', target, '--json'],
	'merge -o -': ({repeated}) => ['merge', repeated, '-o', '-'],
	'merge --json': ({repeated, target}) => ['merge', repeated, '-o', target, '--json'],
	'--version': () => ['--version'],
	'--help': () => ['--help'],
	'encode --help': () => ['encode', '--help'],
};

for (const [name, args] of Object.entries(talking)) {
	onLinux(`${name}: a standard output that is full fails it`, async t => {
		const paths = await files(t);
		const {code, signal, stderr} = await redirected('> /dev/full', ...args(paths));
		t.deepEqual([code, signal], [1, null], stderr);
		if (!name.includes('fails')) {
			t.is(stderr.match(/^btfkit: standard output: .*no space left/gm)?.length, 1, stderr);
		}

		t.notRegex(stderr, /\n\s+at /);
		t.false((await names(paths.folder)).some(file => file.startsWith('.btfkit-')));
	});
}

onLinux('kernel --json: a standard output that is full fails it', async t => {
	if (!hasGcc) {
		t.log('skipped: gcc is not installed');
		t.pass();
		return;
	}

	const {vmlinux, modules, out} = await smallKernel(t);
	const {code, stderr} = await redirected('> /dev/full', 'kernel', '--vmlinux', vmlinux, '--modules', modules, '--out', out, '--json');
	t.is(code, 1, stderr);
	t.is(stderr.match(/standard output: .*no space left/g)?.length, 1, stderr);
});

onLinux('what says nothing needs no room to say it', async t => {
	const {elf, base, target} = await files(t);
	for (const args of [['check', base, '-q'], ['encode', elf, '-o', target]]) {
		const {code, stderr} = await redirected('> /dev/full', ...args);
		t.is(code, 0, stderr);
	}
});

onLinux('with -o - the report is on standard error: that is full, and it fails', async t => {
	const {elf, repeated} = await files(t);
	for (const command of [['encode', elf], ['dedup', repeated]]) {
		t.is((await redirected('2> /dev/full', ...command, '-o', '-', '--json')).code, 1);
		// Words for people are no result.
		t.is((await redirected('2> /dev/full', ...command, '-o', '-')).code, 0);
	}
});

onLinux('a standard output that is closed takes no BTF', async t => {
	const {elf, distilled, nextBase, repeated} = await files(t);
	for (const command of [['encode', elf], ['relocate', distilled, '--to', nextBase], ['dedup', repeated], ['merge', repeated]]) {
		const {code, stderr} = await redirected('>&-', ...command, '-o', '-');
		t.is(code, 1);
		t.regex(stderr, /^btfkit: standard output is closed, and the BTF would be lost/);
		t.is((await redirected('> /dev/null', ...command, '-o', '-')).code, 0);
	}

	const without = await redirected('>&- 2>&- <&-', 'encode', elf);
	t.is(without.code, 0);
	t.true(existsSync(`${elf}.btf`));
});
