// The Rust toolchain, and the profile of running programs that release builds are optimized by.
import {spawnSync} from 'node:child_process';
import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import process from 'node:process';
import {root} from './run.mjs';

/** The profile, and beside it what it was made with and from. */
export const profile = join(root, 'bench', 'profile', 'btfkit.profdata');
export const profileOrigin = join(root, 'bench', 'profile', 'made-with.json');

/** `{rustc, host, llvm}`: what decides whether a profile fits. */
export function toolchain() {
	const said = spawnSync('rustc', ['-vV'], {cwd: root, encoding: 'utf8'});
	const field = name => new RegExp(`^${name}: (.*)$`, 'm').exec(said.stdout ?? '')?.[1] ?? 'unknown';
	const version = (said.stdout ?? '').split('\n')[0];
	return {rustc: version.replace(/^rustc /, ''), host: field('host'), llvm: field('LLVM version')};
}

/** How to compile with the profile: `{flags}`, or `{reason}` where it is of no use. */
export function profileFlags() {
	if (!existsSync(profile)) {
		return {reason: 'there is no profile (npm run profile makes one)'};
	}

	// The names by which functions are found in it have the compiler's version and the target in them.
	const [made, here] = [JSON.parse(readFileSync(profileOrigin, 'utf8')), toolchain()];
	const other = ['rustc', 'host'].find(what => made[what] !== here[what]);
	if (other) {
		return {reason: `the profile was made with ${made[other]}, and this is ${here[other]} (npm run profile makes one for it)`};
	}

	// Functions that were changed since are compiled as if there were no profile; nobody need be told of each.
	return {flags: [`-Cprofile-use=${profile}`, '-Cllvm-args=-no-pgo-warn-mismatch']};
}

/** The environment in which cargo passes flags to rustc, after those that the caller has set. */
export function withFlags(flags) {
	if (flags.length === 0) {
		return process.env;
	}

	const {RUSTFLAGS, CARGO_ENCODED_RUSTFLAGS, ...others} = process.env;
	const given = CARGO_ENCODED_RUSTFLAGS?.split('\u001F') ?? RUSTFLAGS?.split(/\s+/) ?? [];
	// Encoded, as a path may have spaces.
	return {...others, CARGO_ENCODED_RUSTFLAGS: [...given, ...flags].filter(flag => flag !== '').join('\u001F')};
}
