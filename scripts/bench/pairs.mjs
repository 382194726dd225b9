// Two programs that do the same, one after the other, again and again: whatever disturbs the machine for a while
// disturbs both, and the ratio of each pair is taken before the median.
import {peakAnonymous, time} from '../lib/measure.mjs';
import {median} from './statistics.mjs';

/**
 * Measures `[ours, theirs]`. The first round fills the page cache and is not counted; `looks` are runs for memory. What a
 * side needs before each run, `prepare` does.
 */
export async function compare(sides, pairs, say, looks = 2) {
	const runs = sides.map(() => []);
	const sizes = [];
	for (let round = 0; round <= pairs; round++) {
		for (const [index, {name, command, args, options, prepare, check}] of sides.entries()) {
			say(`${round === 0 ? 'warming up' : `pair ${round} of ${pairs}`}: ${name}`);
			prepare?.();
			const taken = await time(command, args, options);
			sizes[index] = check();
			if (round > 0) {
				runs[index].push(taken);
			}
		}
	}

	const measured = [];
	for (const [index, {name, command, args, options, prepare}] of sides.entries()) {
		say(`memory: ${name}`);
		const peaks = [];
		for (let look = 0; look < looks; look++) {
			prepare?.();
			peaks.push(await peakAnonymous(command, args, options));
		}

		const of = key => runs[index].map(run => run[key]);
		measured.push({
			name,
			size: sizes[index],
			wall: median(of('wall')),
			cpu: median(of('cpu')),
			peakAnonymous: Math.max(...peaks),
			runs: runs[index],
		});
	}

	const [ours, theirs] = measured;
	const ratio = key => median(runs[0].map((run, index) => runs[1][index][key] / run[key]));
	return {
		ours,
		theirs,
		// How many times what ours takes theirs takes. Of CPU time the medians: a short run has only a few ticks of it.
		ratios: {wall: ratio('wall'), cpu: theirs.cpu / ours.cpu, peakAnonymous: theirs.peakAnonymous / ours.peakAnonymous},
	};
}
