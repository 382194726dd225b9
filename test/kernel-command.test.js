// `btfkit kernel`: what it writes where, in which order it tells, what it does again and what not.
import {spawnSync} from 'node:child_process';
import {appendFile, chmod, cp, mkdir, readFile, rename, rm, stat, symlink, truncate, utimes, writeFile} from 'node:fs/promises';
import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import process from 'node:process';
import {setTimeout as delay} from 'node:timers/promises';
import test from 'ava';
import {header, isRoot} from './helpers/btf.js';
import {bin, btfkit, finish, start} from './helpers/cli.js';
import {names, temporaryFolder} from './helpers/inputs.js';
import {all, contents, hasGcc, kernel, longKernel, moduleNames, results, smallKernel, state, statuses} from './helpers/modules.js';

const compiled = hasGcc ? test : test.skip;
compiled('writes vmlinux.btf and a file for each module under its own path', async t => {
	const {vmlinux, modules, out} = await smallKernel(t);
	const {code, stderr, results: told, summary} = await kernel(['--vmlinux', vmlinux, '--modules', modules, '--out', out]);
	t.is(code, 0, stderr);
	t.deepEqual(Object.keys(await results(out)), [...moduleNames.map(name => `${name}.btf`), 'vmlinux.btf'].sort());
	t.deepEqual(told.map(({module}) => module), moduleNames);
	for (const {module, status, output, types, size, skipped, diagnostics, milliseconds} of told) {
		t.is(status, 'encoded');
		t.is(output, join(out, `${module}.btf`));
		const btf = await readFile(output);
		header(btf);
		t.is(size, btf.length);
		t.true(types > 0 && milliseconds > 0);
		t.deepEqual([skipped, diagnostics], [0, 0]);
		// What the base has is not repeated.
		t.false(btf.includes('shared\0'), module);
		t.true(btf.includes('_open\0'), module);
	}

	t.like(summary, {modules: 4, encoded: 4, failed: 0, notBegun: 0, base: {encoded: true, inputs: [vmlinux]}});
	t.is(summary.types, told.reduce((sum, {types}) => sum + types, 0));
	t.is(summary.base.size, (await readFile(join(out, 'vmlinux.btf'))).length);
});

compiled('a line for people, and nothing on standard output', async t => {
	const {vmlinux, modules, out} = await smallKernel(t);
	const {code, stdout, stderr} = await btfkit(['kernel', '--vmlinux', vmlinux, '--modules', modules, '--out', out]);
	t.is(code, 0);
	t.is(stdout.toString(), '');
	t.regex(stderr, /^\S+out: 4 modules; 4 encoded; \d+ types, .* on a base of \d+ types, .*\d s\n$/);
	const quiet = await btfkit(['kernel', '--vmlinux', vmlinux, '--modules', modules, '--out', out, '-q', '--force']);
	t.deepEqual([quiet.code, quiet.stderr], [0, '']);
});

compiled('a base that is there gives the same as the kernel that it was made from', async t => {
	const {folder, vmlinux, modules, out} = await smallKernel(t);
	await kernel(['--vmlinux', vmlinux, '--modules', modules, '--out', out]);
	const base = join(folder, 'base.btf');
	await rename(join(out, 'vmlinux.btf'), base);
	const other = join(folder, 'other');
	const {code, summary} = await kernel(['--base', base, '--modules', modules, '--out', other]);
	t.is(code, 0);
	t.like(summary.base, {encoded: false, inputs: [base], size: (await stat(base)).size});
	t.deepEqual(await results(other), await results(out));
});

compiled('modules on a module: only where it is asked for', async t => {
	const {folder, vmlinux, modules, out} = await smallKernel(t);
	await kernel(['--vmlinux', vmlinux, '--modules', modules, '--out', out]);
	const [base, one] = [join(out, 'vmlinux.btf'), join(out, 'kernel/net/af_one.ko.btf')];
	const upper = join(folder, 'upper');
	const {code, summary, results: told} = await kernel(['--base', base, '--base', one, '--modules', modules, '--out', upper]);
	t.is(code, 0);
	t.deepEqual(summary.base.inputs, [base, one]);
	const {types} = told.find(({module}) => module.endsWith('af_one.ko'));
	const alone = (await kernel(['--base', base, '--modules', modules])).results.find(({module}) => module.endsWith('af_one.ko'));
	t.true(types < alone.types, `${types} on itself, ${alone.types} on the kernel`);
});

