// The modules of a kernel, encoded in place, in the kernel that they are of.
import {createHash} from 'node:crypto';
import {copyFileSync, readFileSync} from 'node:fs';
import {basename, join} from 'node:path';
import {section} from './elf.mjs';
import {encodedModules} from './encoded.mjs';
import {bootGuest, moduleName} from './guest.mjs';
import {garble, needs} from './modules.mjs';

/** Returns the guest's facts, where it came to a boot. */
export function testWholeKernel({checks, kernel, image, resolveIds, work, shipped}) {
	const modules = encodedModules({checks, kernel, resolveIds, folder: join(work, 'modules'), shipped});
	if (!modules) {
		return undefined;
	}

	const facts = boot(image, modules, work);
	judge(checks, facts, kernel);
	return facts;
}

function boot(image, modules, work) {
	// The test sees what is wrong only if the guest does: one module comes with garbled BTF first.
	const sample = modules.find(path => section(readFileSync(path), '.BTF') && needs(path).length === 0);
	const garbled = join(work, basename(sample));
	copyFileSync(sample, garbled);
	garble(garbled);
	const wanted = modules.map(load => {
		const btf = section(readFileSync(load), '.BTF');
		return {load, name: moduleName(load), sha256: btf && sha256(btf)};
	});
	return bootGuest({
		kernel: image,
		folder: work,
		steps: [{load: garbled, name: moduleName(garbled)}, {unload: moduleName(garbled)}, ...wanted],
	});
}

function judge(checks, facts, kernel) {
	if (!checks.ended(facts)) {
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
		`nearly all of them have BTF: ${described.length}`,
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
