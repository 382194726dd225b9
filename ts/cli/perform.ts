// How every command runs: interrupted by signals, with progress while it works, and failures told to people and machines.
import process from 'node:process';
import {BtfkitError} from '../errors.js';
import {OptionError} from '../options/error.js';
import {exitCodes} from './exit-codes.js';
import {listenForInterrupts} from './interrupt.js';
import {writeAll} from './output.js';
import {noProgress, showProgress} from './progress.js';

export interface Task {
	/** What errors are about. */
	input: string;
	/** Records for machines are wanted. */
	json: boolean;
	/** Nothing but errors for people. */
	quiet: boolean;
	/** Standard output is for something else, so that records go to standard error, which they have to themselves. */
	outputIsTaken?: boolean;
	/** What is shown while it works: what is done, or, given the seconds that it has taken, how far it is. */
	progress: string | ((seconds: number) => string);
	/** Is it so long that it says now and then that it goes on, where there is no terminal? */
	isLong?: boolean;
	/** The flag that names where the BTF goes when it cannot go into the input. */
	elsewhere?: string;
	/** What an interruption leaves. Default: nothing was written. */
	interrupted?: string;
}

export interface Tell {
	/** A line for people, unless they want quiet. */
	people(line: string): void;
	/** A line for people, also if they want quiet. */
	error(line: string): void;
	/** A record for machines, as one line of JSON, if they want any. */
	machines(...records: object[]): Promise<void>;
	/** Since the work began. */
	readonly seconds: number;
}

/** Runs `work`, which signals interrupt, and then `report`, which tells what came out. Returns the exit code. */
export async function perform<Result>(
	task: Task,
	work: (signal: AbortSignal, tell: Tell) => Promise<Result>,
	report: (result: Result, tell: Tell) => Promise<number>,
): Promise<number> {
	const {input, json, quiet, outputIsTaken = false} = task;
	const onlyRecords = json && outputIsTaken;
	const interrupt = listenForInterrupts();
	const progress = quiet || onlyRecords ? noProgress : showProgress(progressOf(task), task.isLong);
	const start = process.uptime();
	const tell: Tell = {
		people(line) {
			if (!quiet) {
				tell.error(line);
			}
		},
		error(line) {
			if (!onlyRecords) {
				progress.write(line);
			}
		},
		async machines(...records) {
			if (!json || records.length === 0) {
				return;
			}

			const lines = records.map(record => `${JSON.stringify(record)}\n`).join('');
			await writeAll(outputIsTaken ? 'stderr' : 'stdout', lines);
		},
		get seconds() {
			return process.uptime() - start;
		},
	};

	let result: Result;
	try {
		result = await work(interrupt.signal, tell);
	} catch (error) {
		progress.hide();
		if (!(error instanceof BtfkitError)) {
			throw error;
		}

		const {code} = error;
		const {interrupted = `nothing was written for ${input}`} = task;
		const message = code === 'ABORTED' ? `interrupted; ${interrupted}` : withFlag(code, messageOf(error), task.elsewhere);
		tell.error(`btfkit: ${message}`);
		// Whatever becomes of this, the exit code says that it failed: the failure may be that nothing can be written there.
		await tell.machines({input, error: {code, message}}).catch(() => {});
		return code === 'ABORTED' ? interrupt.exitCode() : exitCodeOf(error);
	} finally {
		progress.hide();
		interrupt.stopListening();
	}

	return report(result, tell);
}

function progressOf({progress}: Task): (seconds: number) => string {
	return typeof progress === 'string' ? seconds => `${progress} … ${seconds.toFixed(1)} s` : progress;
}

/** With flags in the place of the API's names of options. */
export function messageOf(error: BtfkitError): string {
	return error instanceof OptionError ? error.spell(flagOf) : error.message;
}

/** What cannot be changed in place has its BTF written elsewhere, as the end of the message says. */
export function withFlag(code: string, message: string, flag = '-o'): string {
	return code === 'NOT_IN_PLACE' ? `${message} with ${flag}` : message;
}

/** A flag is its option's name with hyphens. */
function flagOf(option: string): string {
	return `--${option.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`;
}

export function exitCodeOf(error: BtfkitError): number {
	switch (error.code) {
		case 'INVALID_OPTION': {
			return exitCodes.usage;
		}

		// As it was asked for.
		case 'SKIPPED': {
			return exitCodes.done;
		}

		default: {
			return exitCodes.failed;
		}
	}
}
