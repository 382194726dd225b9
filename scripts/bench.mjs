// `npm run bench`: measures btfkit, beside its peers where there are such. Prints tables for people; for machines the
// same goes to bench/results/*.json (and to standard output with --json). docs/benchmarking.md says what is measured
// and how.
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import {join} from 'node:path';
import process from 'node:process';
import {parseArgs} from 'node:util';
import {findInputs, findModules} from './bench/inputs.mjs';
import {laidOut, makeRoom, modulesBelow, sampled, warm} from './bench/modules.mjs';
import {compare} from './bench/pairs.mjs';
import {cost, phases, scaling} from './bench/phases.mjs';
import {
	btfkitEncodes, btfkitEncodesKernel, btfkitVersion, findPahole, paholeEncodes, paholeEncodesKernel, readers,
} from './bench/programs.mjs';
import {costTable, memoryTable, pairTable, phaseTable} from './bench/tables.mjs';
import {root, run} from './lib/run.mjs';
import {checkTools, installDependencies} from './lib/setup.mjs';

const parts = ['encode', 'module', 'kernel', 'read', 'phases'];

const usage = `usage: npm run bench -- [VMLINUX [FILE...]] [--vmlinux FILE] [--cloud FILE] [--large FILE] [--small FILE]
                        [--modules FOLDER] [--sample N] [--pairs N] [--jobs N] [--only PART,...] [--json]

  VMLINUX        a kernel with DWARF         ($BTFKIT_BENCH_VMLINUX); also as --vmlinux
  FILE...        more for the phases, the cost and the memory
  --cloud FILE   a smaller kernel            ($BTFKIT_BENCH_CLOUD)
  --large FILE   a large module              ($BTFKIT_BENCH_LARGE_MODULE)
  --small FILE   a small module              ($BTFKIT_BENCH_SMALL_MODULE)
  --modules DIR  the modules of that kernel  ($BTFKIT_BENCH_MODULES)
What is not named is looked for in .cache/kernels; what is not there either is skipped, but for a kernel, which is got.
pahole is the one on PATH, or $PAHOLE.

  --sample N     of the modules every N-th, 1 for all; default: 40
  --pairs N      how many times each is timed, in turns; default: 5
  --jobs N       what one thread is compared with; default: 2
  --only PART    of ${parts.join(', ')}; default: all
  --json         print JSON instead of the tables`;

/** A BTF is read this many times in one process, so that its start does not count. */
const readRounds = 20;

const {values, positionals} = parseArgs({
	allowPositionals: true,
	options: {
		cloud: {type: 'string'},
		help: {type: 'boolean', short: 'h'},
		jobs: {type: 'string', default: '2'},
		json: {type: 'boolean', default: false},
		large: {type: 'string'},
		modules: {type: 'string'},
		only: {type: 'string', default: parts.join(',')},
		pairs: {type: 'string', default: '5'},
		sample: {type: 'string', default: '40'},
		small: {type: 'string'},
		vmlinux: {type: 'string'},
	},
});
const only = values.only.split(',');
const [pairs, jobs, every] = [values.pairs, values.jobs, values.sample].map(Number);
if (values.help) {
	console.log(usage);
} else if (process.platform !== 'linux') {
	fail('the benchmark reads /proc and runs on Linux only');
} else if (![pairs, jobs, every].every(number => Number.isInteger(number) && number >= 1) || only.some(part => !parts.includes(part))) {
	fail(usage);
} else {
	try {
		await main();
	} catch (error) {
		progress('');
		fail(error.message);
	}
}

async function main() {
	const {cloud, large, small} = values;
	const inputs = findInputs({vmlinux: values.vmlinux ?? positionals[0], cloud, large, small}, positionals.slice(values.vmlinux ? 0 : 1), note);
	checkTools();
	installDependencies();
	run('npm', ['run', '--silent', 'build'], {stdio: ['ignore', 2, 2]});
	const folder = mkdtempSync(join(os.tmpdir(), 'btfkit-bench-'));
	const results = {date: new Date().toISOString(), machine: machine(), versions: {btfkit: btfkitVersion}, pairs, jobs};
	try {
		if (['encode', 'module', 'kernel'].some(part => only.includes(part))) {
			const pahole = findPahole();
			results.versions.pahole = pahole.version;
			if (only.includes('encode')) {
				results.encode = await encodings(inputs, pahole, folder);
			}

			if (only.includes('module')) {
				results.module = await modulesAlone(inputs, pahole, folder);
			}

			if (only.includes('kernel')) {
				results.kernel = await wholeKernel(inputs, pahole, folder);
			}
		}

		if (only.includes('read')) {
			results.read = await reading(inputs, folder);
		}

		if (only.includes('phases')) {
			results.phases = await allPhases(inputs, folder);
		}
	} finally {
		rmSync(folder, {recursive: true});
	}

	progress('');
	const json = JSON.stringify(results, undefined, '\t');
	const target = join(root, 'bench', 'results');
	mkdirSync(target, {recursive: true});
	writeFileSync(join(target, `bench-${results.date.replaceAll(':', '-')}.json`), `${json}\n`);
	console.log(values.json ? json : tables(results));
}