compiled('the number of jobs changes neither a byte nor the order', async t => {
	const {folder, vmlinux, modules} = await longKernel(t, 40);
	const runs = await Promise.all(['1', '2', '7'].map(async jobs => {
		const out = join(folder, jobs);
		const {results: told} = await kernel(['--vmlinux', vmlinux, '--modules', modules, '--out', out, '--jobs', jobs]);
		return {files: await results(out), told: told.map(({module, types, size}) => ({module, types, size}))};
	}));
	t.is(runs[0].told.length, 44);
	t.deepEqual(runs[1], runs[0]);
	t.deepEqual(runs[2], runs[0]);
	const paths = runs[0].told.map(({module}) => module);
	t.deepEqual(paths, [...paths].sort());
});

compiled('shards together are the whole', async t => {
	const {folder, vmlinux, modules} = await longKernel(t, 40);
	const [whole, parts] = [join(folder, 'whole'), join(folder, 'parts')];
	await kernel(['--vmlinux', vmlinux, '--modules', modules, '--out', whole]);
	const told = await Promise.all([1, 2, 3].map(async number => {
		const {code, results} = await kernel(['--vmlinux', vmlinux, '--modules', modules, '--out', parts, '--shard', `${number}/3`]);
		t.is(code, 0);
		return results.map(({module}) => module);
	}));
	t.deepEqual(told.map(({length}) => length), [15, 15, 14]);
	t.is(new Set(told.flat()).size, 44);
	t.deepEqual(await results(parts), await results(whole));
	const {summary} = await kernel(['--vmlinux', vmlinux, '--modules', modules, '--out', parts]);
	t.like(summary, {current: 44, encoded: 0});
});

compiled('what is up to date is left, and what has changed is not', async t => {
	const {vmlinux, modules, out} = await smallKernel(t);
	const args = ['--vmlinux', vmlinux, '--modules', modules, '--out', out];
	const first = await kernel(args);
	const again = await kernel(args);
	t.is(again.code, 0);
	t.deepEqual(statuses(again.results), all('current'));
	t.is(again.summary.base.encoded, false);
	t.deepEqual(again.results.map(({size, output}) => ({size, output})), first.results.map(({size, output}) => ({size, output})));

	// One of the modules is built again, a result is lost, another one damaged.
	await utimes(join(modules, 'kernel/three.ko'), new Date(), new Date());
	await rm(join(out, 'kernel/net/two.ko.btf'));
	await truncate(join(out, 'kernel/fs/four.ko.btf'), 10);
	const changed = await kernel(args);
	t.deepEqual(statuses(changed.results), {...all('encoded'), 'kernel/net/af_one.ko': 'current'});

	for (const more of [['--features', 'var'], ['--features', 'var', '--lang-exclude', 'rust'], ['--features', 'var', '--lang-exclude', 'rust', '--strict']]) {
		const other = await kernel([...args, ...more]);
		t.deepEqual(statuses(other.results), all('encoded'), more.join(' '));
	}

	await kernel([...args, '--force']);
	const forced = await kernel([...args, '--force', '--jobs', '1']);
	t.deepEqual(statuses(forced.results), all('encoded'));
	t.is(forced.summary.base.encoded, true);
	t.deepEqual(statuses((await kernel(args)).results), all('current'));
});

compiled('another base makes everything anew', async t => {
	const {vmlinux, modules, out} = await smallKernel(t);
	await kernel(['--vmlinux', vmlinux, '--modules', modules, '--out', out]);
	await cp(join(modules, 'kernel/net/two.ko'), vmlinux);
	const {results: told, summary} = await kernel(['--vmlinux', vmlinux, '--modules', modules, '--out', out]);
	t.deepEqual(statuses(told), all('encoded'));
	t.is(summary.base.encoded, true);
});

