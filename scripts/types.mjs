// Makes index.d.ts, the public types, from ts/: `npm run types` writes it, `npm run check:types` fails when the
// committed one is stale. The README's list of options is made here too, from the same tables.
//
// Every module that ts/index.ts exports is public as a whole. Their declarations, as the compiler writes them, are put
// one after the other without their imports of each other; and options that are declared by a table in ts/options/ are
// written out as an interface with the table's texts.
import {mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import process from 'node:process';
import {pathToFileURL} from 'node:url';
import {root, run} from './lib/run.mjs';

const check = process.argv.includes('--check');
const folder = mkdtempSync(join(tmpdir(), 'btfkit-types-'));
/** How a module says that its options are those of a table. */
const callOptions = /^export type (\w+) = CallOptions<typeof (\w+)>;\n/gm;
let stale = false;
try {
	const compiler = ['--no-install', 'tsc', '-p', 'tsconfig.build.json', '--outDir', folder];
	run('npx', [...compiler, '--declaration']);
	writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
	const load = file => import(pathToFileURL(join(folder, 'options', file)));
	const {kinds} = await load('kinds.js');
	const files = readdirSync(join(folder, 'options')).filter(file => file.endsWith('.js') && !['kinds.js', 'table.js'].includes(file));
	const tables = Object.assign({}, ...await Promise.all(files.map(load)));
	update('index.d.ts', () => declarations(tables, kinds));
	update('README.md', text => withFlagLists(text, tables));
} finally {
	rmSync(folder, {recursive: true});
}

process.exitCode = stale ? 1 : 0;

function update(name, make) {
	const path = join(root, name);
	let old = '';
	try {
		old = readFileSync(path, 'utf8');
	} catch (error) {
		if (error.code !== 'ENOENT') {
			throw error;
		}
	}

	const current = make(old);
	if (current === old) {
		return;
	}

	if (check) {
		stale = true;
		console.error(`${name} is stale: npm run types, and commit it`);
	} else {
		writeFileSync(path, current);
		console.log(`wrote ${name}`);
	}
}

function declarations(tables, kinds) {
	const index = readFileSync(join(root, 'ts', 'index.ts'), 'utf8');
	const modules = [...index.matchAll(/^export \* from '\.\/(.+)\.js';$/gm)].map(([, name]) => name);
	const parts = modules.map(name => publicPart(name, modules));
	const text = parts.join('\n').replaceAll(callOptions, (_, name, table) => optionsInterface(name, tables[table], kinds));
	return `// The public types of btfkit. Made from ts/ by npm run types; do not edit.\n\n${text}`;
}

/** A module's declarations without imports of public modules; other imports of ours would dangle. */
function publicPart(name, modules) {
	const text = readFileSync(join(folder, `${name}.d.ts`), 'utf8');
	const body = text.replaceAll(/^import .* from '(.+)';\n/gm, (line, from) => {
		const module = /^\.\/(.+)\.js$/.exec(from)?.[1];
		return module ? '' : line;
	});
	for (const [, names, from] of text.matchAll(/^import (?:type )?\{(.+)\} from '\.\/(.+)\.js';$/gm)) {
		const used = names.split(',').map(word => word.trim().replace(/^type /, ''));
		const dangling = used.filter(word => !modules.includes(from) && new RegExp(`\\b${word}\\b`).test(body.replaceAll(callOptions, '')));
		if (dangling.length > 0) {
			throw new Error(`ts/${name}.ts is public and shows ${dangling.join(', ')} of ts/${from}.ts, which is not`);
		}
	}

	return body;
}

function optionsInterface(name, table, kinds) {
	const lines = Object.entries(table).flatMap(([option, {kind, text, choices, required}]) => [
		...comment(text),
		`    ${option}${required ? '' : '?'}: ${kinds[kind].type(choices)}${required ? '' : ' | undefined'};`,
	]);
	return [
		`export interface ${name} {`,
		...lines,
		...comment('Ends the work early. The error then has the name `AbortError` and the code `ABORTED`.'),
		'    signal?: AbortSignal | undefined;',
		'}',
		'',
	].join('\n');
}

function comment(text) {
	return ['    /**', ...wrap(text, 113).map(line => `     * ${line}`), '     */'];
}

function wrap(text, width) {
	const lines = [''];
	for (const word of text.split(' ')) {
		if (lines.at(-1).length + word.length >= width) {
			lines.push('');
		}

		lines.push(`${lines.pop()} ${word}`.trimStart());
	}

	return lines;
}

function flagList(table) {
	const rows = Object.entries(table).map(([name, {flag, text}]) => `| \`${flag.replaceAll('|', '\\|')}\` | ${text} |`);
	return ['| Flag | What it does |', '|---|---|', ...rows].join('\n');
}

/** Each list stands between marks that name its command. */
function withFlagLists(text, tables) {
	const marked = /(<!-- options of (\w+): made by npm run types -->\n)[^]*?(\n<!-- end -->)/g;
	return text.replaceAll(marked, (_, begin, command, end) =>
		begin + flagList({...tables[`${command}Options`], ...tables[`${command}CommandOptions`]}) + end);
}
