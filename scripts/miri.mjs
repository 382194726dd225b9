// `npm run miri [TEST...]`: tests under Miri, which interprets a program and finds undefined behaviour. Needs a nightly
// toolchain with the components miri and rust-src. Tests named TEST (or a part of it) are run, or all that Miri can run.
import process from 'node:process';
import {attempt} from './lib/run.mjs';

// Miri cannot map files, handle signals or ask for a process's memory, which is what all other unsafe code does:
// docs/unsafe.md says what finds faults there. Of crates/elf, which has none beside its map, the tests are here that read
// bytes in memory: a crate that it reads them with takes bytes for structs.
const runs = [
	{name: 'btfkit-btf', tests: ['--lib', 'prefetch::']},
	{name: 'btfkit-btf', tests: ['--lib', 'text::']},
	// Left out is what takes Miri more than some minutes (thousands of lookups, of sections, of random tables), and what
	// opens files.
	{name: 'btfkit-dwarf', tests: ['--lib'], skip: ['a_value_is_what_the_file_says', 'tables_are_read_as_they_stand']},
	{name: 'btfkit-elf', tests: ['--test', 'relocations'], skip: ['a_cursor_finds_what_is_there', 'places_are_told_ahead']},
	{name: 'btfkit-elf', tests: ['--test', 'image'], skip: ['more_sections_than_sixteen_bits', 'open_tells_the_reasons_apart']},
	// Queues of rayon's are beyond the stricter of Miri's two models of what may be borrowed at once.
	{name: 'btfkit-elf', tests: ['--test', 'functions'], flags: ['-Zmiri-tree-borrows', '-Zmiri-permissive-provenance', '-Zmiri-ignore-leaks']},
];

// Miri has the instructions that it is compiled for: so it takes the ways that processors with them take.
const always = ['-Zmiri-disable-isolation', ...(process.arch === 'x64' ? ['-Ctarget-feature=+popcnt'] : [])];
const failed = runs.filter(({name, tests, skip = [], flags = []}) => {
	console.log(`\n── ${name} ${tests.join(' ')}`);
	const chosen = [...process.argv.slice(2), ...skip.flatMap(test => ['--skip', test])];
	const env = {...process.env, MIRIFLAGS: [process.env.MIRIFLAGS, ...always, ...flags].filter(Boolean).join(' ')};
	return attempt('cargo', ['+nightly', 'miri', 'test', '--package', name, ...tests, '--', ...chosen], {env}) !== 0;
});
console.log(`\nMiri: ${runs.length - failed.length} of ${runs.length} runs without a fault`);
process.exitCode = failed.length > 0 ? 1 : 0;
