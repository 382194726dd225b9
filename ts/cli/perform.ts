// How every command runs: interrupted by signals, with progress while it works, and failures told to people and machines.
import process from 'node:process';
import {BtfkitError} from '../errors.js';
import {exitCodes} from './exit-codes.js';
import {listenForInterrupts} from './interrupt.js';
import {standard, writeOutput} from './output.js';
import {showProgress} from './progress.js';

export interface Task {
	/** What errors are about. */
	input: string;
	/** Records for machines are wanted. */
	json: boolean;
	/** Nothing but errors for people. */
	quiet: boolean;
	/** Standard output is for something else, so that records go to standard error, which they have to themselves. */
	outputIsTaken?: boolean;
	/** What is shown on a terminal while it works. */
	progress: string;
}

export interface Tell {
	/** A line for people, unless they want quiet. */
	people(line: string): void;
	/** A record for machines, as one line of JSON, if they want any. */
	machines(record: object): Promise<void>;
	/** Since the work began. */
	seconds: number;
}

/** Runs `work`, which signals interrupt, and then `report`, which tells what came out. Returns the exit code. */
export async function perform<Result>(
	task: Task,
	work: (signal: AbortSignal) => Promise<Result>,
	report: (result: Result, tell: Tell) => Promise<number>,
): Promise<number> {
	const {input, json, quiet, outputIsTaken = false} = task;
	const onlyRecords = json && outputIsTaken;
	const forPeople = (line: string) => {
		if (!onlyRecords) {
			standard('stderr').write(`${line}\n`);
		}
	};

	const forMachines = async (record: object) => {
		const line = `${JSON.stringify(record)}\n`;
		if (!json) {
			return;
		}

		if (outputIsTaken) {
			standard('stderr').write(line);
		} else {
			await writeOutput(line);
		}
	};

	const interrupt = listenForInterrupts();
	const hideProgress = quiet || onlyRecords ? () => {} : showProgress(task.progress);
	const start = process.uptime();
	let result: Result;
	try {
		result = await work(interrupt.signal);
	} catch (error) {
		hideProgress();
		if (!(error instanceof BtfkitError)) {
			throw error;
		}

		const {code} = error;
		const message = code === 'ABORTED' ? `interrupted; nothing was written for ${input}` : error.message;
		forPeople(`btfkit: ${message}`);
		await forMachines({input, error: {code, message}});
		return code === 'ABORTED' ? interrupt.exitCode() : exitCodeOf(error);
	} finally {
		hideProgress();
		interrupt.stopListening();
	}

	return report(result, {
		people: quiet ? () => {} : forPeople,
		machines: forMachines,
		seconds: process.uptime() - start,
	});
}

export function exitCodeOf(error: BtfkitError): number {
	return error.code === 'INVALID_OPTION' ? exitCodes.usage : exitCodes.failed;
}
