// Modules of one build in the kernel of another: what `btfkit fits` foretells is what the kernel says of plain split BTF,
// and with a distilled base it takes all.
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {encodedModules} from './encoded.mjs';
import {bootGuest, moduleName} from './guest.mjs';
import {vmlinuxOf} from './image.mjs';
import {unversion} from './modules.mjs';

/** Modules that can be forced into another kernel of the series: they compute, and know little of its structs. */
const parts = ['kernel/crypto', 'kernel/fs/nls', 'kernel/lib'];

/** Returns the guests' facts by kind of BTF, where it came to a boot. */
export async function testOtherKernel({checks, kernel, image, resolveIds, work}) {
	const {fits} = await import('../../dist/index.js');
	const base = join(work, 'vmlinux');
	writeFileSync(base, vmlinuxOf(readFileSync(image)));
	const facts = {};
	for (const [kind, flags, judge] of [['plain', ['--base-ref', 'never'], judgePlain], ['distilled', ['--base-ref', 'always'], judgeDistilled]]) {
		const modules = encodedModules({checks, kernel, resolveIds, folder: join(work, kind), parts, flags});
		if (!modules) {
			return facts;
		}

		const failures = unversion(modules);
		checks.check('what tells the build is taken off', failures.length === 0, () => failures);
		const steps = [];
		for (const load of modules) {
			steps.push({load, name: moduleName(load), fit: await fits(load, {base})});
		}

		facts[kind] = bootGuest({kernel: image, folder: work, steps});
		if (checks.ended(facts[kind])) {
			judge(checks, facts[kind].steps.filter(({status}) => status === 0));
		}
	}

	return facts;
}

function judgePlain(checks, loaded) {
	const refused = loaded.filter(({listed}) => !listed);
	checks.check(
		`on another kernel, plain split BTF is refused: of ${refused.length} of ${loaded.length} modules`,
		loaded.length >= 50 && refused.length > 0,
	);
	agree(checks, loaded);
	const without = refused.filter(({fit}) => fit.verdict !== 'mismatched' || !fit.reason);
	checks.check(
		'btfkit fits says of each of them that it was made on another base, and why',
		without.length === 0 && refused.some(({fit}) => fit.garbled),
		() => without.map(({name, fit}) => `${name}: ${JSON.stringify(fit)}`),
	);
	const told = refused.filter(step => verifierLines(step).length > 0);
	const different = told.filter(({fit, ...step}) => !verifierLines(step).every(line => fit.kernelMessage?.trimEnd().endsWith(line)));
	checks.check(
		`what the kernel says of ${told.length} of them is what btfkit fits foretells`,
		told.length > 0 && different.length === 0,
		() => different.map(({name, complaints, fit}) => `${name}: '${fit.kernelMessage}', and the kernel: ${complaints.join('; ')}`),
	);
}

function judgeDistilled(checks, loaded) {
	const refused = loaded.filter(({listed, complaints}) => !listed || complaints.length > 0);
	checks.check(
		`on another kernel, BTF with a distilled base is taken: of ${loaded.length} modules`,
		loaded.length >= 50 && refused.length === 0,
		() => refused.map(({name, complaints}) => `${name}: ${complaints.join('; ')}`),
	);
	agree(checks, loaded);
	const others = loaded.filter(({fit}) => fit.verdict !== 'relocatable');
	checks.check(
		'btfkit fits says of each of them that it can be carried over',
		others.length === 0,
		() => others.map(({name, fit}) => `${name}: ${JSON.stringify(fit)}`),
	);
}

function agree(checks, loaded) {
	const wrong = loaded.filter(({listed, fit}) => fit.loads !== listed);
	checks.check(
		'btfkit fits foretells for each module whether the kernel takes its BTF',
		wrong.length === 0,
		() => wrong.map(({name, listed, fit}) => `${name}: ${listed ? 'taken' : 'refused'}; foretold: ${JSON.stringify(fit)}`),
	);
}

/**
 * What the kernel's verifier said, without the mark. A kernel that tolerates wrong BTF of modules leaves out lines that
 * tell of a type, and prints only what comes after.
 */
function verifierLines({complaints}) {
	return complaints.filter(line => line.startsWith('BPF: ')).map(line => line.slice('BPF: '.length).trimEnd());
}