compiled('a module that has nothing any more leaves no result behind', async t => {
	const {vmlinux, modules, out} = await smallKernel(t);
	const args = ['--vmlinux', vmlinux, '--modules', modules, '--out', out];
	await kernel(args);
	const three = join(modules, 'kernel/three.ko');
	const bytes = await readFile(three);
	await writeFile(three, Buffer.from(bytes.toString('latin1').replaceAll('.debug_', '.other_'), 'latin1'));
	await cp(vmlinux, join(modules, 'kernel/net/two.ko'));
	const {code, results: told} = await kernel(args);
	t.is(code, 0);
	t.like(statuses(told), {'kernel/three.ko': 'no-dwarf', 'kernel/fs/four.ko': 'current'});
	t.false(existsSync(join(out, 'kernel/three.ko.btf')));
	const again = await kernel(args);
	t.deepEqual(statuses(again.results), statuses(told.map(one => one.status === 'encoded' ? {...one, status: 'current'} : one)));
});

compiled('a broken module fails alone', async t => {
	const {vmlinux, modules, out} = await smallKernel(t);
	const broken = join(modules, 'kernel/net/two.ko');
	await writeFile(broken, (await readFile(broken)).subarray(0, 1000));
	const args = ['--vmlinux', vmlinux, '--modules', modules, '--out', out];
	const going = await kernel([...args, '--keep-going']);
	t.is(going.code, 3);
	t.deepEqual(statuses(going.results), {...all('encoded'), 'kernel/net/two.ko': 'failed'});
	t.like(going.summary, {encoded: 3, failed: 1, notBegun: 0});
	t.is(going.results[2].error.code, 'TRUNCATED');
	t.is(going.stderr.match(/^btfkit: .*two\.ko/gm).length, 1);
	t.false(existsSync(join(out, 'kernel/net/two.ko.btf')));

	const {code, results: told, summary, stderr} = await kernel([...args, '--force', '--jobs', '1']);
	t.is(code, 1);
	t.is(told.filter(({status}) => status === 'failed').length, 1);
	t.is(summary.encoded + summary.failed + summary.notBegun, 4);
	t.is(stderr.match(/two\.ko/g).length, 1);

	const repaired = await smallKernel(t);
	await cp(join(repaired.modules, 'kernel/net/two.ko'), broken);
	t.is((await kernel(args)).code, 0);
});

compiled('a base that is missing: an error, or the words of kernel builds', async t => {
	const {folder, modules, out} = await smallKernel(t);
	const missing = join(folder, 'missing');
	for (const flag of ['--vmlinux', '--base']) {
		const {code, error, stderr} = await kernel([flag, missing, '--modules', modules, '--out', out]);
		t.is(code, 1);
		t.is(error.code, 'NOT_FOUND');
		t.true(stderr.includes(missing));

		const skipping = await kernel([flag, missing, '--modules', modules, '--out', out, '--missing-base', 'skip']);
		t.is(skipping.code, 0);
		t.deepEqual(statuses(skipping.results), all('base-missing'));
		t.is(skipping.summary.base, null);
		for (const name of moduleNames) {
			t.true(skipping.stderr.includes(`Skipping BTF generation for ${name} due to unavailability of vmlinux\n`));
		}
	}

	t.deepEqual(await names(out), []);
});

compiled('--in-place puts it into the files, once', async t => {
	const {folder, vmlinux, modules, out} = await smallKernel(t);
	await symlink('three.ko', join(modules, 'kernel/link.ko'));
	await kernel(['--vmlinux', vmlinux, '--modules', modules, '--out', out]);
	const base = join(out, 'vmlinux.btf');
	const args = ['--base', base, '--modules', modules, '--in-place'];
	const first = await kernel(args);
	t.is(first.code, 0, first.stderr);
	t.deepEqual(statuses(first.results), all('encoded'));
	for (const {module, output} of first.results) {
		t.is(output, join(modules, module));
		const bytes = await readFile(output);
		t.true(bytes.includes(await readFile(join(out, `${module}.btf`))), module);
		t.true(bytes.includes('.BTF\0'), module);
	}

	const before = await results(modules);
	t.deepEqual(statuses((await kernel(args)).results), all('current'));
	t.deepEqual(statuses((await kernel([...args, '--force'])).results), all('encoded'));
	t.deepEqual(await results(modules), before);
	const own = await kernel(['--vmlinux', vmlinux, '--modules', modules, '--in-place']);
	t.is(own.code, 0, own.stderr);
	t.true((await readFile(vmlinux)).includes(await readFile(base)));
	t.deepEqual(await results(modules), before);
	t.deepEqual(await names(folder), ['modules', 'out', 'vmlinux']);
});

