// The one place that loads the addon.
import {existsSync, statSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join, resolve} from 'node:path';
import {BtfkitError} from './errors.js';

export type Binding = typeof import('./native.js');

/** Modules are built into a folder of the package. */
export const packageFolder = join(import.meta.dirname, '..');
let loaded: Binding | undefined;

/** The addon; loaded when it is first asked for, so that importing btfkit costs nothing. */
export function binding(): Binding {
	loaded ??= load();
	return loaded;
}

function load(): Binding {
	const require = createRequire(import.meta.filename);
	const tried: string[] = [];
	let cause: unknown;
	for (const candidate of candidates()) {
		if (!candidate.startsWith('@') && !existsSync(candidate)) {
			tried.push(`${candidate}: no such file`);
			continue;
		}

		try {
			return require(candidate) as Binding;
		} catch (error) {
			const {code, message} = error as NodeJS.ErrnoException;
			tried.push(`${candidate}: ${code === 'MODULE_NOT_FOUND' ? 'not installed' : message}`);
			if (code !== 'MODULE_NOT_FOUND') {
				cause ??= error;
			}
		}
	}

	throw new BtfkitError('NO_ADDON', [
		`The native part of btfkit for ${process.platform} on ${process.arch} could not be loaded. Tried:`,
		...tried.map(line => `  ${line}`),
		whatToDo(),
	].join('\n'), {cause});
}

/** Files and packages that the addon may be in, best first. */
function candidates(): string[] {
	const chosen = process.env.BTFKIT_ADDON;
	if (chosen) {
		const path = resolve(chosen);
		const isFolder = statSync(path, {throwIfNoEntry: false})?.isDirectory();
		return isFolder ? platforms().map(platform => join(path, `btfkit.${platform}.node`)) : [path];
	}

	return [
		...['native', 'native/debug'].flatMap(folder =>
			platforms().map(platform => join(packageFolder, folder, `btfkit.${platform}.node`))),
		...platforms().map(platform => `@btfkit/binding-${platform}`),
	];
}

/** What napi-rs calls this platform. On Linux both C libraries are tried; only the right one loads. */
function platforms(): string[] {
	const {platform, arch} = process;
	switch (platform) {
		case 'linux': {
			const suffix = arch === 'arm' ? 'eabihf' : '';
			return [`linux-${arch}-gnu${suffix}`, `linux-${arch}-musl${suffix}`];
		}

		case 'win32': {
			return [`win32-${arch}-msvc`];
		}

		default: {
			return [`${platform}-${arch}`];
		}
	}
}

function whatToDo(): string {
	if (process.env.BTFKIT_ADDON) {
		return 'BTFKIT_ADDON has to name an addon of btfkit or the folder that it is in; or unset it.';
	}

	return existsSync(join(packageFolder, 'crates'))
		? `Build it: npm run build (in ${packageFolder}; a Rust toolchain is needed).`
		: 'Install btfkit again with optional dependencies (npm install --include=optional btfkit), '
			+ 'or build it from a checkout with npm run build where there is no package for this platform.';
}
