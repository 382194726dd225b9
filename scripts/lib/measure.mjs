// Measuring one command at a time, on Linux.
import {spawn, spawnSync} from 'node:child_process';
import {readFileSync} from 'node:fs';

const ticksPerSecond = Number(spawnSync('getconf', ['CLK_TCK'], {encoding: 'utf8'}).stdout) || 100;

/** Seconds of CPU that ended children of this process took, in user and system mode. */
function childrenTime() {
	// After the command's name, which may hold anything, the fields are plain: cutime and cstime are the 14th and 15th.
	const fields = readFileSync('/proc/self/stat', 'utf8').replace(/^.*\) /s, '').split(' ');
	return (Number(fields[13]) + Number(fields[14])) / ticksPerSecond;
}

/** Runs a command; returns wall and CPU time in seconds. CPU time has the kernel's resolution, mostly 0.01 s. */
export async function time(command, args, options) {
	const cpuBefore = childrenTime();
	const start = performance.now();
	const end = await run(command, args, options);
	return {wall: (end - start) / 1000, cpu: childrenTime() - cpuBefore};
}

/** Bytes of anonymous memory that a process and those that it has started have; 0 where it has ended. */
function anonymous(pid) {
	try {
		const kilobytes = /^RssAnon:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
		const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
		return children.reduce((total, child) => total + anonymous(child), Number(kilobytes ?? 0) * 1024);
	} catch {
		return 0;
	}
}

/**
 * Runs a command; returns the most anonymous memory that it and its children were seen to have together, in bytes. The kernel keeps no peak of
 * anonymous memory alone (VmHWM counts mapped files too, which the page cache holds anyway), so that RssAnon is read
 * again and again; this takes time from the command, so such a run is not for timing.
 */
export async function peakAnonymous(command, args, options) {
	let peak = 0;
	await run(command, args, options, pid => {
		const timer = setInterval(() => {
			peak = Math.max(peak, anonymous(pid));
		}, 1);
		return () => clearInterval(timer);
	});
	return peak;
}

/** Resolves with the time of its end. A command that fails rejects with what it said. */
function run(command, args, options, watch) {
	return new Promise((resolve, reject) => {
		const child = spawn(command, args, {stdio: ['ignore', 'ignore', 'pipe'], ...options});
		const stop = child.pid && watch?.(child.pid);
		let end;
		let said = '';
		child.stderr.on('data', chunk => {
			said = (said + chunk).slice(-4000);
		});
		child.on('exit', () => {
			end = performance.now();
			stop?.();
		});
		child.on('error', reject);
		child.on('close', code => {
			if (code === 0) {
				resolve(end);
			} else {
				reject(new Error(`${command} ${args.join(' ')} ended with ${code}:\n${said}`));
			}
		});
	});
}
