// `npm test`: installs, builds, and runs every test of the crates and of the facade. Goes on after a failure, so that
// one run tells everything, and ends with one line that adds all up: "N passed, N failed".
import {spawn} from 'node:child_process';
import process from 'node:process';
import {attempt, root} from './lib/run.mjs';
import {checkTools, installDependencies} from './lib/setup.mjs';
import {countAva, countCargo} from './lib/counts.mjs';

const total = {passed: 0, failed: 0, skipped: 0};

// Properties are tried on the same random cases in each run, so that what fails has to do with what was changed. Plain
// `cargo test` takes others each time.
process.env.PROPTEST_RNG_SEED ??= '1';

checkTools();
installDependencies();

// The debug profile is optimized as well, and checks overflow and its own assertions.
check('build of the addon', 'npm', ['run', '--silent', 'build:debug'])
&& check('build of the facade', 'npm', ['run', '--silent', 'build:ts'])
&& check('public types', 'npm', ['run', '--silent', 'check:types']);
await runTests('tests of the crates', 'cargo', ['test', '--workspace', '--no-fail-fast'], countCargo);
await runTests('tests of the facade', 'npx', ['--no-install', 'ava', '--tap'], countAva);

console.log(`\n${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`);
process.exitCode = total.failed > 0 ? 1 : 0;

/** A step that is no test by itself counts only when it fails. */
function check(name, command, args) {
	console.log(`\n── ${name}`);
	const passed = attempt(command, args) === 0;
	if (!passed) {
		total.failed++;
		console.error(`${name}: failed`);
	}

	return passed;
}

async function runTests(name, command, args, countIn) {
	console.log(`\n── ${name}`);
	const {output, status} = await show(command, args);
	const counts = countIn(output);
	// What fails without a failed test (it did not compile, it crashed, it found no test) must not look like success.
	if (counts.failed === 0 && (status !== 0 || counts.passed === 0)) {
		console.error(`${name}: ${status === 0 ? 'no test ran' : `exit code ${status} without a failed test`}`);
		counts.failed = 1;
	}

	for (const key of Object.keys(total)) {
		total[key] += counts[key];
	}
}

/** Runs a command, passing its output on and keeping it. */
function show(command, args) {
	return new Promise(done => {
		const child = spawn(command, args, {cwd: root, stdio: ['ignore', 'pipe', 'inherit']});
		const chunks = [];
		child.stdout.on('data', chunk => {
			chunks.push(chunk);
			process.stdout.write(chunk);
		});
		const end = status => done({output: Buffer.concat(chunks).toString(), status});
		child.on('error', error => {
			console.error(`${command}: ${error.message}`);
			end(1);
		});
		child.on('close', code => end(code ?? 1));
	});
}
