// The modules of a kernel, encoded in place, in the kernel that they are of.
import {createHash} from 'node:crypto';
import {copyFileSync, readFileSync, writeFileSync} from 'node:fs';
import {basename, join} from 'node:path';
import process from 'node:process';
import {attempt, root} from '../lib/run.mjs';
import {section} from './elf.mjs';
import {bootGuest, moduleName} from './guest.mjs';
import {bootImage, debugKernel, resolver} from './kernels.mjs';
import {garble, inOrder, needs, strip} from './modules.mjs';

export function testWholeKernel(checks, work, {facts: target, package: packageName, shipped}) {
	const kernel = debugKernel(packageName);
	const image = bootImage(kernel.release);
	const resolveIds = resolver(kernel.release);
	const modules = prepare(checks, kernel, resolveIds, join(work, 'modules'), shipped);
	if (!modules) {
		return;
	}

	const facts = boot(image, modules, work);
	if (target) {
		writeFileSync(target, `${JSON.stringify(facts, undefined, '\t')}\n`);
	}

	judge(checks, facts, kernel);
}

/** Modules as an installed kernel has them, in an order in which they can be loaded; nothing where that failed. */
function prepare(checks, kernel, resolveIds, folder, shipped) {
	say(`copying the modules of ${kernel.release}`);
	if (attempt('cp', ['-r', '--reflink=auto', kernel.modules, folder]) !== 0) {
		throw new Error(`${kernel.modules} could not be copied`);
	}

	const modules = inOrder(folder);
	if (!shipped) {
		say(`encoding ${modules.length} modules in place`);
		const cli = join(root, 'bin', 'btfkit.cjs');
		const encode = ['kernel', '--base', kernel.vmlinux, '--modules', folder, '--in-place'];
		if (!checks.check(`btfkit encodes ${modules.length} modules in place`, attempt(process.execPath, [cli, ...encode]) === 0)) {
			return undefined;
		}
	}

	// As in a kernel's build: what modules offer to BPF programs is named in them by the numbers of its types.
	const withIds = modules.filter(path => section(readFileSync(path), '.BTF_ids'));
	checks.check(
		`the kernel's own tool finds what ${withIds.map(path => moduleName(path)).join(', ')} offer to BPF programs`,
		withIds.every(path => attempt(resolveIds, ['-b', kernel.vmlinux, path]) === 0),
	);

	say('stripping');
	const failures = strip(modules);
	return checks.check('modules are stripped', failures.length === 0, () => failures) ? modules : undefined;
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
		steps: [{load: garbled, name: moduleName(garbled)}, {unload: moduleName(garbled)}, ...wanted],
	});
}

function judge(checks, facts, kernel) {
	const ended = checks.check(
		`the guest came to its end (${facts.steps.length} steps, ${facts.seconds} s)`,
		facts.ended,
		() => [`the last step: ${JSON.stringify(facts.steps.at(-1))}`, ...facts.console],
	);
	if (!ended) {
		return;
	}

	const [garbled, , ...loads] = facts.steps;
	checks.check(`it is ${kernel.release}`, facts.kernel === kernel.release, () => [`it is ${facts.kernel}`]);
	checks.check(
		'its own BTF is the base that the modules were encoded on',
		facts.btf.vmlinux?.sha256 === sha256(section(readFileSync(kernel.vmlinux), '.BTF')),
	);
	checks.check(
		`garbled BTF is refused: ${garbled.complaints.join('; ')}`,
		garbled.complaints.length > 0 && !garbled.listed,
		() => [JSON.stringify(garbled)],
	);

	const loaded = loads.filter(({status}) => status === 0);
	const described = loaded.filter(({sha256}) => sha256);
	const listed = described.filter(({name, sha256}) => facts.btf[name]?.sha256 === sha256);
	// Of a module that does not go on for want of hardware, BTF was judged as well; there is only no place to see it.
	const refused = loads.filter(step => step.complaints.length > 0 || (described.includes(step) && !step.listed));
	checks.check(
		`hundreds of modules are loaded: ${loaded.length} of ${loads.length}`,
		loaded.length >= 300 && loaded.length >= 0.9 * loads.length,
	);
	checks.check(
		'nearly all of them have BTF',
		described.length >= 0.95 * loaded.length,
		() => loaded.filter(step => !described.includes(step)).map(({name}) => name),
	);
	checks.check(
		'no BTF is refused',
		refused.length === 0,
		() => refused.map(step => `${step.name}: ${step.complaints.join('; ') || 'not in /sys/kernel/btf'}`),
	);
	checks.check(
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

function sha256(bytes) {
	return createHash('sha256').update(bytes).digest('hex');
}

function say(what) {
	console.error(`boot: ${what}`);
}
