// The command line: from its arguments to a command, and how that ends.
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import process from 'node:process';
import {Command, CommanderError} from 'commander';
import {packageFolder} from '../binding.js';
import {BtfkitError} from '../errors.js';
import {commands, type CommandSpec} from './commands.js';
import {exitCodes} from './exit-codes.js';
import {addOptions, readOptions} from './flags.js';
import {exitCodeHelp} from './help.js';
import {standard} from './output.js';
import {exitCodeOf} from './perform.js';

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
			return exitCodeOf(error);
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

	for (const [name, spec] of Object.entries(commands)) {
		addCommand(program, name, spec, finish);
	}

	return program;
}

function addCommand(program: Command, name: string, spec: CommandSpec, finish: (exitCode: number) => void): void {
	const command = program.command(name).summary(spec.summary).description(spec.description);
	for (const [operand, text] of Object.entries(spec.operands)) {
		command.argument(operand, text);
	}

	addOptions(command, spec.tables);
	command.addHelpText('after', () => (spec.help?.() ?? '') + exitCodeHelp);
	command.action(async (...given: unknown[]) => {
		const operands = given.slice(0, -2);
		const runCommand = await spec.load() as (operands: unknown[], options: object) => Promise<number>;
		finish(await runCommand(operands, readOptions(spec.tables, command.opts())));
	});
}

function version(): string {
	const manifest = readFileSync(join(packageFolder, 'package.json'), 'utf8');
	return (JSON.parse(manifest) as {version: string}).version;
}
