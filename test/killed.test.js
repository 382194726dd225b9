// Killed at any moment, by a signal that nobody can catch: each file is the old one or the new one, whole, and the next
// run ends as if there had been none before. At which moments is left to chance; what is asked holds at each.
import {cp, mkdir, readFile, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import process from 'node:process';
import {setTimeout as delay} from 'node:timers/promises';
import test from 'ava';
import {btfkit, finish, start} from './helpers/cli.js';
import {largeInput, temporaryFolder} from './helpers/inputs.js';
import {contents, hasGcc, longKernel} from './helpers/modules.js';

const onLinux = process.platform === 'linux' ? test.serial : test.serial.skip;
const compiled = hasGcc && process.platform === 'linux' ? test.serial : test.serial.skip;

const isTemporary = name => /(^|\/)\.btfkit-[^/]*$/.test(name);
const without = (files, unwanted) => Object.fromEntries(Object.entries(files).filter(([name]) => !unwanted(name)));
const isState = name => name.endsWith('.btfkit.state');

/**
 * Runs a command to its end, and then again from the same beginning, killed after a part of that time. `put` puts the
 * beginning into the folder; `left` says which temporary files of a killed run may be there after the next one, which
 * follows where `followed` says so.
 */
async function killedAtAnyMoment(t, {folder, put, args, left, rounds = 8, followed = () => true}) {
	const beginning = async () => {
		await rm(folder, {recursive: true, force: true});
		await mkdir(folder, {recursive: true});
		await put();
		return contents(folder);
	};

	const old = await beginning();
	const began = Date.now();
	const {code, stderr} = await btfkit(args);
	const took = Date.now() - began;
	t.is(code, 0, stderr);
	const wanted = without(await contents(folder), isState);
	const seen = {old: 0, new: 0, temporary: 0, ended: 0};
	for (let round = 1; round <= rounds; round++) {
		await beginning();
		const child = start(args);
		const end = finish(child);
		await delay(took * Math.sqrt(round / (rounds + 1)));
		child.kill('SIGKILL');
		const {signal} = await end;
		seen.ended += signal === null ? 1 : 0;
		const now = await contents(folder);
		for (const [name, bytes] of Object.entries(without(now, isState))) {
			if (isTemporary(name)) {
				seen.temporary++;
				continue;
			}

			t.true(bytes === old[name] || bytes === wanted[name], `${name} after round ${round}`);
			seen[bytes === old[name] ? 'old' : 'new']++;
		}

		t.deepEqual(Object.keys(old).filter(name => !(name in now)), []);
		if (followed(round)) {
			const next = await btfkit(args);
			t.is(next.code, 0, next.stderr);
			t.deepEqual(without(await contents(folder), name => isState(name) || left(name)), wanted);
		}
	}

	t.log(JSON.stringify(seen));
}

onLinux('encode -o', async t => {
	const folder = join(await temporaryFolder(t), 'out');
	await killedAtAnyMoment(t, {
		folder,
		put: () => writeFile(join(folder, 'old.btf'), 'something older'),
		args: ['encode', largeInput(), '-o', join(folder, 'old.btf'), '--quiet'],
		left: isTemporary,
		// Each takes as long as a kernel.
		rounds: 4,
		followed: round => round === 4,
	});
});

compiled('kernel --out', async t => {
	const {vmlinux, modules, out} = await longKernel(t, 200);
	await killedAtAnyMoment(t, {
		folder: out,
		async put() {
			await mkdir(join(out, 'many'));
			await writeFile(join(out, 'vmlinux.btf'), 'something older');
			await writeFile(join(out, 'many/m7.ko.btf'), 'something older');
		},
		args: ['kernel', '--vmlinux', vmlinux, '--modules', modules, '--out', out, '--jobs', '2', '--quiet'],
		left: () => false,
	});
});

compiled('kernel --in-place', async t => {
	const {folder, vmlinux, modules} = await longKernel(t, 200);
	const work = join(folder, 'work');
	await killedAtAnyMoment(t, {
		folder: work,
		async put() {
			await writeFile(join(work, 'vmlinux'), await readFile(vmlinux), {mode: 0o755});
			await cp(modules, join(work, 'modules'), {recursive: true});
		},
		args: ['kernel', '--vmlinux', join(work, 'vmlinux'), '--modules', join(work, 'modules'), '--in-place', '--jobs', '2', '--quiet'],
		// What stands beside vmlinux is in a folder of which the run knows no more than this file.
		left: name => isTemporary(name) && !name.startsWith('modules/'),
	});
});
