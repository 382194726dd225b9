// Puts the command line into one file, dist/cli.cjs. Node would find and read its modules one by one.
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {build} from 'esbuild';
import {root} from './lib/run.mjs';

await build({
	entryPoints: [join(root, 'ts/cli/main.ts')],
	outfile: join(root, 'dist/cli.cjs'),
	bundle: true,
	platform: 'node',
	target: 'node20.19',
	format: 'cjs',
	minifyWhitespace: true,
	minifySyntax: true,
	// A CommonJS module has no import.meta.
	define: {'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename'},
	footer: {js: `/* Includes commander:\n${readFileSync(join(root, 'node_modules/commander/LICENSE'), 'utf8')}*/`},
	plugins: [
		{name: 'without-subprocesses', setup: withoutSubprocesses},
		{name: 'own-require', setup: ownRequire},
	],
	logLevel: 'warning',
});

/** commander can run commands that are programs of their own. We have none, and what that takes is slow to load. */
function withoutSubprocesses({onResolve, onLoad}) {
	onResolve({filter: /^node:child_process$/}, ({path, importer}) =>
		importer.includes('commander') ? {path, namespace: 'nothing'} : undefined);
	onLoad({filter: /./, namespace: 'nothing'}, () => ({contents: ''}));
}

/** A CommonJS module has a require and need not make one, for which Node loads what modules of the other kind need. */
function ownRequire({onResolve, onLoad}) {
	onResolve({filter: /^node:module$/}, ({path}) => ({path, namespace: 'own-require'}));
	onLoad({filter: /./, namespace: 'own-require'}, () => ({contents: 'export const createRequire = () => require;'}));
}
