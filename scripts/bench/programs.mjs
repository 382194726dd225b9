// Who is measured: btfkit as a user starts it, and its peers.
import {spawnSync} from 'node:child_process';
import {existsSync, readdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import process from 'node:process';
import {root} from '../lib/run.mjs';

/** What kernel builds ask pahole for, and btfkit's default. */
const features = 'encode_force,var,float,enum64,decl_tag,type_tag,optimized_func,consistent_func,decl_tag_kfuncs';

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
// Without settings of Node that the caller happens to have: NODE_EXTRA_CA_CERTS alone, which has nothing to do with the
// program, takes 37 ms of each start.
const settings = Object.entries(process.env).filter(([name]) => !name.startsWith('NODE_'));
const environment = {env: {...Object.fromEntries(settings), BTFKIT_ADDON: join(root, 'native')}};

/** A command with what it is measured by: `{name, command, args, options, check}`. */
export function btfkitEncodes(input, jobs, output, ...flags) {
	const args = [join(root, manifest.bin.btfkit), 'encode', input.path, '-o', output, '--jobs', String(jobs), ...flags];
	return {name: 'btfkit', command: process.execPath, args, options: environment, check: () => checkBtf(output, input)};
}

export function paholeEncodes(pahole, input, jobs, output, ...flags) {
	const args = ['-J', `-j${jobs}`, `--btf_encode_detached=${output}`, ...pahole.flags, ...flags, input.path];
	return {name: 'pahole', command: pahole.path, args, check: () => checkBtf(output, input)};
}

/** A kernel and its modules in one process. */
export function btfkitEncodesKernel(vmlinux, modules, jobs, output) {
	const args = [
		join(root, manifest.bin.btfkit), 'kernel', '--vmlinux', vmlinux.path, '--modules', modules.folder, '--out', output,
		'--jobs', String(jobs), '--force', '--quiet',
	];
	return {name: 'btfkit', command: process.execPath, args, options: environment, check: () => checkAll(output, modules)};
}

/** The same as a kernel build does it: the kernel first, and then a process for each module, `jobs` at a time. */
export function paholeEncodesKernel(pahole, vmlinux, modules, jobs, output) {
	const script = [
		'"$PAHOLE" -J -j"$JOBS" $FLAGS --btf_encode_detached="$OUT/vmlinux.btf" "$VMLINUX"',
		'xargs -0 -P "$JOBS" -I {} "$PAHOLE" -J -j1 $FLAGS --btf_base="$OUT/vmlinux.btf" --btf_encode_detached="$OUT/{}.btf" {} < "$LIST"',
	].join(' && ');
	const env = {
		...process.env, PAHOLE: pahole.path, FLAGS: pahole.flags.join(' '), JOBS: String(jobs), OUT: output, VMLINUX: vmlinux.path, LIST: modules.list,
	};
	return {name: 'pahole', command: 'sh', args: ['-c', script], options: {cwd: modules.folder, env}, check: () => checkAll(output, modules)};
}

/** Of all files that were made; a module without types of its own has none. */
function checkAll(output, modules) {
	const made = readdirSync(output, {recursive: true}).filter(path => path.endsWith('.ko.btf'));
	if (made.length === 0 || made.length > modules.paths.length) {
		throw new Error(`${made.length} BTFs were made of ${modules.paths.length} modules`);
	}

	return [...made, 'vmlinux.btf'].reduce((total, path) => total + statSync(join(output, path)).size, 0);
}

/** pahole ends with 0 when it could not encode; what it wrote is the better witness. */
function checkBtf(output, input) {
	if (!existsSync(output) || statSync(output).size <= 24) {
		throw new Error(`no BTF was made of ${input.path}`);
	}

	return statSync(output).size;
}

export const btfkitVersion = manifest.version;

/** The one on PATH, or $PAHOLE. */
export function findPahole() {
	const path = process.env.PAHOLE || 'pahole';
	const said = spawnSync(path, ['--version'], {encoding: 'utf8'});
	if (said.status !== 0) {
		throw new Error(`${path} does not run: install pahole (Debian's package is dwarves), or name one with PAHOLE=/path/to/pahole`);
	}

	// Before 1.26 there was a flag for each feature, and most were on.
	const help = spawnSync(path, ['--help'], {encoding: 'utf8'});
	const knows = flag => `${help.stdout}${help.stderr}`.includes(flag);
	const flags = knows('--btf_features=')
		? [`--btf_features=${features}`]
		: ['--btf_gen_floats', '--btf_gen_optimized', '--skip_encoding_btf_inconsistent_proto'].filter(flag => knows(flag));
	return {path, version: said.stdout.trim(), flags};
}

/** Two programs that read a BTF and look at all of it, `rounds` times; or `{reason}` where one cannot be made. */
export function readers(folder, btf, rounds) {
	const built = spawnSync('cargo', ['build', '--quiet', '--release', '-p', 'btfkit-btf', '--example', 'read', '--message-format=json'], {
		cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 2 ** 26,
	});
	const ours = /"executable":"([^"]+)"/.exec(built.stdout)?.[1];
	if (!ours) {
		return {reason: 'the example "read" could not be built'};
	}

	const theirs = join(folder, 'read-with-libbpf');
	const source = join(root, 'scripts', 'bench', 'read-with-libbpf.c');
	const compiled = spawnSync('cc', ['-O2', '-o', theirs, source, '-l:libbpf.so.1'], {encoding: 'utf8'});
	if (compiled.status !== 0) {
		return {reason: `cc and libbpf.so.1 are needed: ${compiled.error?.message ?? compiled.stderr.trim().split('\n').at(-1)}`};
	}

	const args = [btf, String(rounds)];
	const sums = [ours, theirs].map(program => spawnSync(program, args.slice(0, 1), {encoding: 'utf8'}).stdout);
	if (sums[0] === '' || sums[0] !== sums[1]) {
		return {reason: `btfkit and libbpf do not read the same: ${sums.join(' and ')}`};
	}

	return {sides: [{name: 'btfkit', command: ours, args, check() {}}, {name: 'libbpf', command: theirs, args, check() {}}]};
}
