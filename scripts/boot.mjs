// `npm run test:boot`: boots Debian kernels whose modules got their BTF from btfkit, loads them, and sees what the kernel
// says. Ends with "N passed, N failed"; where the machine lacks something for it, tests are skipped and that is said.
import {rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import process from 'node:process';
import {parseArgs} from 'node:util';
import {Checks} from './boot/checks.mjs';
import {missing} from './boot/guest.mjs';
import {bootImage, debugKernel, otherRelease, resolver} from './boot/kernels.mjs';
import {testOtherKernel} from './boot/other-kernel.mjs';
import {testWholeKernel} from './boot/whole-kernel.mjs';
import {CannotGet} from './lib/debian.mjs';
import {NoRoom, noRoomBehind, workFolder} from './lib/room.mjs';
import {root} from './lib/run.mjs';

const usage = `usage: node scripts/boot.mjs [--package NAME] [--only whole|other] [--shipped] [--facts FILE]

Boots the newest cloud kernel of Debian in qemu and loads its modules, with BTF made by btfkit; then modules of it on
another kernel of the series.
  --package NAME  the debug package of the kernel
  --only PART     only the whole kernel, or only the other one
  --shipped       whole: leave the modules' BTF as Debian made it, to see what the test makes of that
  --facts FILE    write what was seen in the guests as JSON`;

const options = readOptions();
const checks = new Checks();
const facts = {};
const lack = missing();
if (lack) {
	checks.skip(lack);
} else {
	await part('whole', async (kernel, resolveIds, work) => testWholeKernel({
		checks, kernel, image: bootImage(kernel.release), resolveIds, work, shipped: options.shipped,
	}));
	await part('other', async (kernel, resolveIds, work) => testOtherKernel({
		checks, kernel, image: bootImage(otherRelease(kernel.release)), resolveIds, work,
	}));
	if (options.facts) {
		writeFileSync(options.facts, `${JSON.stringify(facts, undefined, '\t')}\n`);
	}
}

process.exitCode = checks.close();

async function part(name, test) {
	if (options.only && options.only !== name) {
		return;
	}

	const work = workFolder(join(root, '.cache'), 'boot');
	try {
		const kernel = debugKernel(options.package);
		facts[name] = await test(kernel, resolver(kernel.release), work);
	} catch (error) {
		const full = error instanceof NoRoom ? error : noRoomBehind(error, work);
		if (full) {
			checks.check(`there is room for the test (${name})`, false, () => [full.message]);
		} else if (error instanceof CannotGet) {
			checks.skip(error.message);
		} else {
			throw error;
		}
	} finally {
		rmSync(work, {recursive: true, force: true});
	}
}

function readOptions() {
	try {
		return parseArgs({
			options: {
				facts: {type: 'string'},
				only: {type: 'string'},
				package: {type: 'string'},
				shipped: {type: 'boolean'},
			},
		}).values;
	} catch (error) {
		console.error(`${error.message}\n${usage}`);
		return process.exit(2);
	}
}
