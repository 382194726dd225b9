// Ctrl-C while it works: 130, and the world as before.
import {symlink, writeFile, readFile, realpath} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {finish, start, untilMapped} from './helpers/cli.js';
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