async function encodings({vmlinux, large, small}, pahole, folder) {
	const wanted = [[vmlinux, 1], [vmlinux, jobs], [large, jobs], [small, jobs]].filter(([input]) => input);
	const results = [];
	for (const [input, count] of wanted) {
		const sides = [
			btfkitEncodes(input, count, join(folder, 'btfkit.btf'), '--quiet'),
			paholeEncodes(pahole, input, count, join(folder, 'pahole.btf')),
		];
		const title = `${input.name}, ${count} ${count === 1 ? 'thread' : 'threads'}`;
		results.push({title, input, jobs: count, ...await compare(sides, pairs, text => progress(`${title}: ${text}`))});
	}

	return results;
}

/** One module in a process of its own, on a base that is there already and is the same for both. */
async function modulesAlone({vmlinux, large, small}, pahole, folder) {
	const base = join(folder, 'base.btf');
	const {command, args, options} = btfkitEncodes(vmlinux, jobs, base, '--quiet');
	run(command, args, options);
	const results = [];
	for (const input of [small, large].filter(Boolean)) {
		const sides = [
			btfkitEncodes(input, jobs, join(folder, 'btfkit.btf'), '--base', base, '--quiet'),
			paholeEncodes(pahole, input, jobs, join(folder, 'pahole.btf'), `--btf_base=${base}`),
		];
		const title = `${input.name} on the BTF of ${vmlinux.name}`;
		results.push({title, input, jobs, ...await compare(sides, pairs, text => progress(`${title}: ${text}`))});
	}

	return results;
}

/** A kernel with its modules, `jobs` at a time. */
async function wholeKernel({vmlinux}, pahole, folder) {
	const source = findModules(values.modules, note);
	if (!source) {
		return [];
	}

	const all = modulesBelow(source);
	const modules = laidOut(source, sampled(all, every), folder);
	const [ours, theirs] = ['btfkit', 'pahole'].map(name => join(folder, name));
	const files = [vmlinux.path, ...modules.paths.map(path => join(modules.folder, path))];
	const prepare = results => {
		makeRoom(modules.paths, results);
		warm(files);
	};

	const sides = [
		{...btfkitEncodesKernel(vmlinux, modules, jobs, ours), prepare: () => prepare(ours)},
		{...paholeEncodesKernel(pahole, vmlinux, modules, jobs, theirs), prepare: () => prepare(theirs)},
	];
	const part = every === 1 ? `all ${all.length} modules` : `${modules.paths.length} of ${all.length} modules (every ${every}th)`;
	const title = `${vmlinux.name} and ${part}, ${jobs} at a time`;
	const measured = await compare(sides, pairs, text => progress(`${title}: ${text}`), 1);
	return [{title, input: vmlinux, jobs, modules: {count: modules.paths.length, of: all.length, every, size: modules.size}, ...measured}];
}

async function reading({vmlinux}, folder) {
	const btf = join(folder, 'read.btf');
	const {command, args, options} = btfkitEncodes(vmlinux, jobs, btf, '--quiet');
	run(command, args, options);
	const {sides, reason} = readers(folder, btf, readRounds);
	if (reason) {
		note(`skipped: reading a BTF beside libbpf: ${reason}`);
		return [];
	}

	const title = `Reading the BTF of ${vmlinux.name} ${readRounds} times: every type, name and reference`;
	return [{title, input: vmlinux, rounds: readRounds, ...await compare(sides, pairs, text => progress(`reading: ${text}`))}];
}

async function allPhases({vmlinux, cloud, large, small, further}, folder) {
	const files = [...new Set([small, large, cloud, vmlinux, ...further].filter(Boolean))];
	const results = [];
	for (const input of files) {
		const byJobs = await phases(input, jobs === 1 ? [1] : [1, jobs], pairs, join(folder, 'phases.btf'), progress);
		results.push({
			input,
			byJobs,
			gain: jobs === 1 ? undefined : scaling(byJobs[1], byJobs[jobs]),
			cost: input.debugInfo === undefined ? undefined : cost(input, byJobs[1]),
		});
	}

	return results;
}

function machine() {
	return {processor: os.cpus()[0]?.model, processors: os.availableParallelism(), memory: os.totalmem(), kernel: os.release(), node: process.versions.node};
}

function tables({machine, versions, encode = [], module = [], kernel = [], read = [], phases = []}) {
	return [
		`btfkit ${versions.btfkit}${versions.pahole ? `, pahole ${versions.pahole}` : ''}; ${machine.processor}, ${machine.processors} processors, Node ${machine.node}, Linux ${machine.kernel}`,
		`Medians of ${pairs} ${pairs === 1 ? 'pair' : 'pairs'} in turns, after one round to warm up. btfkit is the whole process as a user starts it, Node included.`,
		'',
		...[...encode, ...module, ...kernel, ...read].map(result => pairTable(result)),
		...phases.map(result => phaseTable(result)),
		...(phases.length > 0 ? [costTable(phases.filter(({cost}) => cost)), memoryTable(phases)] : []),
	].join('\n');
}

/** Something to know that stays on the screen. */
function note(text) {
	progress('');
	process.stderr.write(`${text}\n`);
}

function progress(text) {
	if (process.stderr.isTTY) {
		process.stderr.write(`\r${text}\u001B[K`);
	}
}

function fail(message) {
	console.error(message);
	process.exitCode = 1;
}