compiled('compressed modules: the same results as unpacked, and nothing in place', async t => {
	const {folder, vmlinux, modules, out} = await smallKernel(t);
	await kernel(['--vmlinux', vmlinux, '--modules', modules, '--out', out]);
	const wanted = await results(out);
	const packers = [['gzip', '.gz', '--quiet'], ['xz', '.xz', '--quiet'], ['zstd', '.zst', '-q', '--rm']]
		.filter(([program]) => spawnSync(program, ['--version']).status === 0);
	for (const [index, [program, suffix, ...flags]] of packers.entries()) {
		t.is(spawnSync(program, [...flags, join(modules, moduleNames[index])]).status, 0, program);
		t.true(existsSync(join(modules, `${moduleNames[index]}${suffix}`)));
	}

	const packed = join(folder, 'packed');
	const {code, stderr, results: told} = await kernel(['--vmlinux', vmlinux, '--modules', modules, '--out', packed]);
	t.is(code, 0, stderr);
	t.true(told.every(({status}) => status === 'encoded'));
	t.deepEqual(await results(packed), wanted);

	const before = await results(modules);
	const inPlace = await kernel(['--base', join(out, 'vmlinux.btf'), '--modules', modules, '--in-place', '--keep-going']);
	t.is(inPlace.code, packers.length > 0 ? 3 : 0, inPlace.stderr);
	const failed = inPlace.results.filter(({status}) => status === 'failed');
	t.is(failed.length, packers.length);
	const after = await results(modules);
	for (const {module, error} of failed) {
		t.is(error.code, 'NOT_IN_PLACE');
		t.regex(error.message, /is compressed \((gzip|xz|zstd)\); unpack it, or write the BTF to a file of its own with --out$/);
		t.is(after[module], before[module]);
	}
});

compiled('without a target nothing is written', async t => {
	const {folder, vmlinux, modules} = await smallKernel(t);
	const before = await contents(folder);
	const {code, stderr, results: told} = await kernel(['--vmlinux', vmlinux, '--modules', modules]);
	t.is(code, 0);
	t.regex(stderr, /; nothing was written \(--out or --in-place\); /);
	t.true(told.every(({status, output, btf, size}) => status === 'encoded' && output === undefined && btf === undefined && size > 0));
	t.deepEqual(await contents(folder), before);
});

/** Waits until some modules are done and known to be. */
async function untilSome(child, out) {
	const path = join(out, state);
	while (child.exitCode === null && !(existsSync(path) && readFileSync(path, 'utf8').includes('{"module"'))) {
		await delay(1);
	}
}

/** A run that was interrupted when it had done some modules: of so many that it was not done with all. */
async function interrupted(t, signal) {
	for (let count = 1500; ; count *= 4) {
		const {folder, vmlinux, modules, out} = await longKernel(t, count);
		const args = ['--vmlinux', vmlinux, '--modules', modules, '--out', out, '--jobs', '1'];
		const child = start(['kernel', ...args]);
		const end = finish(child);
		await untilSome(child, out);
		child.kill(signal);
		const {code, signal: died, stderr} = await end;
		if (code !== 0 || count > 5000) {
			return {folder, vmlinux, modules, out, args, code, died, stderr};
		}
	}
}

