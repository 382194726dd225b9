// Builds the addon: `node scripts/build.mjs release` into native/, `node scripts/build.mjs debug` into native/debug/.
// Each build also writes ts/native.d.ts, the addon's interface as the crate declares it.
import process from 'node:process';
import {buildAddon} from './lib/addon.mjs';
import {profileFlags} from './lib/toolchain.mjs';

const profile = process.argv[2];
if (profile !== 'release' && profile !== 'debug') {
	console.error('usage: node scripts/build.mjs release|debug');
	process.exit(2);
}

if (profile === 'debug') {
	buildAddon('native/debug', ['--dts', '../../ts/native.d.ts']);
} else {
	const {flags, reason} = profileFlags();
	if (reason) {
		console.error(`built without a profile, which costs a tenth of the speed: ${reason}`);
	}

	// Not with the builder's own `--strip`: it hands flags to rustc in a way that gives way to ours.
	buildAddon('native', ['--dts', '../ts/native.d.ts', '--release'], ['-Cstrip=symbols', ...flags]);
}
