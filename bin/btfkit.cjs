#!/usr/bin/env node
// CommonJS, because Node takes 5 ms longer to start with a module.
'use strict';
const {existsSync} = require('node:fs');
const {join} = require('node:path');

const main = join(__dirname, '../dist/cli.cjs');
if (existsSync(main)) {
	require(main).main(process.argv.slice(2));
} else {
	console.error('btfkit: this checkout is not built yet: npm run build');
	process.exitCode = 1;
}
