// `npm run bench`: encodes a kernel with btfkit and with pahole, in turns, and compares. Prints a table for people;
// for machines the same goes to bench/results/*.json (and to standard output with --json).
import {spawnSync} from 'node:child_process';
import {existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import {basename, join, resolve} from 'node:path';
import process from 'node:process';
import {parseArgs} from 'node:util';
import {root, run} from './lib/run.mjs';
import {checkTools, installDependencies} from './lib/setup.mjs';
import {peakAnonymous, time} from './lib/measure.mjs';

const usage = `usage: npm run bench -- [FILE] [--pairs N] [--jobs N] [--json]

Without FILE, a kernel by scripts/get-kernel.mjs. pahole is the one on PATH, or $PAHOLE.
  --pairs N  how many times each is timed, in turns; default: 5
  --jobs N   threads of each; default: as many as there are processors
  --json     print JSON instead of the table`;

/** What kernel builds ask pahole for, and btfkit's default. */
const features = 'encode_force,var,float,enum64,decl_tag,type_tag,optimized_func,consistent_func,decl_tag_kfuncs';

const {values, positionals} = parseArgs({
	allowPositionals: true,
	options: {
		help: {type: 'boolean', short: 'h'},
		jobs: {type: 'string', default: String(os.availableParallelism())},
		json: {type: 'boolean', default: false},
		pairs: {type: 'string', default: '5'},
	},
});
if (values.help) {
	console.log(usage);
	process.exit();
}

if (process.platform !== 'linux') {
	fail('the benchmark reads /proc and runs on Linux only');
}

const pairs = Number(values.pairs);
const jobs = Number(values.jobs);
if (!Number.isInteger(pairs) || pairs < 1 || !Number.isInteger(jobs) || jobs < 1) {
	fail(`--pairs and --jobs take whole numbers from 1\n${usage}`);
}

const pahole = findPahole();
checkTools();
installDependencies();
run('npm', ['run', '--silent', 'build'], {stdio: ['ignore', 2, 2]});
const input = positionals.length > 0 ? resolve(process.env.INIT_CWD ?? '.', positionals[0]) : kernel();
const folder = mkdtempSync(join(os.tmpdir(), 'btfkit-bench-'));
try {
	const result = await compare();
	const results = join(root, 'bench', 'results');
	mkdirSync(results, {recursive: true});
	const json = JSON.stringify(result, undefined, '\t');
	writeFileSync(join(results, `encode-${result.date.replaceAll(':', '-')}.json`), `${json}\n`);
	console.log(values.json ? json : table(result));
} finally {
	rmSync(folder, {recursive: true});
}

async function compare() {
	const sides = {
		btfkit: {
			command: process.execPath,
			args: [join(root, 'bin', 'btfkit.cjs'), 'encode', input, '-o', join(folder, 'btfkit.btf'), '--jobs', String(jobs), '--quiet'],
			options: {env: {...process.env, BTFKIT_ADDON: join(root, 'native')}},
			output: join(folder, 'btfkit.btf'),
		},
		pahole: {
			command: pahole.path,
			args: ['-J', `-j${jobs}`, `--btf_encode_detached=${join(folder, 'pahole.btf')}`, ...pahole.flags, input],
			output: join(folder, 'pahole.btf'),
		},
	};
	const measured = {btfkit: {runs: []}, pahole: {runs: []}};
	// The first round fills the page cache and is not counted.
	for (let round = 0; round <= pairs; round++) {
		for (const [name, side] of Object.entries(sides)) {
			progress(`${round === 0 ? 'warming up' : `pair ${round} of ${pairs}`}: ${name}`);
			const times = await time(side.command, side.args, side.options);
			checkOutput(name, side);
			if (round > 0) {
				measured[name].runs.push(times);
			}
		}
	}

	for (const [name, side] of Object.entries(sides)) {
		progress(`memory: ${name}`);
		measured[name].peakAnonymous = Math.max(
			await peakAnonymous(side.command, side.args, side.options),
			await peakAnonymous(side.command, side.args, side.options),
		);
		measured[name].size = statSync(side.output).size;
		measured[name].wall = median(measured[name].runs.map(({wall}) => wall));
		measured[name].cpu = median(measured[name].runs.map(({cpu}) => cpu));
	}

	progress('');
	const ratio = key => median(measured.btfkit.runs.map((run, index) => measured.pahole.runs[index][key] / run[key]));
	return {
		date: new Date().toISOString(),
		input: {name: basename(input), size: statSync(input).size},
		jobs,
		pairs,
		machine: {processor: os.cpus()[0]?.model, processors: os.availableParallelism(), memory: os.totalmem(), kernel: os.release(), node: process.version},
		versions: {btfkit: JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version, pahole: pahole.version},
		...measured,
		// How many times what btfkit takes pahole takes: the median of the pairs' ratios.
		ratios: {
			wall: ratio('wall'),
			cpu: ratio('cpu'),
			peakAnonymous: measured.pahole.peakAnonymous / measured.btfkit.peakAnonymous,
		},
	};
}

/** pahole ends with 0 when it could not encode; what it wrote is the better witness. */
function checkOutput(name, {output}) {
	if (!existsSync(output) || statSync(output).size <= 24) {
		fail(`${name} made no BTF of ${input}`);
	}
}

function findPahole() {
	const path = process.env.PAHOLE || 'pahole';
	const said = spawnSync(path, ['--version'], {encoding: 'utf8'});
	if (said.status !== 0) {
		fail(`${path} does not run: install pahole (Debian's package is dwarves), or name one with PAHOLE=/path/to/pahole`);
	}

	// Before 1.26 there was a flag for each feature, and most were on.
	const help = spawnSync(path, ['--help'], {encoding: 'utf8'});
	const knows = flag => `${help.stdout}${help.stderr}`.includes(flag);
	const flags = knows('--btf_features=')
		? [`--btf_features=${features}`]
		: ['--btf_gen_floats', '--btf_gen_optimized', '--skip_encoding_btf_inconsistent_proto'].filter(flag => knows(flag));
	return {path, version: said.stdout.trim(), flags};
}

function kernel() {
	const got = spawnSync(process.execPath, [join(root, 'scripts', 'get-kernel.mjs')], {encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit']});
	if (got.status !== 0) {
		fail('name a vmlinux with DWARF: npm run bench -- PATH');
	}

	return got.stdout.trim();
}

function table({input, jobs, pairs, machine, versions, btfkit, pahole, ratios}) {
	const seconds = value => `${value.toFixed(3)} s`;
	const megabytes = value => `${(value / 1e6).toFixed(1)} MB`;
	const range = (runs, key) => `${Math.min(...runs.map(run => run[key])).toFixed(2)}–${Math.max(...runs.map(run => run[key])).toFixed(2)} s`;
	const times = value => `${value.toFixed(2)}×`;
	const rows = [
		['', `btfkit ${versions.btfkit}`, `pahole ${versions.pahole}`, 'pahole / btfkit'],
		['wall time', seconds(btfkit.wall), seconds(pahole.wall), times(ratios.wall)],
		['  from – to', range(btfkit.runs, 'wall'), range(pahole.runs, 'wall'), ''],
		['CPU time', seconds(btfkit.cpu), seconds(pahole.cpu), times(ratios.cpu)],
		['  from – to', range(btfkit.runs, 'cpu'), range(pahole.runs, 'cpu'), ''],
		['peak anonymous memory', megabytes(btfkit.peakAnonymous), megabytes(pahole.peakAnonymous), times(ratios.peakAnonymous)],
		['size of the BTF', megabytes(btfkit.size), megabytes(pahole.size), ''],
	];
	const widths = rows[0].map((_, column) => Math.max(...rows.map(row => row[column].length)));
	return [
		`${input.name} (${megabytes(input.size)}), ${jobs} jobs, medians of ${pairs} pairs in turns after one round to warm up`,
		`${machine.processor}, ${machine.processors} processors, Node ${machine.node.slice(1)}, Linux ${machine.kernel}`,
		'',
		...rows.map(row => row.map((cell, column) => column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])).join('   ').trimEnd()),
		'',
		'btfkit is the whole process as a user starts it, Node included. Anonymous memory is RssAnon, sampled every',
		'millisecond in runs of their own, the larger of two; mapped files are not in it.',
	].join('\n');
}

function median(numbers) {
	const sorted = [...numbers].sort((a, b) => a - b);
	const middle = Math.floor(sorted.length / 2);
	return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function progress(text) {
	if (process.stderr.isTTY) {
		process.stderr.write(`\r${text}\u001B[K`);
	} else if (text !== '') {
		process.stderr.write(`${text}\n`);
	}
}

function fail(message) {
	console.error(message);
	process.exit(1);
}
