// What has to agree in different places of the project.
import {readFile} from 'node:fs/promises';
import {createRequire} from 'node:module';
import {existsSync, mkdirSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import process from 'node:process';
import test from 'ava';
import {countAva, countCargo} from '../scripts/lib/counts.mjs';
import {NoRoom, noRoomBehind, requireRoom, workFolder} from '../scripts/lib/room.mjs';
import {root, temporaryFolder} from './helpers/inputs.js';

test('the package and the crates have one version', async t => {
	const {version} = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
	const cargo = await readFile(join(root, 'Cargo.toml'), 'utf8');
	t.is(/\[workspace\.package]\nversion = "(.+)"/.exec(cargo)[1], version);
});

test('the features in the types are those of the encoder', async t => {
	const folder = process.env.BTFKIT_ADDON;
	const addon = createRequire(import.meta.url)(join(folder, readdirSync(folder).find(name => name.endsWith('.node'))));
	const types = await readFile(join(root, 'index.d.ts'), 'utf8');
	const declared = /export type Feature = (.+);/.exec(types)[1].split(' | ').map(name => name.slice(1, -1));
	t.deepEqual(declared, addon.featureNames());
});

test('the error codes in the types are those of the crates and of the facade', async t => {
	const types = await readFile(join(root, 'index.d.ts'), 'utf8');
	const declared = /export type ErrorCode = (.+);/.exec(types)[1].split(' | ').map(name => name.slice(1, -1));
	const sources = ['crates/encode/src', 'crates/node/src', 'ts'].flatMap(folder =>
		readdirSync(join(root, folder), {recursive: true}).filter(name => /\.(rs|ts)$/.test(name)).map(name => join(root, folder, name)));
	const used = new Set();
	for (const source of sources) {
		const text = await readFile(source, 'utf8');
		for (const [, code] of text.matchAll(/(?:EncodeError::new\(|BtfkitError\(|code: )\s*["']([A-Z_]+)["']/g)) {
			used.add(code);
		}
	}

	t.deepEqual([...used].sort(), declared.sort());
});

test('a flag is its option\'s name with hyphens', async t => {
	for (const [name, {flag}] of await optionsOfAllCommands()) {
		t.true(flag.includes(`--${name.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`), flag);
	}
});

async function optionsOfAllCommands() {
	const folder = join(root, 'dist', 'options');
	const modules = readdirSync(folder).filter(name => name.endsWith('.js')).map(name => import(join(folder, name)));
	const tables = (await Promise.all(modules)).flatMap(module =>
		Object.entries(module).filter(([name]) => name.endsWith('Options') && typeof module[name] === 'object'));
	return tables.flatMap(([, table]) => Object.entries(table));
}

test('the lockfile leaves it to the user where packages come from', async t => {
	const {packages} = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'));
	for (const [path, {resolved, integrity, link}] of Object.entries(packages)) {
		t.is(resolved, undefined, path);
		t.true(path === '' || link || integrity !== undefined, path);
	}
});

test('unsafe code is where docs/unsafe.md lists it, and nowhere else', async t => {
	const listed = (await readFile(join(root, 'docs', 'unsafe.md'), 'utf8')).split(/^## `/m).slice(1).map(section => {
		const [file] = section.split('`', 1);
		return [file, section.match(/^\| `/gm).length];
	});
	const found = [];
	for (const file of readdirSync(join(root, 'crates'), {recursive: true}).filter(name => name.endsWith('.rs'))) {
		const text = await readFile(join(root, 'crates', file), 'utf8');
		const blocks = text.match(/\bunsafe \{/g)?.length ?? 0;
		t.is(/allow\(.*unsafe_code/.test(text), blocks > 0, file);
		t.notRegex(text, /\bunsafe (fn|impl|trait|extern)\b|#\[unsafe/, file);
		if (blocks > 0) {
			found.push([`crates/${file}`, blocks]);
		}
	}

	t.deepEqual(found.sort(), listed.sort());
	t.regex(await readFile(join(root, 'Cargo.toml'), 'utf8'), /^unsafe_code = "deny"$/m);
});

test('lockfiles of cargo name no registry but the standard one', async t => {
	for (const file of ['Cargo.lock', 'fuzz/Cargo.lock']) {
		for (const [, source] of (await readFile(join(root, file), 'utf8')).matchAll(/^source = "(.+)"$/gm)) {
			t.is(source, 'registry+https://github.com/rust-lang/crates.io-index', file);
		}
	}
});

test('each fuzz target is a program of cargo-fuzz', async t => {
	const declared = await readFile(join(root, 'crates/fuzzing/src/lib.rs'), 'utf8');
	const programs = await readFile(join(root, 'fuzz', 'Cargo.toml'), 'utf8');
	const names = (text, pattern) => [...text.matchAll(pattern)].map(([, name]) => name).sort();
	const targets = names(declared, /name: "(\w+)", corpus:/g);
	t.true(targets.length > 0);
	t.deepEqual(names(programs, /^path = "fuzz_targets\/(\w+)\.rs"$/gm), targets);
	for (const target of targets) {
		const program = await readFile(join(root, 'fuzz', 'fuzz_targets', `${target}.rs`), 'utf8');
		t.true(program.includes(`btfkit_fuzzing::${target}(bytes)`), target);
	}
});

test('test results are counted', t => {
	t.deepEqual(countCargo([
		'running 2 tests',
		'test a ... ok',
		'test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s',
		'test result: FAILED. 10 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s',
	].join('\n')), {passed: 12, failed: 3, skipped: 1});
	t.deepEqual(countAva([
		'TAP version 13', 'ok 1 - usage › a', 'not ok 2 - b', '  ---', '  ok 7 - inside', 'ok 3 - c # SKIP', '1..3',
	].join('\n')), {passed: 1, failed: 1, skipped: 1});
});

test('a step that has no room on the disk says what it needs and what is free', async t => {
	const folder = await temporaryFolder(t);
	requireRoom(folder, 1, 'a byte');
	const {message} = t.throws(() => requireRoom(folder, 1e18, 'booting'), {instanceOf: NoRoom});
	t.regex(message, /^booting needs 1000000000000 MB on the disk of .*, and \d+ MB are free$/);
	t.regex(noRoomBehind(Object.assign(new Error('write'), {code: 'ENOSPC'}), folder).message, /became full .*: write$/);
	t.is(noRoomBehind(Object.assign(new Error('read'), {code: 'EIO'}), folder), undefined);
});

test('folders for work that killed processes left are removed, those of others are not', async t => {
	const parent = await temporaryFolder(t);
	// No process has this number: the system's largest is 4,194,304.
	const kept = [`boot-${process.ppid}-abc`, 'boot-4999999', 'other-4999999-abc'];
	for (const name of [...kept, 'boot-4999999-abc']) {
		mkdirSync(join(parent, name, 'in'), {recursive: true});
	}

	const made = workFolder(parent, 'boot');
	t.true(existsSync(made));
	t.deepEqual(readdirSync(parent).filter(name => join(parent, name) !== made).sort(), kept.sort());
});
