/**
 * What went wrong, for machines. Stable: a code is never given another meaning.
 *
 * - `NOT_FOUND`: there is no such file.
 * - `NOT_ELF`: the file is not ELF.
 * - `TRUNCATED`: the file is shorter than its own headers say.
 * - `NO_DWARF`: the file has no debug information to make BTF from.
 * - `NO_SYMTAB`: the file has no symbol table, which functions and variables are looked up in.
 * - `MALFORMED_COMPRESSION`: the file is compressed as a whole (gzip, xz, zstd), and damaged.
 * - `MALFORMED_ELF`: the file's sections or symbols contradict themselves.
 * - `MALFORMED_DWARF`: the debug information contradicts itself.
 * - `NO_TYPES`: there is debug information, but without a single type, or all of it was excluded.
 * - `NO_MODULES`: the folder has no modules.
 * - `AMBIGUOUS`: two modules have the same name, and their BTF would be in the same file.
 * - `UNFIT_VARIABLE`: a variable cannot be in BTF, and the feature `encode_force`, which leaves such out, was not asked for.
 * - `INVALID_BTF`: valid BTF could not be made of it.
 * - `NO_BTF`: the file has no BTF, or not what is needed beside it.
 * - `MALFORMED_BTF`: BTF that was given cannot be read.
 * - `NOT_RELOCATABLE`: split BTF cannot be carried to another base; the message says which types are in the way.
 * - `BASE_MISMATCH`: the base is of another byte order or pointer size than the file.
 * - `SKIPPED`: there is no BTF, as `missingBase` or `onInvalid` asked for, or as the target kernel reads none of modules.
 * - `STRICT`: there were diagnostics, and `strict` was asked for.
 * - `MEMORY_LIMIT`: it takes more memory than `memoryLimit`, or the process's control group, leaves it.
 * - `NOT_IN_PLACE`: the BTF cannot be put into the file; it can be written to a file of its own.
 * - `IO`: reading or writing failed.
 * - `ABORTED`: the signal was aborted; the error's name is `AbortError`, its `cause` the signal's reason.
 * - `INVALID_OPTION`: an option or argument is not what it has to be.
 * - `NO_ADDON`: the native part of btfkit could not be loaded.
 * - `INTERNAL`: a fault of btfkit itself.
 */
export type ErrorCode =
	| 'NOT_FOUND'
	| 'NOT_ELF'
	| 'TRUNCATED'
	| 'NO_DWARF'
	| 'NO_SYMTAB'
	| 'MALFORMED_COMPRESSION'
	| 'MALFORMED_ELF'
	| 'MALFORMED_DWARF'
	| 'NO_TYPES'
	| 'NO_MODULES'
	| 'AMBIGUOUS'
	| 'UNFIT_VARIABLE'
	| 'INVALID_BTF'
	| 'NO_BTF'
	| 'MALFORMED_BTF'
	| 'NOT_RELOCATABLE'
	| 'BASE_MISMATCH'
	| 'SKIPPED'
	| 'STRICT'
	| 'MEMORY_LIMIT'
	| 'NOT_IN_PLACE'
	| 'IO'
	| 'ABORTED'
	| 'INVALID_OPTION'
	| 'NO_ADDON'
	| 'INTERNAL';

export interface BtfkitErrorDetails {
	/** The file that the error is about. */
	path?: string | undefined;
	cause?: unknown;
}

/** Every error of btfkit. The message names the file and says what to do. */
export class BtfkitError extends Error {
	readonly code: ErrorCode;
	/** The file that the error is about, as it was given. */
	readonly path: string | undefined;

	constructor(code: ErrorCode, message: string, details: BtfkitErrorDetails = {}) {
		super(message, 'cause' in details ? {cause: details.cause} : undefined);
		this.name = code === 'ABORTED' ? 'AbortError' : 'BtfkitError';
		this.code = code;
		this.path = details.path;
	}
}
