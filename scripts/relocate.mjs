// What distilled bases cost, and where they lead: encodes all modules of a kernel with and without them, states the bytes
// that they add, and carries each module to other kernels, where it checks what comes out (see the example that it runs).
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {basename, join, resolve} from 'node:path';
import process from 'node:process';
import {parseArgs} from 'node:util';
import {root, run} from './lib/run.mjs';

const usage = `usage: node scripts/relocate.mjs --modules FOLDER --vmlinux FILE [TO...]

  --modules FOLDER   the kernel's modules, with DWARF
  --vmlinux FILE     the kernel, with DWARF
  TO...              other kernels, with DWARF, that the modules are carried to`;

const {vmlinux, modules, others} = read();
const work = mkdtempSync(join(tmpdir(), 'btfkit-relocate-'));
// Caught signals and exits of `run` end here, too: the folders take some megabytes.
process.on('exit', () => rmSync(work, {recursive: true, force: true}));

const btfkit = (...options) => run(process.execPath, [join(root, 'bin', 'btfkit.cjs'), ...options]);
for (const baseRef of ['never', 'always']) {
	console.log(`\n── btfkit kernel --base-ref ${baseRef}`);
	btfkit('kernel', '--quiet', '--modules', modules, '--vmlinux', vmlinux, '--base-ref', baseRef, '--out', join(work, baseRef));
}

const targets = others.map((path, number) => {
	console.log(`\n── btfkit encode ${path}`);
	const target = join(work, `${number}-${basename(path)}.btf`);
	btfkit('encode', path, '--output', target);
	return target;
});

console.log('\n── Relocation');
run('cargo', [
	'run', '--quiet', '-p', 'btfkit-btf', '--example', 'relocate_modules', '--',
	join(work, 'never'), join(work, 'always'), ...targets,
]);

function read() {
	try {
		const {values: {modules, vmlinux}, positionals} = parseArgs({
			allowPositionals: true,
			options: {modules: {type: 'string'}, vmlinux: {type: 'string'}},
		});
		if (modules !== undefined && vmlinux !== undefined) {
			return {modules: resolve(modules), vmlinux: resolve(vmlinux), others: positionals.map(path => resolve(path))};
		}
	} catch (error) {
		console.error(error.message);
	}

	console.error(usage);
	process.exit(2);
}
