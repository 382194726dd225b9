/** The candidate that `name` is most likely a misspelling of, if there is one near enough. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
	const wanted = name.toLowerCase().replaceAll('-', '_');
	let best: string | undefined;
	let bestDistance = Math.ceil(wanted.length / 3) + 1;
	for (const candidate of candidates) {
		const distance = editDistance(wanted, candidate.toLowerCase().replaceAll('-', '_'));
		if (distance < bestDistance) {
			best = candidate;
			bestDistance = distance;
		}
	}

	return best;
}

/** Levenshtein's distance, by rows. */
function editDistance(from: string, to: string): number {
	let row = Array.from({length: to.length + 1}, (_, column) => column);
	for (let line = 1; line <= from.length; line++) {
		const next = [line];
		for (let column = 1; column <= to.length; column++) {
			const replace = row[column - 1]! + (from[line - 1] === to[column - 1] ? 0 : 1);
			next.push(Math.min(replace, row[column]! + 1, next[column - 1]! + 1));
		}

		row = next;
	}

	return row[to.length]!;
}
