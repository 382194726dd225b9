// From a fresh clone to BTF: `npm run quickstart` encodes the example, `npm run quickstart -- PATH` the file given.
import {spawnSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {join, relative, resolve} from 'node:path';
import process from 'node:process';
import {root, run} from './lib/run.mjs';
import {checkTools, installDependencies} from './lib/setup.mjs';

const [path, ...more] = process.argv.slice(2);
if (more.length > 0 || path?.startsWith('-')) {
	console.error('usage: npm run quickstart [-- PATH]');
	process.exit(2);
}

// npm runs scripts in the checkout; a relative path is meant from where npm was called.
const input = path === undefined
	? join('examples', 'scheduler.o')
	: resolve(process.env.INIT_CWD ?? process.cwd(), path);

checkTools();
step('Installing what the build needs');
installDependencies();
step('Building the addon (release) and the facade');
run('npm', ['run', '--silent', 'build']);

const cli = join(root, 'bin', 'btfkit.cjs');
step(`Encoding: btfkit encode ${input}`);
const encoding = spawnSync(process.execPath, [cli, 'encode', '--json', input], {
	cwd: root,
	encoding: 'utf8',
	maxBuffer: 2 ** 30,
	stdio: ['ignore', 'pipe', 'inherit'],
	// Built for release just now; whatever else the environment names is for tests.
	env: {...process.env, BTFKIT_ADDON: join(root, 'native')},
});
if (encoding.status !== 0) {
	process.exit(encoding.status ?? 1);
}

show(JSON.parse(encoding.stdout));

function step(what) {
	console.log(`\n── ${what}`);
}

function show({output, counts, types, size, skipped}) {
	step('What came out');
	const file = resolve(root, output);
	console.log(`${relative(process.cwd(), file) || file}: ${size} bytes, ${types} types`);
	for (const [kind, count] of Object.entries(counts)) {
		console.log(`  ${kind.padEnd(12)}${String(count).padStart(8)}`);
	}

	if (skipped.length > 0) {
		console.log(`${skipped.length} left out, for example:`);
		for (const {what, name, detail} of skipped.slice(0, 5)) {
			console.log(`  ${what} ${name}: ${detail}`);
		}
	}

	const header = readFileSync(file).subarray(0, 24);
	console.log(`It begins with the header of BTF: ${header.toString('hex').replaceAll(/..(?!$)/g, '$& ')}`);
	const dump = spawnSync('bpftool', ['btf', 'dump', 'file', file, 'format', 'c'], {encoding: 'utf8', maxBuffer: 2 ** 30});
	if (dump.status === 0) {
		const lines = dump.stdout.split('\n').filter(line => !line.startsWith('#'));
		console.log(`\nAs C, by bpftool btf dump file ${relative(process.cwd(), file)} format c:`);
		console.log(lines.slice(0, 60).join('\n'));
		if (lines.length > 60) {
			console.log(`… and ${lines.length - 60} more lines`);
		}
	} else {
		console.log(`bpftool, where it is installed, shows it as C: bpftool btf dump file ${output} format c`);
	}
}
