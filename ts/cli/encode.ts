// `btfkit encode`: one file in, its BTF out.
import {basename} from 'node:path';
import process from 'node:process';
import type {EncodeOptions} from '../encode.js';
import {BtfkitError} from '../errors.js';
import type {Report} from '../report.js';
import {run, runToFile} from '../run.js';
import {exitCodes} from './exit-codes.js';
import {listenForInterrupts} from './interrupt.js';
import {standard, writeOutput} from './output.js';
import {showProgress} from './progress.js';
import {summarize, warnings} from './summary.js';

interface CommandOptions extends EncodeOptions {
	output?: string;
	json?: boolean;
	quiet?: boolean;
}

export async function encodeCommand(file: string, commandOptions: CommandOptions): Promise<number> {
	const {output, json = false, quiet = false, ...options} = commandOptions;
	const toOutput = output === '-';
	// With -o - the report has standard error to itself, so that machines can read it.
	const forPeople = (line: string) => json && toOutput ? undefined : standard('stderr').write(`${line}\n`);
	const forMachines = async (record: object) => {
		const line = `${JSON.stringify(record)}\n`;
		if (toOutput) {
			standard('stderr').write(line);
		} else {
			await writeOutput(line);
		}
	};

	const interrupt = listenForInterrupts();
	const hideProgress = quiet || (json && toOutput) ? () => {} : showProgress(`encoding ${basename(file)}`);
	const start = process.uptime();
	let target: string;
	let report: () => Report;
	try {
		if (file === '-') {
			throw new BtfkitError('INVALID_OPTION', 'standard input cannot be read: name a file');
		}

		if (toOutput && standard('stdout').isTTY) {
			throw new BtfkitError('INVALID_OPTION', 'standard output is a terminal, and BTF is not text: redirect it, or use -o FILE');
		}

		options.signal = interrupt.signal;
		if (toOutput) {
			const result = await run(file, options);
			({report} = result);
			target = 'standard output';
			await writeOutput(result.btf);
		} else {
			({report, path: target} = await runToFile(file, output, options));
		}
	} catch (error) {
		hideProgress();
		if (!(error instanceof BtfkitError)) {
			throw error;
		}

		const {code} = error;
		const message = code === 'ABORTED' ? `interrupted; nothing was written for ${file}` : error.message;
		forPeople(`btfkit: ${message}`);
		if (json) {
			await forMachines({input: file, error: {code, message}});
		}

		switch (code) {
			case 'ABORTED': {
				return interrupt.exitCode();
			}

			case 'INVALID_OPTION': {
				return exitCodes.usage;
			}

			default: {
				return exitCodes.failed;
			}
		}
	} finally {
		hideProgress();
		interrupt.stopListening();
	}

	if (!quiet) {
		for (const line of [...warnings(report()), summarize(target, report(), process.uptime() - start)]) {
			forPeople(line);
		}
	}

	if (json) {
		await forMachines({input: file, output: toOutput ? '-' : target, ...report()});
	}

	return exitCodes.done;
}
