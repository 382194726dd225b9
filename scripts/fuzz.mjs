// `npm run fuzz`: runs fuzz targets under libFuzzer with the address sanitizer, and tells how often each was executed.
// Needs a nightly toolchain and cargo-fuzz. What was found interesting stays in fuzz/found for the next run, inputs that
// fail in fuzz/artifacts.
import {spawn} from 'node:child_process';
import {existsSync, mkdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import process from 'node:process';
import {parseArgs} from 'node:util';
import {root, run} from './lib/run.mjs';

const targets = new Map([...readFileSync(join(root, 'crates/fuzzing/src/lib.rs'), 'utf8')
	.matchAll(/name: "(\w+)", corpus: "(\w+)"/g)].map(([, name, corpus]) => [name, corpus]));
const {values: {seconds}, positionals} = parseArgs({allowPositionals: true, options: {seconds: {type: 'string', default: '60'}}});
if (!/^\d+$/.test(seconds) || positionals.some(name => !targets.has(name))) {
	console.error(`usage: npm run fuzz -- [TARGET...] [--seconds N]

  TARGET...   which (default: all): ${[...targets.keys()].join(', ')}
  N           for how long each (default: 60); 0: until interrupted, or until one fails`);
	process.exit(2);
}

// What a run may take: far more than any input of this length needs.
const limits = ['-max_len=32768', '-timeout=10', '-rss_limit_mb=1024', '-malloc_limit_mb=256'];
// Looking for leaks after each run in which other threads have freed something took six of seven parts of the time of
// `dwarf_units`, which has such threads. A test watches the memory of thousands of encodes instead.
const options = [...limits, '-detect_leaks=0'];
// The sanitizer keeps 256 MB of freed memory from being used again, and notes where each piece was allocated: a third to
// half of the time of targets that allocate. With less of both an input that fails still fails, and can be tried again.
const sanitizer = {ASAN_OPTIONS: process.env.ASAN_OPTIONS ?? 'quarantine_size_mb=4:malloc_context_size=2:detect_stack_use_after_return=0'};
// Targets that read files write one for each input, which should not wait for a disk.
const memory = existsSync('/dev/shm') ? {TMPDIR: '/dev/shm'} : {};

run('cargo', ['+nightly', 'fuzz', 'build']);
for (const name of positionals.length > 0 ? positionals : targets.keys()) {
	const found = join('fuzz', 'found', name);
	mkdirSync(join(root, found), {recursive: true});
	const {status, executions} = await fuzz(name, [found, join('fuzz', 'corpus', targets.get(name))]);
	console.log(`${name}: ${executions ?? 'an unknown number of'} executions`);
	if (status !== 0) {
		console.error(`${name}: failed; the input is in fuzz/artifacts/${name}`);
		process.exitCode = 1;
	}
}

function fuzz(name, folders) {
	return new Promise(done => {
		const child = spawn('cargo', ['+nightly', 'fuzz', 'run', name, ...folders, '--', `-max_total_time=${seconds}`, '-print_final_stats=1', ...options], {
			cwd: root,
			env: {...process.env, ...sanitizer, ...memory},
			stdio: ['ignore', 'inherit', 'pipe'],
		});
		let executions;
		child.stderr.setEncoding('utf8').on('data', text => {
			process.stderr.write(text);
			executions = /number_of_executed_units: (\d+)/.exec(text)?.[1] ?? executions;
		});
		child.on('close', code => done({status: code ?? 1, executions}));
	});
}
