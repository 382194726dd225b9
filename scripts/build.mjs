// Builds the addon: `node scripts/build.mjs release` into native/, `node scripts/build.mjs debug` into native/debug/.
// Each build also writes ts/native.d.ts, the addon's interface as the crate declares it.
import {run} from './lib/run.mjs';

const profile = process.argv[2];
if (profile !== 'release' && profile !== 'debug') {
	console.error('usage: node scripts/build.mjs release|debug');
	process.exit(2);
}

const release = profile === 'release';
run('npx', [
	'--no-install', 'napi', 'build', '--platform', '--no-js',
	'--manifest-path', 'crates/node/Cargo.toml',
	'--package-json-path', 'package.json',
	'--output-dir', release ? 'native' : 'native/debug',
	'--dts', release ? '../ts/native.d.ts' : '../../ts/native.d.ts',
	...(release ? ['--release', '--strip'] : []),
]);
