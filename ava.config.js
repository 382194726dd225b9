import {fileURLToPath} from 'node:url';

export default {
	files: ['test/**/*.test.js'],
	timeout: '2m',
	// Tests are of the debug build, which checks more.
	environmentVariables: {
		BTFKIT_ADDON: fileURLToPath(new URL('native/debug', import.meta.url)),
	},
};