for (const signal of ['SIGINT', 'SIGKILL']) {
	compiled.serial(`${signal} mid-run, and the same command goes on from there`, async t => {
		const {folder, vmlinux, modules, out, args, code, died, stderr} = await interrupted(t, signal);
		if (signal === 'SIGINT') {
			t.is(code, 130, stderr);
			t.regex(stderr, /interrupted; what was done stays/);
		} else {
			t.is(died, 'SIGKILL');
			// As if it had been killed while it wrote. It may not have come to this folder yet.
			await mkdir(join(out, 'many'), {recursive: true});
			await writeFile(join(out, 'many', '.btfkit-a1B2c3'), 'part');
			await appendFile(join(out, state), '{"module":{"pa');
		}

		// What is there is whole.
		const reference = join(folder, 'reference');
		await kernel(['--vmlinux', vmlinux, '--modules', modules, '--out', reference]);
		const wanted = await results(reference);
		for (const [name, bytes] of Object.entries(await results(out)).filter(([name]) => !name.includes('.btfkit-'))) {
			t.is(bytes, wanted[name]);
		}

		const {code: resumed, summary} = await kernel(args);
		t.is(resumed, 0);
		t.true(summary.current > 0 && summary.encoded > 0, JSON.stringify(summary));
		t.is(summary.current + summary.encoded, summary.modules);
		t.deepEqual(await results(out), wanted);
	});
}

compiled('a disk that is full fails what does not fit, and leaves no part of it', async t => {
	const {vmlinux, modules, out} = await smallKernel(t);
	const base = join(out, '..', 'base.btf');
	t.is((await btfkit(['encode', vmlinux, '-o', base])).code, 0);
	// The shell counts in units of 1024 bytes; nothing that is more than empty may be written.
	const script = 'trap \'\' XFSZ; ulimit -f 0; exec "$@"';
	const command = [process.execPath, bin, 'kernel', '--base', base, '--modules', modules, '--out', out, '--keep-going'];
	const {status, stderr} = spawnSync('bash', ['-c', script, 'bash', ...command], {encoding: 'utf8'});
	t.true(status === 1 || status === 3, stderr);
	t.regex(stderr, /btfkit: .*(too large|write)/i);
	const left = await contents(out);
	t.deepEqual(Object.entries(left).filter(([name]) => name !== state), []);
	t.is((await kernel(['--base', base, '--modules', modules, '--out', out])).code, 0);
});

compiled('standard output that is closed ends it', async t => {
	const {vmlinux, modules} = await longKernel(t, 300);
	const child = start(['kernel', '--vmlinux', vmlinux, '--modules', modules, '--json']);
	child.stdout.destroy();
	const {code, stderr} = await finish(child);
	t.is(code, 1);
	t.regex(stderr, /standard output: its reader closed it/);
});

compiled('a folder without modules, no folder, two files of one module', async t => {
	const {folder, vmlinux, modules, out} = await smallKernel(t);
	const empty = await temporaryFolder(t);
	const none = await kernel(['--vmlinux', vmlinux, '--modules', empty, '--out', out]);
	t.like(none, {code: 1, error: {code: 'NO_MODULES'}});
	const missing = await kernel(['--vmlinux', vmlinux, '--modules', join(folder, 'missing'), '--out', out]);
	t.like(missing, {code: 1, error: {code: 'NOT_FOUND'}});
	// The kernel is begun at the same time, and what is wrong with it comes second.
	const neither = await kernel(['--vmlinux', join(folder, 'missing'), '--modules', empty, '--out', out]);
	t.like(neither, {code: 1, error: {code: 'NO_MODULES'}});
	await cp(join(modules, 'kernel/three.ko'), join(modules, 'kernel/three.ko.debug'));
	const two = await kernel(['--vmlinux', vmlinux, '--modules', modules, '--out', out]);
	t.like(two, {code: 1, error: {code: 'AMBIGUOUS'}});
	t.false(existsSync(out));
});

compiled('compressed modules and debug files are modules, under the module\'s name', async t => {
	const {vmlinux, modules, out} = await smallKernel(t);
	const net = join(modules, 'kernel/net');
	const plain = await kernel(['--vmlinux', vmlinux, '--modules', modules, '--out', join(out, 'plain')]);
	t.is(plain.code, 0);
	t.is(spawnSync('gzip', [join(net, 'two.ko')]).status, 0);
	await rename(join(net, 'af_one.ko'), join(net, 'af_one.ko.debug'));
	const {code, results: told, stderr} = await kernel(['--vmlinux', vmlinux, '--modules', modules, '--out', join(out, 'packed')]);
	t.is(code, 0, stderr);
	t.deepEqual(told.map(({module}) => module).slice(1, 3), ['kernel/net/af_one.ko.debug', 'kernel/net/two.ko.gz']);
	t.deepEqual(await results(join(out, 'packed')), await results(join(out, 'plain')));
});

