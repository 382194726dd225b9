// Files that somebody cuts and writes while they are read: an error that says so, or a right result, and the process lives.
import {readFile, truncate, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import process from 'node:process';
import {setTimeout as delay} from 'node:timers/promises';
import test from 'ava';
import {btfkit, finish, start} from './helpers/cli.js';
import {largeInput, temporaryFolder} from './helpers/inputs.js';
import {hasGcc, longKernel} from './helpers/modules.js';

const compiled = hasGcc && process.platform === 'linux' ? test.serial : test.serial.skip;
const onLinux = process.platform === 'linux' ? test.serial : test.serial.skip;
const count = 600;
const cutTo = 1000;

/** What a file that was cut or half written may be told to be. */
const codes = ['IO', 'NOT_ELF', 'TRUNCATED', 'MALFORMED_ELF', 'MALFORMED_DWARF', 'NO_SYMTAB', 'NOT_IN_PLACE'];

/** While it runs, each third module is cut and each third becomes another. */
async function disturb(child, modules, other) {
	for (let number = 0; number < count && child.exitCode === null && child.signalCode === null; number++) {
		const path = join(modules, 'many', `m${number}.ko`);
		if (number % 3 === 0) {
			await truncate(path, cutTo);
		} else if (number % 3 === 1) {
			await writeFile(path, other);
		}
	}
}

for (const inPlace of [false, true]) {
	compiled(`kernel ${inPlace ? '--in-place' : '--out'}, modules that are cut and written meanwhile`, async t => {
		const {folder, vmlinux, modules, out} = await longKernel(t, count);
		const [one, two] = await Promise.all(['kernel/net/af_one.ko', 'kernel/net/two.ko'].map(name => readFile(join(modules, name))));
		const base = join(folder, 'base.btf');
		t.is((await btfkit(['encode', vmlinux, '-o', base])).code, 0);
		/** What a module becomes when nobody disturbs. */
		const made = async bytes => {
			const path = join(folder, 'alone.ko');
			await writeFile(path, bytes);
			const where = inPlace ? ['--in-place'] : ['-o', join(folder, 'alone.btf')];
			const {code, stderr} = await btfkit(['encode', path, '--base', base, '--base-ref', 'never', ...where]);
			t.is(code, 0, stderr);
			return readFile(inPlace ? path : join(folder, 'alone.btf'));
		};

		const right = [await made(one), await made(two)];
		const child = start(['kernel', '--base', base, '--modules', modules, '--keep-going', '--json', '--quiet', ...(inPlace ? ['--in-place'] : ['--out', out])]);
		const end = finish(child);
		await disturb(child, modules, two);
		const {code, signal, stdout, stderr} = await end;
		t.is(signal, null, stderr);
		t.true([0, 3].includes(code), stderr);

		const lines = stdout.toString().trimEnd().split('\n').map(line => JSON.parse(line));
		const results = lines.filter(line => line.module !== undefined);
		t.is(results.length, count + 4);
		const seen = {};
		for (const {module, status, error} of results) {
			seen[error?.code ?? status] = (seen[error?.code ?? status] ?? 0) + 1;
			if (status === 'failed') {
				t.true(codes.includes(error.code), `${module}: ${error.code} ${error.message}`);
				continue;
			}

			t.is(status, 'encoded', module);
			const number = /^many\/m(\d+)\.ko$/.exec(module)?.[1];
			if (number !== undefined && !inPlace) {
				const btf = await readFile(join(out, `${module}.btf`));
				t.true(right.some(bytes => bytes.equals(btf)), module);
			}
		}

		t.log(JSON.stringify(seen));
		if (inPlace) {
			// Whole before or after the encoding, or what the cutter made of one of these.
			const whole = [one, two, ...right];
			const allowed = [...whole, ...whole.map(bytes => bytes.subarray(0, cutTo))];
			for (let number = 0; number < count; number++) {
				const now = await readFile(join(modules, 'many', `m${number}.ko`));
				t.true(allowed.some(bytes => bytes.equals(now)), `m${number}.ko`);
			}
		}
	});
}

onLinux('encode --in-place, a file that is cut or written meanwhile', async t => {
	const folder = await temporaryFolder(t);
	const path = join(folder, 'large.so');
	const old = await readFile(largeInput());
	// A kernel's own BTF is not changed in place: here the section has another name.
	const name = old.lastIndexOf('\0.BTF\0');
	if (name !== -1) {
		old[name + 2] = 'X'.charCodeAt(0);
	}

	await writeFile(path, old);
	const began = Date.now();
	t.is((await btfkit(['encode', path, '--in-place'])).code, 0);
	const took = Date.now() - began;
	const made = await readFile(path);
	const other = Buffer.from(old);
	other.fill(0, 1_000_000, 2_000_000);
	await writeFile(path, other);
	await btfkit(['encode', path, '--in-place']);
	// Where the run begins late, it sees only the new one, which may be encoded too.
	const madeOfOther = await readFile(path);
	const seen = {};
	for (const [part, change] of [[0.5, 4096], [0.7, 0], [0.9, 1_000_000], [0.6, undefined], [0.9, undefined]]) {
		await writeFile(path, old);
		const child = start(['encode', path, '--in-place', '--json', '--quiet']);
		const end = finish(child);
		await delay(took * part);
		await (change === undefined ? writeFile(path, other) : truncate(path, change));
		const {code, signal, stdout, stderr} = await end;
		t.is(signal, null, stderr);
		t.true([0, 1].includes(code), stderr);
		const outcome = code === 0 ? 'encoded' : JSON.parse(stdout).error.code;
		seen[outcome] = (seen[outcome] ?? 0) + 1;
		t.true(outcome === 'encoded' || codes.includes(outcome), stderr);
		const now = await readFile(path);
		const wholes = change === undefined ? [made, other, madeOfOther] : [old.subarray(0, change), made.subarray(0, change), made];
		t.true(wholes.some(bytes => bytes.equals(now)), `${outcome}: ${now.length} bytes`);
	}

	t.log(JSON.stringify(seen));
});
