// Whole kernels, as far as scripts/get-kernel.mjs has put some into the cache.
import {execFileSync, spawnSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {basename, join} from 'node:path';
import test from 'ava';
import {encode, encodeToFile} from 'btfkit';
import {hasBpftool} from './helpers/btf.js';
import {kernels, temporaryFolder} from './helpers/inputs.js';

const pahole = spawnSync('pahole', ['--help'], {encoding: 'utf8'});
const digest = bytes => createHash('sha256').update(bytes).digest('hex');

/**
 * Which functions are left out, and which variables, has changed between pahole's versions. Everything else is a matter
 * of the types alone, and has to be the same in number for every version.
 */
const independentOfVersion = [
	'INT', 'PTR', 'ARRAY', 'STRUCT', 'UNION', 'ENUM', 'FWD', 'TYPEDEF', 'VOLATILE', 'CONST', 'RESTRICT', 'FLOAT', 'ENUM64',
];

for (const kernel of kernels()) {
	const name = basename(kernel);

	test.serial(`${name}: the same bytes at 1, 2 and 5 threads`, async t => {
		const results = [];
		for (const jobs of [1, 2, 5]) {
			const {btf, report} = await encode(kernel, {jobs});
			t.is(report.jobs, jobs);
			results.push(digest(btf));
		}

		t.deepEqual(results, results.map(() => results[0]));
	});

	const comparing = hasBpftool && pahole.status === 0 ? test.serial : test.serial.skip;
	comparing(`${name}: as many types of each kind as pahole has`, async t => {
		const folder = await temporaryFolder(t);
		const [ours, theirs] = [join(folder, 'ours.btf'), join(folder, 'theirs.btf')];
		const {report} = await encodeToFile(kernel, ours);
		const flags = pahole.stdout.includes('--btf_features=') ? ['--btf_features=default'] : ['--btf_gen_floats'];
		execFileSync('pahole', ['-J', '-j', `--btf_encode_detached=${theirs}`, ...flags, kernel]);
		const [ourCounts, theirCounts] = [countKinds(ours), countKinds(theirs)];
		t.deepEqual(ourCounts, report.counts, 'bpftool counts what the report says');
		const pick = counts => Object.fromEntries(independentOfVersion.map(kind => [kind, counts[kind] ?? 0]));
		t.deepEqual(pick(ourCounts), pick(theirCounts));
	});
}

if (kernels().length === 0) {
	test.skip('no kernel in .cache/kernels: scripts/get-kernel.mjs gets one', () => {});
}

/** By kind, in the order of the kinds' numbers. */
function countKinds(path) {
	const text = execFileSync('bpftool', ['btf', 'dump', 'file', path], {encoding: 'latin1', maxBuffer: 2 ** 30});
	const counts = {};
	for (const [, kind] of text.matchAll(/^\[\d+] (\w+)/gm)) {
		counts[kind] = (counts[kind] ?? 0) + 1;
	}

	return counts;
}
