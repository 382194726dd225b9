import process from 'node:process';
import {standard} from './output.js';

/** Quick work, of less than so many seconds, needs no progress. */
const quietFor = 0.3;

/** Shows on a terminal that work goes on, until the function that it returns is called. */
export function showProgress(text: string): () => void {
	const stderr = standard('stderr');
	if (!stderr.isTTY) {
		return () => {};
	}

	const start = process.uptime();
	let shown = false;
	const timer = setInterval(() => {
		const elapsed = process.uptime() - start;
		if (elapsed >= quietFor) {
			shown = true;
			// A line that wraps could not be taken back.
			const line = `${text} … ${elapsed.toFixed(1)} s`.slice(0, (stderr.columns || 80) - 1);
			stderr.write(`\r${line}\u001B[K`);
		}
	}, 100);
	return () => {
		clearInterval(timer);
		if (shown) {
			stderr.write('\r\u001B[K');
		}
	};
}
