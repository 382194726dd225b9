// The command line: which commands there are and how each ends. A command's own module is loaded when it is called.
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import process from 'node:process';
import {Command, CommanderError} from 'commander';
import {binding, packageFolder} from '../binding.js';
import {BtfkitError} from '../errors.js';
import {encodeCommandOptions, encodeOptions} from '../options.js';
import {exitCodes} from './exit-codes.js';
import {addOptions, readOptions} from './flags.js';
import {standard} from './output.js';

/** Runs the command line and sets the process's exit code. */
export async function main(args: readonly string[]): Promise<void> {
	process.exitCode = await run(args);
}

async function run(args: readonly string[]): Promise<number> {
	let exitCode: number = exitCodes.done;
	const program = createProgram(code => {
		exitCode = code;
	});
	try {
		await program.parseAsync(args, {from: 'user'});
		return exitCode;
	} catch (error) {
		if (error instanceof CommanderError) {
			return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
		}

		if (error instanceof BtfkitError) {
			standard('stderr').write(`btfkit: ${error.message}\n`);
			return error.code === 'INVALID_OPTION' ? exitCodes.usage : exitCodes.failed;
		}

		standard('stderr').write(`btfkit: a fault of btfkit itself; please report it\n${error instanceof Error ? error.stack : String(error)}\n`);
		return exitCodes.failed;
	}
}

function createProgram(finish: (exitCode: number) => void): Command {
	const program = new Command('btfkit')
		.description('Makes BTF, the type information of the Linux kernel, from the DWARF of an ELF file.')
		.version(version(), '-V, --version', 'Print the version.')
		.helpOption('-h, --help', 'Print this help.')
		.helpCommand('help [command]', 'Print the help of a command.')
		.configureOutput({
			writeOut: text => standard('stdout').write(text),
			writeErr: text => standard('stderr').write(text),
		})
		.showHelpAfterError('(--help lists what there is)')
		.exitOverride();

	const encodeTables = [encodeOptions, encodeCommandOptions];
	const encode = program.command('encode')
		.summary('Make BTF from an ELF file with DWARF.')
		.description('Makes BTF from the DWARF of an ELF file: a kernel (vmlinux), a module, an object or a program.')
		.argument('<file>', 'The ELF file.');
	addOptions(encode, encodeTables);
	encode.addHelpText('after', () => featureHelp() + exitCodeHelp);
	encode.action(async (file: string, values: Record<string, unknown>) => {
		const command = await import('./encode.js');
		finish(await command.encodeCommand(file, readOptions(encodeTables, values)));
	});
	return program;
}

/** The features are the encoder's to name; without its addon there is still help about the rest. */
function featureHelp(): string {
	try {
		const {featureNames, defaultFeatureNames} = binding();
		const inDefault = new Set(defaultFeatureNames());
		const others = featureNames().filter(name => !inDefault.has(name));
		return `
Features:
  in the default set  ${[...inDefault].join(', ')}
  others              ${others.join(', ')}
`;
	} catch {
		return '';
	}
}

const exitCodeHelp = `
Exit codes: ${exitCodes.done} done, ${exitCodes.failed} the input or the encoding failed, ${exitCodes.usage} usage, ${exitCodes.interrupted} interrupted.`;

function version(): string {
	const manifest = readFileSync(join(packageFolder, 'package.json'), 'utf8');
	return (JSON.parse(manifest) as {version: string}).version;
}
