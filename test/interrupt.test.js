// Ctrl-C while it works: 130, and the world as before.
import {readFileSync} from 'node:fs';
import {symlink, writeFile, readFile, realpath} from 'node:fs/promises';
import {join} from 'node:path';
import {setTimeout as delay} from 'node:timers/promises';
import test from 'ava';
import {finish, start} from './helpers/cli.js';
import {largeInput, names, temporaryFolder} from './helpers/inputs.js';

const onLinux = process.platform === 'linux' ? test.serial : test.serial.skip;

for (const [signal, exitCode] of [['SIGINT', 130], ['SIGTERM', 143]]) {
	onLinux(`${signal} ends it with ${exitCode}, no output and no temporary file`, async t => {
		const folder = await temporaryFolder(t);
		const input = join(folder, 'large');
		await symlink(largeInput(), input);
		await writeFile(join(folder, 'large.btf'), 'something older');

		const child = start(['encode', input, '--jobs', '1']);
		const end = finish(child);
		await untilMapped(child, await realpath(input));
		child.kill(signal);
		const {code, stderr} = await end;
		t.is(code, exitCode, stderr);
		t.regex(stderr, /interrupted; nothing was written/);
		t.deepEqual(await names(folder), ['large', 'large.btf']);
		t.is(await readFile(join(folder, 'large.btf'), 'utf8'), 'something older');
	});
}

/** Returns once the process has its input open or mapped, which is when the work begins. */
async function untilMapped(child, path) {
	while (child.exitCode === null) {
		if (readFileSync(`/proc/${child.pid}/maps`, 'utf8').includes(path)) {
			return;
		}

		await delay(1);
	}

	throw new Error('it ended before the work could be seen to begin');
}
