// The arithmetic of npm run bench.
import {spawnSync} from 'node:child_process';
import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import process from 'node:process';
import test from 'ava';
import {debugInfoSize} from '../scripts/bench/debug-size.mjs';
import {compare} from '../scripts/bench/pairs.mjs';
import {laidOut, modulesBelow, sampled} from '../scripts/bench/modules.mjs';
import {cost, scaling} from '../scripts/bench/phases.mjs';
import {median} from '../scripts/bench/statistics.mjs';
import {example, exampleWith, withoutDwarf} from './helpers/inputs.js';

test('the median is the middle one, or between the two middle ones', t => {
	t.is(median([3]), 3);
	t.is(median([10, 1, 2]), 2);
	t.is(median([4, 1, 10, 2]), 3);
});

test('the size of .debug_info is that of the section header', async t => {
	t.is(debugInfoSize(await exampleWith(t, withoutDwarf)), undefined);
	const {status, stdout} = spawnSync('readelf', ['--section-headers', '--wide', example], {encoding: 'utf8'});
	if (status !== 0) {
		t.log('skipped: there is no readelf to compare with');
		return;
	}

	const [, hexadecimal] = /\.debug_info\s+\w+\s+[\da-f]+\s+[\da-f]+\s+([\da-f]+)/.exec(stdout);
	t.is(debugInfoSize(example), Number.parseInt(hexadecimal, 16));
});

test('gain and cost are quotients of the phases', t => {
	const one = {wall: 400, phases: {open: 10, walk: 180, dedup: 60, write: 50}};
	const two = {wall: 300, phases: {open: 10, walk: 90, dedup: 60, write: 50}};
	t.deepEqual(scaling(one, two), {walk: 2, dedup: 1, both: 1.6});
	t.deepEqual(cost({debugInfo: 100e6}, one), {megabytes: 100, wall: 4, phases: 3, walk: 1.8});
});

test('a sample is every n-th of the modules in the order of their paths, under their own paths', async t => {
	const folder = mkdtempSync(join(tmpdir(), 'btfkit-test-'));
	t.teardown(() => rmSync(folder, {recursive: true}));
	for (const name of ['net/b.ko', 'net/a.ko', 'fs/x.ko', 'fs/x.txt', 'fs/ext4/e.ko']) {
		mkdirSync(dirname(join(folder, 'all', name)), {recursive: true});
		writeFileSync(join(folder, 'all', name), 'module');
	}

	const all = modulesBelow(join(folder, 'all'));
	t.deepEqual(all, ['fs/ext4/e.ko', 'fs/x.ko', 'net/a.ko', 'net/b.ko']);
	t.deepEqual(sampled(all, 1), all);
	t.deepEqual(sampled(all, 3), ['fs/ext4/e.ko', 'net/b.ko']);
	const {folder: links, list, size} = laidOut(join(folder, 'all'), sampled(all, 3), folder);
	t.deepEqual(modulesBelow(links), ['fs/ext4/e.ko', 'net/b.ko']);
	t.is(readFileSync(join(links, 'net/b.ko'), 'utf8'), 'module');
	t.is(readFileSync(list, 'utf8'), 'fs/ext4/e.ko\0net/b.ko\0');
	t.is(size, 12);
});

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('two programs are run in turns, and their ratio is that of the pairs', async t => {
	const order = [];
	const side = (name, milliseconds) => ({
		name, command: process.execPath, args: ['-e', `setTimeout(() => {}, ${milliseconds})`], check: () => order.push(name),
	});
	const {ours, theirs, ratios} = await compare([side('quick', 1), side('slow', 1500)], 2, () => {});
	t.deepEqual(order, ['quick', 'slow', 'quick', 'slow', 'quick', 'slow']);
	t.deepEqual([ours.name, theirs.name, ours.runs.length, theirs.runs.length], ['quick', 'slow', 2, 2]);
	t.true(theirs.wall > 1.5 && ratios.wall > 1, `${ratios.wall}`);
	t.true(ours.peakAnonymous > 1e6);
});