compiled('an output folder that is a file', async t => {
	const {vmlinux, modules, out} = await smallKernel(t);
	await writeFile(out, 'a file');
	const {code, error, stderr} = await kernel(['--vmlinux', vmlinux, '--modules', modules, '--out', out]);
	t.is(code, 1);
	t.is(error.code, 'IO');
	t.is(stderr, `btfkit: ${out}: is a file, and the results need a folder; name another one\n`);
});

compiled('a module in the place of the folder of modules, and a folder that cannot be read', async t => {
	const {vmlinux, modules, out} = await smallKernel(t);
	const file = await kernel(['--vmlinux', vmlinux, '--modules', join(modules, 'kernel/three.ko'), '--out', out]);
	t.like(file, {code: 1, error: {code: 'IO'}});
	t.regex(file.stderr, /three\.ko: is a file, not a folder of modules; one module is encoded by itself \(btfkit encode\)\n$/);
	if (isRoot) {
		return;
	}

	await chmod(join(modules, 'kernel/net'), 0);
	const closed = await kernel(['--vmlinux', vmlinux, '--modules', modules, '--out', out]);
	await chmod(join(modules, 'kernel/net'), 0o755);
	t.like(closed, {code: 1, error: {code: 'IO'}});
	t.regex(closed.stderr, /^btfkit: \S+kernel\/net: Permission denied [^:]*\n$/);
});

compiled('what is no module fails alone, each with its reason', async t => {
	const {vmlinux, modules, out} = await smallKernel(t);
	const place = name => join(modules, 'kernel', name);
	await writeFile(place('empty.ko'), '');
	await writeFile(place('text.ko'), 'no ELF file');
	await symlink('nowhere', place('dangling.ko'));
	t.is(spawnSync('mkfifo', [place('pipe.ko')]).status, 0);
	await mkdir(place('folder.ko'));
	for (const target of [['--out', out], ['--in-place'], []]) {
		const {code, results: told, stderr} = await kernel(['--vmlinux', vmlinux, '--modules', modules, ...target, '--keep-going']);
		t.is(code, 3, stderr);
		const failed = Object.fromEntries(told.filter(({error}) => error).map(({module, error}) => [module.slice(7), error.code]));
		t.deepEqual(failed, {'dangling.ko': 'NOT_FOUND', 'empty.ko': 'NOT_ELF', 'pipe.ko': 'IO', 'text.ko': 'NOT_ELF'});
		t.is(told.filter(({status}) => status === 'encoded').length, 4);
	}
});

const wrong = {
	'no modules': {args: ['--vmlinux', 'v'], says: /--modules is missing/},
	'no base': {args: ['--modules', 'm'], says: /either --vmlinux or --base/},
	'two bases': {args: ['--modules', 'm', '--vmlinux', 'v', '--base', 'b'], says: /--vmlinux and --base exclude/},
	'two targets': {args: ['--modules', 'm', '--vmlinux', 'v', '--out', 'o', '--in-place'], says: /--out and --in-place exclude/},
	'a shard beyond the last': {args: ['--modules', 'm', '--vmlinux', 'v', '--shard', '3/2'], says: /--shard has to be i\/n/},
	'shard zero': {args: ['--modules', 'm', '--vmlinux', 'v', '--shard', '0/2'], says: /--shard has to be i\/n/},
	'another way to miss a base': {args: ['--modules', 'm', '--vmlinux', 'v', '--missing-base', 'guess'], says: /--missing-base has to be one of error, skip/},
	'an operand': {args: ['vmlinux'], says: /too many arguments/},
	'an unknown flag': {args: ['--modles', 'm'], says: /unknown option '--modles'/},
};

for (const [name, {args, says}] of Object.entries(wrong)) {
	test(`usage: ${name}`, async t => {
		const {code, stdout, stderr} = await btfkit(['kernel', ...args]);
		t.is(code, 2, stderr);
		t.is(stdout.toString(), '');
		t.regex(stderr, says);
	});
}
