import process from 'node:process';
import {fileURLToPath} from 'node:url';

export default {
	files: ['test/**/*.test.js'],
	timeout: '2m',
	// Tests are of the debug build, which checks more, unless another is named.
	environmentVariables: {
		BTFKIT_ADDON: process.env.BTFKIT_ADDON ?? fileURLToPath(new URL('native/debug', import.meta.url)),
	},
};
