// `npm run test:boot`: boots a Debian kernel whose modules got their BTF from btfkit, loads them all, and sees what the
// kernel says. Ends with "N passed, N failed"; where the machine lacks something for it, the test is skipped.
import {mkdirSync, mkdtempSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import process from 'node:process';
import {parseArgs} from 'node:util';
import {Checks} from './boot/checks.mjs';
import {missing} from './boot/guest.mjs';
import {testWholeKernel} from './boot/whole-kernel.mjs';
import {CannotGet} from './lib/debian.mjs';
import {root} from './lib/run.mjs';

const usage = `usage: node scripts/boot.mjs [--package NAME] [--shipped] [--facts FILE] [--keep]

Boots the newest cloud kernel of Debian in qemu and loads its modules, with BTF made by btfkit.
  --package NAME  the debug package of another kernel
  --shipped       leave the modules' BTF as Debian made it, to see what the test makes of that
  --facts FILE    write what was seen in the guest as JSON
  --keep          leave the folder with the modules where it is, and say where`;

const options = readOptions();
const checks = new Checks();
const lack = missing();
if (lack) {
	checks.skip(lack);
} else {
	mkdirSync(join(root, '.cache'), {recursive: true});
	const work = mkdtempSync(join(root, '.cache', 'boot-'));
	try {
		testWholeKernel(checks, work, options);
	} catch (error) {
		if (!(error instanceof CannotGet)) {
			throw error;
		}

		checks.skip(error.message);
	} finally {
		if (options.keep) {
			console.error(`boot: left in ${work}`);
		} else {
			rmSync(work, {recursive: true, force: true});
		}
	}
}

process.exitCode = checks.close();

function readOptions() {
	try {
		return parseArgs({
			options: {
				facts: {type: 'string'},
				keep: {type: 'boolean'},
				package: {type: 'string'},
				shipped: {type: 'boolean'},
			},
		}).values;
	} catch (error) {
		console.error(`${error.message}\n${usage}`);
		return process.exit(2);
	}
}
