// Where btfkit's time goes, by its own report: phases, what a second thread gains, what a megabyte costs, and how well
// memory was foreseen.
import {spawnSync} from 'node:child_process';
import {peakAnonymous} from '../lib/measure.mjs';
import {btfkitEncodes} from './programs.mjs';
import {median, sum} from './statistics.mjs';

/** The phases that all threads share in. */
export const parallel = ['walk', 'dedup'];

/**
 * Medians of the phases at each number of threads, in turns: `{jobs: {phases: {name: milliseconds}, wall, …}}`. `wall`
 * is the whole process; what no phase accounts for is Node's start, the addon's loading and the report.
 */
export async function phases(input, jobs, rounds, output, say) {
	const runs = Object.fromEntries(jobs.map(count => [count, []]));
	for (let round = 0; round <= rounds; round++) {
		for (const count of jobs) {
			say(`phases, ${count} ${count === 1 ? 'thread' : 'threads'}, round ${round} of ${rounds}: ${input.name}`);
			const run = runOnce(input, count, output);
			if (round > 0) {
				runs[count].push(run);
			}
		}
	}

	const results = {};
	for (const count of jobs) {
		const {command, args, options} = btfkitEncodes(input, count, output, '--quiet');
		const [{report}] = runs[count];
		results[count] = {
			phases: Object.fromEntries(report.phases.map(({name}, index) =>
				[name, median(runs[count].map(run => run.report.phases[index].milliseconds))])),
			wall: median(runs[count].map(run => run.wall)),
			peakAnonymous: await peakAnonymous(command, args, options),
			memoryEstimate: report.memoryEstimate,
		};
	}

	return results;
}

function runOnce(input, count, output) {
	const {command, args, options} = btfkitEncodes(input, count, output, '--json', '--quiet');
	const start = performance.now();
	const {status, stdout, stderr} = spawnSync(command, args, {...options, encoding: 'utf8', maxBuffer: 2 ** 28});
	const wall = performance.now() - start;
	if (status !== 0) {
		throw new Error(`btfkit ended with ${status} on ${input.path}:\n${stderr}`);
	}

	return {wall, report: JSON.parse(stdout)};
}

/** How many times as fast the parallel phases are with more threads: `{walk, dedup, both}`. */
export function scaling(one, several) {
	const gain = names => sum(names.map(name => one.phases[name])) / sum(names.map(name => several.phases[name]));
	return {...Object.fromEntries(parallel.map(name => [name, gain([name])])), both: gain(parallel)};
}

/** Milliseconds for each megabyte of `.debug_info`. */
export function cost(input, {phases: byName, wall}) {
	const megabytes = input.debugInfo / 1e6;
	const all = sum(Object.values(byName));
	return {megabytes, wall: wall / megabytes, phases: all / megabytes, walk: byName.walk / megabytes};
}
