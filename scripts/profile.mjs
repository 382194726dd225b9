// `npm run profile`: learns which ways through the code running programs take, for release builds to be optimized by.
// docs/benchmarking.md says what that gives. Builds the addon with counters, encodes each file and folder with it, and
// puts the counts into bench/profile.
import {spawnSync} from 'node:child_process';
import {existsSync, mkdtempSync, rmSync, statSync, writeFileSync} from 'node:fs';
import os from 'node:os';
import {basename, join, resolve} from 'node:path';
import process from 'node:process';
import {buildAddon} from './lib/addon.mjs';
import {root, run} from './lib/run.mjs';
import {profile, profileOrigin, toolchain} from './lib/toolchain.mjs';

const files = process.argv.slice(2);
if (files.length === 0 || files.some(file => file.startsWith('-'))) {
	console.error(`usage: npm run profile -- FILE... [FOLDER...]

  FILE...     what to learn from: a vmlinux of gcc, one of clang with LTO, a module, as they differ most
  FOLDER...   modules, encoded on the BTF of the first file

llvm-profdata is needed, of the LLVM that rustc is built on: a component of rustup (llvm-tools), Debian's package
llvm-<version>, or $LLVM_PROFDATA.`);
	process.exit(2);
}

const {llvm, rustc, host} = toolchain();
const merge = findMerger(llvm.split('.')[0]);
const inputs = files.map(file => resolve(process.env.INIT_CWD ?? '.', file));
const missing = inputs.find(input => !existsSync(input));
if (!merge || missing) {
	console.error(missing ? `${missing}: no such file` : `llvm-profdata of LLVM ${llvm} was not found; without arguments this tells where it may be`);
	process.exit(1);
}

const counts = mkdtempSync(join(os.tmpdir(), 'btfkit-profile-'));
try {
	const folder = 'target/counting';
	buildAddon(folder, ['--release', '--target-dir', 'target/counting-build'], [`-Cprofile-generate=${counts}`]);
	run('npm', ['run', 'build:ts']);
	// One thread: counters are not shared safely.
	const btfkit = (...args) => run(process.execPath, [join(root, 'bin', 'btfkit.cjs'), ...args, '--jobs', '1'], {env: {...process.env, BTFKIT_ADDON: join(root, folder)}});
	const [base, out] = ['base', 'out'].map(name => join(counts, name));
	for (const [index, input] of inputs.entries()) {
		if (statSync(input).isDirectory()) {
			btfkit('kernel', '--base', base, '--modules', input, '--out', out);
		} else {
			btfkit('encode', input, '-o', index === 0 ? base : out);
		}

		rmSync(out, {recursive: true, force: true});
	}

	rmSync(base);

	// Sparse: without functions that never ran, which saves two thirds of the size.
	run(merge, ['merge', '--sparse', '-o', profile, counts]);
	const origin = {rustc, host, llvm, from: inputs.map(input => basename(input))};
	writeFileSync(profileOrigin, `${JSON.stringify(origin, undefined, '\t')}\n`);
} finally {
	rmSync(counts, {recursive: true});
}

/** An llvm-profdata that is no older than the compiler's LLVM. */
function findMerger(major) {
	const sysroot = spawnSync('rustc', ['--print', 'sysroot'], {cwd: root, encoding: 'utf8'}).stdout.trim();
	const places = [
		process.env.LLVM_PROFDATA,
		join(sysroot, 'lib', 'rustlib', host, 'bin', 'llvm-profdata'),
		`llvm-profdata-${major}`,
		'llvm-profdata',
	];
	return places.filter(Boolean).find(place => {
		const said = spawnSync(place, ['--version'], {encoding: 'utf8'}).stdout ?? '';
		return Number(/LLVM version (\d+)/.exec(said)?.[1] ?? 0) >= Number(major);
	});
}
