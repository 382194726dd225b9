// `npm run test:boot`: boots a Debian kernel whose modules got their BTF from btfkit, loads them all, and sees what the
// kernel says. Ends with "N passed, N failed"; where the machine lacks something for it, the test is skipped.
import {spawnSync} from 'node:child_process';
import {createHash} from 'node:crypto';
import {copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {basename, join} from 'node:path';
import process from 'node:process';
import {parseArgs} from 'node:util';
import {section} from './boot/elf.mjs';
import {bootGuest, missing, moduleName} from './boot/guest.mjs';
import {bootImage, debugKernel, resolver} from './boot/kernels.mjs';
import {garble, inOrder, needs, strip} from './boot/modules.mjs';
import {CannotGet} from './lib/debian.mjs';
import {attempt, root} from './lib/run.mjs';

const usage = `usage: node scripts/boot.mjs [--package NAME] [--shipped] [--facts FILE] [--keep]

Boots the newest cloud kernel of Debian in qemu and loads its modules, with BTF made by btfkit.
  --package NAME  the debug package of another kernel
  --shipped       leave the modules' BTF as Debian made it, to see what the test makes of that
  --facts FILE    write what was seen in the guest as JSON
  --keep          leave the folder with the modules where it is, and say where`;

const counts = {passed: 0, failed: 0, skipped: 0};
try {
	main();
} catch (error) {
	if (error instanceof CannotGet) {
		skip(error.message);
	} else if (error.code?.startsWith('ERR_PARSE_ARGS')) {
		console.error(`${error.message}\n${usage}`);
		process.exit(2);
	} else {
		throw error;
	}
}

console.log(`\n${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}`);
process.exitCode = counts.failed > 0 ? 1 : 0;

function main() {
	const {values} = parseArgs({
		options: {
			facts: {type: 'string'},
			keep: {type: 'boolean'},
			package: {type: 'string'},
			shipped: {type: 'boolean'},
		},
	});
	const lack = missing();
	if (lack) {
		skip(lack);
		return;
	}

	const kernel = debugKernel(values.package);
	const image = bootImage(kernel.release);
	const resolveIds = resolver(kernel.release);
	mkdirSync(join(root, '.cache'), {recursive: true});
	const work = mkdtempSync(join(root, '.cache', 'boot-'));
	try {
		const modules = prepare(kernel, resolveIds, work, values.shipped);
		if (modules.length > 0) {
			const facts = boot(image, modules, work);
			if (values.facts) {
				writeFileSync(values.facts, `${JSON.stringify(facts, undefined, '\t')}\n`);
			}

			judge(facts, kernel);
		}
	} finally {
		if (values.keep) {
			say(`left in ${work}`);
		} else {
			rmSync(work, {recursive: true, force: true});
		}
	}
}

/** Modules as an installed kernel has them, in an order in which they can be loaded. */
function prepare(kernel, resolveIds, work, shipped) {
	const folder = join(work, 'modules');
	say(`modules of ${kernel.release}: copying`);
	check('modules are copied', attempt('cp', ['-r', '--reflink=auto', kernel.modules, folder]) === 0);
	const modules = inOrder(folder);
	if (!shipped) {
		say(`encoding ${modules.length} modules in place`);
		const cli = join(root, 'bin', 'btfkit.cjs');
		check('btfkit encodes all modules in place', attempt(
			process.execPath,
			[cli, 'kernel', '--base', kernel.vmlinux, '--modules', folder, '--in-place'],
		) === 0);
	}

	// As in a kernel's build: what modules offer to BPF programs is named in them by the numbers of its types.
	const withIds = modules.filter(path => section(readFileSync(path), '.BTF_ids'));
	say(`${basename(resolveIds)}: ${withIds.map(path => moduleName(path)).join(' ')}`);
	check(
		`the kernel's own tool resolves the type ids of ${withIds.length} modules`,
		withIds.every(path => attempt(resolveIds, ['-b', kernel.vmlinux, path]) === 0),
	);

	say('stripping');
	check('modules are stripped', strip(modules).length === 0);
	return modules;
}

function boot(image, modules, work) {
	// The test sees what is wrong only if the guest does: the first module comes with garbled BTF, too.
	const sample = modules.find(path => section(readFileSync(path), '.BTF') && needs(path).length === 0);
	const garbled = join(work, basename(sample));
	copyFileSync(sample, garbled);
	garble(garbled);
	const wanted = modules.map(load => {
		const btf = section(readFileSync(load), '.BTF');
		return {load, name: moduleName(load), sha256: btf && sha256(btf)};
	});
	say(`booting ${basename(image)} with ${modules.length} modules (a minute or two)`);
	return bootGuest({
		kernel: image,
		folder: work,
		steps: [{load: garbled, name: moduleName(garbled), garbled: true}, {unload: moduleName(garbled)}, ...wanted],
	});
}

function judge(facts, kernel) {
	check(
		`the guest came to its end (${facts.steps.length} steps, ${facts.seconds} s)`,
		facts.ended,
		() => [`the last step: ${JSON.stringify(facts.steps.at(-1))}`, ...facts.console],
	);
	if (!facts.ended) {
		return;
	}

	const [garbled, , ...loads] = facts.steps;
	check(`it is ${kernel.release}`, facts.kernel === kernel.release, () => [`it is ${facts.kernel}`]);
	check(
		'its own BTF is the base that the modules were encoded on',
		facts.btf.vmlinux?.sha256 === sha256(section(readFileSync(kernel.vmlinux), '.BTF')),
	);
	check(
		`garbled BTF is refused: ${garbled.complaints.join('; ')}`,
		garbled.complaints.length > 0 && !garbled.listed,
		() => [JSON.stringify(garbled)],
	);

	const loaded = loads.filter(({status}) => status === 0);
	const refused = loads.filter(step => step.complaints.length > 0 || (step.status === 0 && step.sha256 && !step.listed));
	const listed = loaded.filter(({name, sha256}) => sha256 && facts.btf[name]?.sha256 === sha256);
	const described = loaded.filter(({sha256}) => sha256);
	check(`hundreds of modules are loaded: ${loaded.length} of ${loads.length}`, loaded.length >= 300 && loaded.length >= 0.8 * loads.length);
	check('no BTF is refused', refused.length === 0, () => refused.map(step => `${step.name}: ${step.complaints.join('; ') || 'not in /sys/kernel/btf'}`));
	check(
		`/sys/kernel/btf has the BTF of ${listed.length} modules, byte by byte`,
		listed.length === described.length,
		() => described.filter(step => !listed.includes(step)).map(({name}) => name),
	);
	tellRest(loads);
}

/** Why modules were not loaded: for want of hardware, mostly. */
function tellRest(loads) {
	const reasons = {};
	for (const {name, said} of loads.filter(({status}) => status !== 0)) {
		(reasons[said] ??= []).push(name);
	}

	for (const [reason, names] of Object.entries(reasons)) {
		console.log(`not loaded, ${reason}: ${names.join(' ')}`);
	}
}

function check(what, holds, explain = () => []) {
	counts[holds ? 'passed' : 'failed']++;
	console.log(`${holds ? 'ok' : 'not ok'} - ${what}`);
	for (const line of holds ? [] : explain()) {
		console.log(`  ${line}`);
	}
}

function skip(reason) {
	counts.skipped++;
	console.log(`skipped: ${reason}`);
}

function sha256(bytes) {
	return createHash('sha256').update(bytes).digest('hex');
}

function say(what) {
	console.error(`boot: ${what}`);
}
