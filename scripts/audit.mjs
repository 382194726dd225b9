// `npm run audit`: licences, sources and known faults of what btfkit is built from, by cargo-deny and npm. Known faults are
// asked of the network: where it does not answer, this says so and does not fail, unless `--strict` is given.
import {spawnSync} from 'node:child_process';
import process from 'node:process';
import {root} from './lib/run.mjs';

const strict = process.argv.includes('--strict');

function ask(command, args) {
	const {status, stdout, stderr} = spawnSync(command, args, {cwd: root, encoding: 'utf8'});
	return {passed: status === 0, text: `${stdout ?? ''}${stderr ?? ''}`};
}

function tell(what, {passed, text}, isAnswer = true) {
	console.log(`${what}: ${passed ? 'nothing to say' : isAnswer ? 'failed' : 'no answer, not checked'}`);
	if (!passed) {
		console.log(text.trim());
		if (isAnswer || strict) {
			process.exitCode = 1;
		}
	}
}

if (ask('cargo', ['deny', '--version']).passed) {
	tell('licences, bans and sources of crates', ask('cargo', ['deny', '--offline', 'check', 'licenses', 'bans', 'sources']));
	const advisories = ask('cargo', ['deny', 'check', 'advisories']);
	tell('advisories of crates', advisories, !/failed to fetch advisory database/.test(advisories.text));
} else {
	tell('crates', {passed: false, text: 'cargo-deny is missing: cargo install cargo-deny'}, false);
}

const advisories = ask('npm', ['audit', '--json']);
tell('advisories of packages', advisories, advisories.text.includes('"auditReportVersion"'));
