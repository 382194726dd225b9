// The command line itself: help, version, and every way to get it wrong.
import {spawn} from 'node:child_process';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import process from 'node:process';
import test from 'ava';
import {bin, btfkit, start, finish} from './helpers/cli.js';
import {example, exampleWith, names, root} from './helpers/inputs.js';

test('--version prints the version of the package, with or without the addon', async t => {
	const {version} = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
	for (const env of [{}, {BTFKIT_ADDON: '/nonexistent/btfkit.node'}]) {
		const {code, stdout, stderr} = await btfkit(['--version'], {env});
		t.is(stdout.toString(), `${version}\n`);
		t.is(stderr, '');
		t.is(code, 0);
	}
});

test('--help names the commands', async t => {
	const {code, stdout, stderr} = await btfkit(['--help']);
	t.is(code, 0);
	t.is(stderr, '');
	t.regex(stdout.toString(), /Usage: btfkit/);
	t.regex(stdout.toString(), /encode .*Make BTF/);
});

test('encode --help names every flag, every feature and the exit codes', async t => {
	const {code, stdout} = await btfkit(['encode', '--help']);
	const help = stdout.toString();
	t.is(code, 0);
	for (const flag of ['--features <list>', '--jobs <n>', '--lang-exclude <list>', '--strict', '-o, --output <path>', '--json', '--quiet']) {
		t.true(help.includes(flag), flag);
	}

	for (const word of ['decl_tag_kfuncs', 'layout', '130 interrupted']) {
		t.true(help.includes(word), word);
	}
});

test('help encode is encode --help', async t => {
	const [first, second] = await Promise.all([btfkit(['help', 'encode']), btfkit(['encode', '--help'])]);
	t.is(first.code, 0);
	t.deepEqual(first.stdout, second.stdout);
});

const wrong = {
	'no command': {args: [], says: /Usage: btfkit/},
	'an unknown command': {args: ['encod', example], says: /unknown command 'encod'[\S\s]*encode/},
	'no file': {args: ['encode'], says: /file/},
	'two files': {args: ['encode', example, example], says: /too many arguments/},
	'an unknown flag': {args: ['encode', example, '--fetures', 'var'], says: /unknown option '--fetures'[\S\s]*--features/},
	'a flag without its value': {args: ['encode', example, '--jobs'], says: /--jobs/},
	'an unknown feature': {args: ['encode', example, '--features', 'default,flaot'], says: /unknown feature 'flaot' \(did you mean 'float'\?\)/},
	'an unknown feature that is like none': {args: ['encode', example, '--features', 'zzzzzzzz'], says: /unknown feature 'zzzzzzzz'; .*encode_force/},
	'an unknown language': {args: ['encode', example, '--lang-exclude', 'c99,klingon'], says: /unknown language 'klingon'.*rust/},
	'no number of jobs': {args: ['encode', example, '--jobs', 'many'], says: /jobs.*'many'/},
	'zero jobs': {args: ['encode', example, '--jobs', '0'], says: /jobs.*from 1/},
	'half a job': {args: ['encode', example, '--jobs', '1.5'], says: /jobs.*'1\.5'/},
	'a million jobs': {args: ['encode', example, '--jobs', '1000000'], says: /jobs.*1024/},
	'an empty target': {args: ['encode', example, '-o', ''], says: /output|target/},
	'an empty file name': {args: ['encode', ''], says: /file/},
	'standard input': {args: ['encode', '-'], says: /standard input/},
};

for (const [name, {args, says}] of Object.entries(wrong)) {
	test(`usage: ${name}`, async t => {
		const {code, stdout, stderr} = await btfkit(args);
		t.is(code, 2, stderr);
		t.is(stdout.toString(), '');
		t.regex(stderr, says);
		t.notRegex(stderr, /\n\s+at /);
	});
}

test('the input is never the target, under whatever name', async t => {
	const path = await exampleWith(t);
	const folder = join(path, '..');
	const before = await readFile(path);
	for (const target of [path, join(folder, '.', 'input.o')]) {
		const {code, stderr} = await btfkit(['encode', path, '-o', target]);
		t.is(code, 2);
		t.regex(stderr, /would replace the input/);
	}

	t.deepEqual(await readFile(path), before);
	t.deepEqual(await names(folder), ['input.o']);
});

test('help into a pipe that is closed is no error worth a word', async t => {
	const child = start(['encode', '--help']);
	child.stdout.destroy();
	const {code, signal, stderr} = await finish(child);
	t.is(signal, null);
	t.is(code, 0);
	t.is(stderr, '');
});

test('a reader that does not read yet loses nothing, also where writing does not wait', async t => {
	// Fills standard output, which does not block from then on, and becomes the command.
	const fill = [
		'import os, sys',
		'os.set_blocking(1, False)',
		'try:',
		'    while True: os.write(1, b"-" * 100)',
		'except BlockingIOError: os.execv(sys.argv[1], sys.argv[1:])',
	].join('\n');
	// The reader is a program with a pipe of its own: Node reads ahead what a child writes, so the pipe would not stay full.
	const script = '{ python3 -c "$@"; echo "exit code $?" >&2; } | { sleep 0.5; cat; }';
	const child = spawn('sh', ['-c', script, 'sh', fill, process.execPath, bin, 'encode', '--help'], {stdio: ['ignore', 'pipe', 'pipe']});
	const [{stdout, stderr}, help] = await Promise.all([finish(child), btfkit(['encode', '--help'])]);
	if (stderr.endsWith('exit code 127\n')) {
		t.log('skipped: there is no python3');
		t.pass();
		return;
	}

	t.is(stderr, 'exit code 0\n');
	t.regex(stdout.toString(), /^-{4096}/, 'the pipe was not filled');
	t.is(stdout.toString().replace(/^-+/, ''), help.stdout.toString());
});
