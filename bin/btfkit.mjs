#!/usr/bin/env node
import {existsSync} from 'node:fs';
import {createRequire} from 'node:module';
import process from 'node:process';
import {fileURLToPath} from 'node:url';

const main = fileURLToPath(new URL('../dist/cli.cjs', import.meta.url));
if (existsSync(main)) {
	// By require: it is one file, and import would look through it for names first.
	const cli = createRequire(import.meta.url)(main);
	await cli.main(process.argv.slice(2));
} else {
	console.error('btfkit: this checkout is not built yet: npm run build');
	process.exitCode = 1;
}
