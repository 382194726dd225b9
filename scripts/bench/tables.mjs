// Results for people.
import {sum} from './statistics.mjs';

const seconds = value => value < 1 ? `${(value * 1000).toFixed(0)} ms` : `${value.toFixed(2)} s`;
const milliseconds = value => `${value.toFixed(1)} ms`;
const megabytes = value => value < 1e5 ? `${(value / 1e3).toFixed(1)} kB` : `${(value / 1e6).toFixed(1)} MB`;
const times = value => `${value.toFixed(2)}×`;
const range = (runs, key) => {
	const all = runs.map(run => run[key]);
	return `${seconds(Math.min(...all))} – ${seconds(Math.max(...all))}`;
};

/** Two programs side by side. */
export function pairTable({title, ours, theirs, ratios}) {
	return table(title, [
		['', ours.name, theirs.name, `${theirs.name} / ${ours.name}`],
		['wall time', seconds(ours.wall), seconds(theirs.wall), times(ratios.wall)],
		['  from – to', range(ours.runs, 'wall'), range(theirs.runs, 'wall'), ''],
		['CPU time', seconds(ours.cpu), seconds(theirs.cpu), times(ratios.cpu)],
		['peak anonymous memory', megabytes(ours.peakAnonymous), megabytes(theirs.peakAnonymous), times(ratios.peakAnonymous)],
		...(ours.size ? [['size of the BTF', megabytes(ours.size), megabytes(theirs.size), '']] : []),
	]);
}

/** Phases by number of threads, and the gain. */
export function phaseTable({input, byJobs, gain}) {
	const jobs = Object.keys(byJobs);
	const names = Object.keys(byJobs[jobs[0]].phases);
	const row = (name, of) => {
		const values = jobs.map(count => of(byJobs[count]));
		return [name, ...values.map(value => milliseconds(value)), ...(gain ? [times(values[0] / values.at(-1))] : [])];
	};

	const all = ({phases}) => sum(Object.values(phases));
	return table(`${input.name}: phases`, [
		['', ...jobs.map(count => count === '1' ? '1 thread' : `${count} threads`), ...(gain ? ['gain'] : [])],
		...names.map(name => row(name, ({phases}) => phases[name])),
		row('start-up and the rest', run => run.wall - all(run)),
		row('whole process', ({wall}) => wall),
		...(gain ? [['walk and dedup', ...jobs.map(() => ''), times(gain.both)]] : []),
	]);
}

export function costTable(rows) {
	return table('Cost by size of .debug_info, on 1 thread', [
		['', '.debug_info', 'walk / MB', 'all phases / MB', 'whole process / MB'],
		...rows.map(({input, cost}) => [input.name, `${cost.megabytes.toFixed(1)} MB`, milliseconds(cost.walk), milliseconds(cost.phases), milliseconds(cost.wall)]),
	]);
}

export function memoryTable(rows) {
	return table('Peak anonymous memory, and what was expected (crates/encode/src/memory/need.rs)', [
		['', 'threads', 'measured', 'expected', 'measured / expected'],
		...rows.flatMap(({input, byJobs}) => Object.entries(byJobs).map(([jobs, {peakAnonymous, memoryEstimate}]) =>
			[input.name, jobs, megabytes(peakAnonymous), megabytes(memoryEstimate), times(peakAnonymous / memoryEstimate)])),
	]);
}

function table(title, rows) {
	const widths = rows[0].map((_, column) => Math.max(...rows.map(row => row[column].length)));
	const lines = rows.map(row => row.map((cell, column) => column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])).join('   ').trimEnd());
	return [title, ...lines, ''].join('\n');
}
