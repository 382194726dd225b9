import process from 'node:process';
import {mayBeTerminal, standard, write} from './output.js';

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
	const start = process.uptime();
	const seconds = () => process.uptime() - start;
	let shown = false;
	const clear = () => {
		if (shown) {
			write('stderr', '\r\u001B[K');
			shown = false;
		}
	};

	const show = () => {
		const {columns} = standard('stderr');
		shown = true;
		// A line that wraps could not be taken back.
		write('stderr', `\r${text(seconds()).slice(0, (columns || 80) - 1)}\u001B[K`);
	};

	let timer: NodeJS.Timeout | undefined;
	const beat = () => {
		timer = beats ? setInterval(() => write('stderr', `${text(seconds())}\n`), heartbeat * 1000) : undefined;
	};

	if (mayBeTerminal('stderr')) {
		timer = setTimeout(() => {
			if (standard('stderr').isTTY) {
				show();
				timer = setInterval(show, refresh * 1000);
			} else {
				beat();
			}
		}, quietFor * 1000);
	} else {
		beat();
	}

	return {
		write(line) {
			clear();
			write('stderr', `${line}\n`);
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
		write('stderr', `${line}\n`);
	},
	hide() {},
};
