// A kernel of a few small files: a program that stands for vmlinux, and objects that stand for modules.
import {execFileSync, spawnSync} from 'node:child_process';
import {cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import process from 'node:process';
import {btfkit} from './cli.js';
import {temporaryFolder} from './inputs.js';

export const hasGcc = spawnSync('gcc', ['--version']).status === 0;

const shared = 'struct shared { int number; struct shared *next; };\n';
const sources = {
	'vmlinux': `${shared}struct shared first; int main(void) { return first.number; }`,
	'kernel/net/af_one.ko': `${shared}struct one_own { struct shared in; char name[7]; };
		int one_open(struct one_own *own) { return own->in.number; }`,
	'kernel/net/two.ko': `${shared}union two_own { long key; struct shared *at; };
		int two_open(union two_own *own) { return own->at->number; }`,
	'kernel/three.ko': `${shared}enum three_state { THREE_OFF, THREE_ON };
		int three_open(enum three_state state, struct shared *in) { return in->number + state; }`,
	'kernel/fs/four.ko': `${shared}struct four_own { struct four_own *up; struct shared in; };
		int four_open(struct four_own *own) { return own->up->in.number; }`,
};

/** All modules by their path, in order. */
export const moduleNames = ['kernel/fs/four.ko', 'kernel/net/af_one.ko', 'kernel/net/two.ko', 'kernel/three.ko'];

let built;

async function build() {
	const folder = await mkdtemp(join(tmpdir(), 'btfkit-modules-'));
	process.on('exit', () => execFileSync('rm', ['-rf', folder]));
	for (const [name, source] of Object.entries(sources)) {
		const path = join(folder, name);
		await mkdir(dirname(path), {recursive: true});
		await writeFile(`${path}.c`, source);
		execFileSync('gcc', ['-g', '-O1', ...(name === 'vmlinux' ? [] : ['-c']), '-o', path, `${path}.c`]);
		await rm(`${path}.c`);
	}

	return folder;
}

/** A folder of its own for a test, with `vmlinux`, and the modules in `modules`. */
export async function smallKernel(t) {
	built ??= build();
	const folder = await temporaryFolder(t);
	await cp(join(await built, 'vmlinux'), join(folder, 'vmlinux'));
	await cp(join(await built, 'kernel'), join(folder, 'modules', 'kernel'), {recursive: true});
	return {folder, vmlinux: join(folder, 'vmlinux'), modules: join(folder, 'modules'), out: join(folder, 'out')};
}

/** The same with many modules more, so that a run takes long enough to be interrupted. */
export async function longKernel(t, count = 1500) {
	const kernel = await smallKernel(t);
	const bytes = await readFile(join(kernel.modules, 'kernel/net/af_one.ko'));
	await mkdir(join(kernel.modules, 'many'));
	await Promise.all(Array.from({length: count}, (_, number) => writeFile(join(kernel.modules, 'many', `m${number}.ko`), bytes)));
	return kernel;
}

/** Every file of a folder and below with its bytes in hexadecimal, by its relative path. */
export async function contents(folder) {
	const entries = await readdir(folder, {recursive: true, withFileTypes: true});
	const files = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath ?? entry.path, entry.name));
	const pairs = await Promise.all(files.map(async file => [file.slice(folder.length + 1), (await readFile(file)).toString('hex')]));
	return Object.fromEntries(pairs.sort(([a], [b]) => a < b ? -1 : 1));
}

/** What a run remembers, beside the results. */
export const state = '.btfkit.state';

/** Runs the command with --json: exit code, the lines of modules, the summary, and what it said to people. */
export async function kernel(args, options) {
	const {code, stdout, stderr} = await btfkit(['kernel', '--json', ...args], options);
	const lines = stdout.toString().trimEnd().split('\n').filter(line => line !== '').map(line => JSON.parse(line));
	const last = lines.at(-1);
	return {code, stderr, results: lines.filter(line => line.module !== undefined), summary: last?.summary, error: last?.error};
}

export const statuses = results => Object.fromEntries(results.map(({module, status}) => [module, status]));
/** Every module with this status. */
export const all = status => Object.fromEntries(moduleNames.map(name => [name, status]));

/** Every file of a folder of results, without what differs from run to run. */
export async function results(folder) {
	const {[state]: _, ...files} = await contents(folder);
	return files;
}
