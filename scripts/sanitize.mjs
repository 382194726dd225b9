// `npm run sanitize [TEST FILE...]`: what has unsafe code under the address sanitizer, which sees reads and writes of
// memory that is not there or not ours any more: the tests of crates/elf, and those of the facade with an addon that was
// compiled with it (all, or the named ones). Needs a nightly toolchain, and a sanitizer's runtime as a shared library (of
// gcc or clang), as Node itself comes without one.
import {spawnSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import process from 'node:process';
import {buildAddon} from './lib/addon.mjs';
import {attempt, root, run} from './lib/run.mjs';
import {toolchain, withFlags} from './lib/toolchain.mjs';

const runtime = ['libasan.so', 'libclang_rt.asan-x86_64.so']
	.map(name => spawnSync(name.startsWith('libasan') ? 'gcc' : 'clang', [`-print-file-name=${name}`], {encoding: 'utf8'}).stdout?.trim())
	.find(path => path && existsSync(path));
if (!runtime) {
	console.error('no runtime of the address sanitizer was found: install gcc or clang');
	process.exit(1);
}

process.env.RUSTUP_TOOLCHAIN = 'nightly';
const flags = ['-Zsanitizer=address'];
// With a target named, build scripts and procedural macros are left without the sanitizer.
const target = ['--target', toolchain().host, '--target-dir', 'target/sanitized'];

console.log('\n── tests of crates/elf');
// That a signal of others comes to whom it is for is tested there: the sanitizer must not take it.
const crates = attempt('cargo', ['test', '--package', 'btfkit-elf', ...target], {
	env: {...withFlags(flags), ASAN_OPTIONS: 'handle_sigbus=0'},
});

console.log('\n── tests of the facade');
const folder = 'native/sanitized';
buildAddon(folder, ['--dts', '../../ts/native.d.ts', ...target], flags);
run('npm', ['run', '--silent', 'build:ts']);
const facade = attempt('npx', ['--no-install', 'ava', '--timeout=10m', ...process.argv.slice(2)], {
	env: {
		...process.env,
		BTFKIT_ADDON: join(root, folder),
		LD_PRELOAD: runtime,
		// Node does not give all back when it ends. What was freed is kept from being used again, but not so much of it
		// that tests which measure memory would see nothing else.
		ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=1:quarantine_size_mb=16:malloc_context_size=8',
	},
});
process.exitCode = crates || facade;
