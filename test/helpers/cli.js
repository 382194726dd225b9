import {spawn} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import process from 'node:process';
import {setTimeout as delay} from 'node:timers/promises';
import {root} from './inputs.js';

export const bin = join(root, 'bin', 'btfkit.cjs');

/** Starts the command line tool. */
export function start(args, options = {}) {
	const {env, ...rest} = options;
	return spawn(process.execPath, [bin, ...args], {stdio: ['ignore', 'pipe', 'pipe'], env: {...process.env, ...env}, ...rest});
}

/** Runs it to its end. */
export async function btfkit(args, options) {
	return finish(start(args, options));
}

/** Waits for its end: exit code or signal, and all that it wrote. */
export async function finish(child) {
	const stdout = [];
	const stderr = [];
	child.stdout?.on('data', chunk => stdout.push(chunk));
	child.stderr?.on('data', chunk => stderr.push(chunk));
	const [code, signal] = await new Promise((resolve, reject) => {
		child.on('error', reject);
		child.on('close', (...end) => resolve(end));
	});
	return {code, signal, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString()};
}

/** Returns once the process has its input open or mapped, which is when the work begins. */
export async function untilMapped(child, path) {
	while (child.exitCode === null) {
		if (readFileSync(`/proc/${child.pid}/maps`, 'utf8').includes(path)) {
			return;
		}

		await delay(1);
	}

	throw new Error('it ended before the work could be seen to begin');
}
