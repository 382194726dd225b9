#!/usr/bin/env node
import {existsSync} from 'node:fs';
import process from 'node:process';

const main = new URL('../dist/cli/main.js', import.meta.url);
if (existsSync(main)) {
	const cli = await import(main.href);
	await cli.main(process.argv.slice(2));
} else {
	console.error('btfkit: this checkout is not built yet: npm run build');
	process.exitCode = 1;
}
