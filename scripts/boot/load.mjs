// Loads modules, as they are but for their debug information, into a kernel of Debian in qemu, and prints as JSON what
// it made of them. For modules of another build than the kernel's as well: see `--force`.
import {cpSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {basename, join} from 'node:path';
import process from 'node:process';
import {parseArgs} from 'node:util';
import {workFolder} from '../lib/room.mjs';
import {root} from '../lib/run.mjs';
import {bootGuest, missing, moduleName} from './guest.mjs';
import {bootImage} from './kernels.mjs';
import {inOrder, strip, unversion} from './modules.mjs';

const usage = `usage: node scripts/boot/load.mjs (--release RELEASE | --kernel FILE) [--force] [-o FILE] MODULES…

MODULES are files and folders with modules; each is loaded after those of them that it needs.
  --release RELEASE  the kernel to load them into, for example 6.12.115+deb12-cloud-amd64
  --kernel FILE      or its image
  --force            take off what tells that modules are of another build: they are loaded, and may break the guest
  -o FILE            where to write the facts; default: standard output`;

const {values, positionals} = parseArgs({
	allowPositionals: true,
	options: {
		force: {type: 'boolean'},
		kernel: {type: 'string'},
		output: {type: 'string', short: 'o'},
		release: {type: 'string'},
	},
});
if (positionals.length === 0 || (values.release === undefined) === (values.kernel === undefined)) {
	console.error(usage);
	process.exit(2);
}

const lack = missing();
if (lack) {
	console.error(`cannot boot: ${lack}`);
	process.exit(1);
}

const work = workFolder(join(root, '.cache'), 'boot');
try {
	const copies = join(work, 'modules');
	for (const [index, path] of positionals.entries()) {
		const name = statSync(path).isDirectory() ? '' : basename(path);
		cpSync(path, join(copies, String(index), name), {recursive: true, dereference: true});
	}

	const modules = inOrder(copies);
	const failures = [...strip(modules), ...(values.force ? unversion(modules) : [])];
	if (failures.length > 0) {
		throw new Error(failures.join('\n'));
	}

	const facts = bootGuest({
		kernel: values.kernel ?? bootImage(values.release),
		steps: modules.map(load => ({load, name: moduleName(load)})),
		folder: work,
	});
	for (const step of facts.steps) {
		delete step.load;
	}

	const json = `${JSON.stringify(facts, undefined, '\t')}\n`;
	if (values.output) {
		writeFileSync(values.output, json);
	} else {
		process.stdout.write(json);
	}

	process.exitCode = facts.ended ? 0 : 1;
} finally {
	rmSync(work, {recursive: true, force: true});
}
