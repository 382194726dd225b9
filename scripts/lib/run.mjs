// Running a command as a step of a script. Plain Node: these scripts work before anything is installed.
import {spawnSync} from 'node:child_process';
import process from 'node:process';
import {fileURLToPath} from 'node:url';

/** The folder of the checkout. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Runs a command in the checkout with its output shown; returns its exit code (1 when it was killed or is missing). */
export function attempt(command, args, options = {}) {
	const {status, error} = spawnSync(command, args, {cwd: root, stdio: 'inherit', ...options});
	if (error?.code === 'ENOENT') {
		console.error(`${command} was not found: is it installed and on PATH?`);
	}

	return status ?? 1;
}

/** As `attempt`, but the whole script ends when the command fails. */
export function run(command, args, options = {}) {
	const status = attempt(command, args, options);
	if (status !== 0) {
		console.error(`failed: ${[command, ...args].join(' ')}`);
		process.exit(status);
	}
}
