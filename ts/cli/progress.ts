import process from 'node:process';

/** Quick work needs no progress. */
const quietFor = 300;

/** Shows on a terminal that work goes on, until the function that it returns is called. */
export function showProgress(text: string): () => void {
	if (!process.stderr.isTTY) {
		return () => {};
	}

	const start = performance.now();
	let shown = false;
	const timer = setInterval(() => {
		const elapsed = performance.now() - start;
		if (elapsed >= quietFor) {
			shown = true;
			// A line that wraps could not be taken back.
			const line = `${text} … ${(elapsed / 1000).toFixed(1)} s`.slice(0, (process.stderr.columns || 80) - 1);
			process.stderr.write(`\r${line}\u001B[K`);
		}
	}, 100);
	return () => {
		clearInterval(timer);
		if (shown) {
			process.stderr.write('\r\u001B[K');
		}
	};
}
