import process from 'node:process';
import {standard} from './output.js';

/** Quick work, of less than so many seconds, needs no progress. */
const quietFor = 0.3;
/** On a terminal the line is written again after so many seconds. */
const refresh = 0.1;
/** Where there is no terminal, long work says that it goes on after so many seconds, and again. */
const heartbeat = 10;

export interface Progress {
	/** Writes a line for people, without disturbing what is shown. */
	write(line: string): void;
	/** Takes it away. */
	hide(): void;
}

/**
 * Shows that work goes on: on a terminal as a line that changes, else, if it `beats`, as a line now and then. `text` says
 * what is done, given the seconds that it has taken.
 */
export function showProgress(text: (seconds: number) => string, beats = false): Progress {
	const stderr = standard('stderr');
	const start = process.uptime();
	const seconds = () => process.uptime() - start;
	let shown = false;
	const clear = () => {
		if (shown) {
			stderr.write('\r\u001B[K');
			shown = false;
		}
	};

	const show = () => {
		if (!stderr.isTTY) {
			stderr.write(`${text(seconds())}\n`);
		} else if (seconds() >= quietFor) {
			shown = true;
			// A line that wraps could not be taken back.
			stderr.write(`\r${text(seconds()).slice(0, (stderr.columns || 80) - 1)}\u001B[K`);
		}
	};

	const interval = stderr.isTTY ? refresh : heartbeat;
	const timer = stderr.isTTY || beats ? setInterval(show, interval * 1000) : undefined;
	return {
		write(line) {
			clear();
			stderr.write(`${line}\n`);
		},
		hide() {
			clearInterval(timer);
			clear();
		},
	};
}

/** Nothing is shown; lines for people are written as they are. */
export const noProgress: Progress = {
	write(line) {
		standard('stderr').write(`${line}\n`);
	},
	hide() {},
};
