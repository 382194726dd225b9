// Building the addon with what Node has for that.
import {run} from './run.mjs';
import {withFlags} from './toolchain.mjs';

/** Into a folder of the checkout; `flags` are for rustc. */
export function buildAddon(folder, options, flags = []) {
	run('npx', [
		'--no-install', 'napi', 'build', '--platform', '--no-js',
		'--manifest-path', 'crates/node/Cargo.toml',
		'--package-json-path', 'package.json',
		'--output-dir', folder,
		...options,
	], {env: withFlags(flags)});
}
