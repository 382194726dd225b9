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
import {hasOpenStreams, isClosedPipe, write, writeOutput} from './output.js';
import {exitCodeOf, messageOf} from './perform.js';

/** Runs the command line and ends the process with its exit code. */
export async function main(args: readonly string[]): Promise<void> {
	process.exitCode = await run(args);
	// Otherwise Node takes itself apart first. What is in streams has to go out before.
	if (!hasOpenStreams()) {
		process.exit();
	}
}

async function run(args: readonly string[]): Promise<number> {
	let exitCode: number = exitCodes.done;
	const help: string[] = [];
	const program = createProgram(args[0], help, code => {
		exitCode = code;
	});
	try {
		await program.parseAsync(args, {from: 'user'});
		return exitCode;
	} catch (error) {
		if (error instanceof CommanderError) {
			return error.exitCode === 0 ? writeHelp(help.join('')) : exitCodes.usage;
		}

		if (error instanceof BtfkitError) {
			write('stderr', `btfkit: ${messageOf(error)}\n`);
			return exitCodeOf(error);
		}

		write('stderr', `btfkit: a fault of btfkit itself; please report it\n${error instanceof Error ? error.stack : String(error)}\n`);
		return exitCodes.failed;
	}
}

/** Whoever has read enough of it may close it. */
async function writeHelp(help: string): Promise<number> {
	try {
		await writeOutput(help);
	} catch (error) {
		if (!isClosedPipe(error)) {
			write('stderr', `btfkit: ${(error as Error).message}\n`);
			return exitCodes.failed;
		}
	}

	return exitCodes.done;
}

/**
 * With the one command that is named first, as adding all of them takes a while; else, for help, with all. What it has to
 * say when it is asked for help goes into `help`.
 */
function createProgram(first: string | undefined, help: string[], finish: (exitCode: number) => void): Command {
	const program = new Command('btfkit')
		.description('Makes BTF, the type information of the Linux kernel, from the DWARF of an ELF file.')
		.version(version(), '-V, --version', 'Print the version.')
		.helpOption('-h, --help', 'Print this help.')
		.helpCommand('help [command]', 'Print the help of a command.')
		.configureOutput({
			writeOut: text => help.push(text),
			writeErr: text => write('stderr', text),
		})
		.showHelpAfterError('(--help lists what there is)')
		.exitOverride();

	const isNamed = first !== undefined && Object.hasOwn(commands, first);
	for (const [name, spec] of Object.entries(isNamed ? {[first]: commands[first]!} : commands)) {
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
