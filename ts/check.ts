import {call} from './call.js';
import {BtfkitError, type ErrorCode} from './errors.js';
import {checkOptions} from './options/check.js';
import {checkOptions as checkGiven, type CallOptions} from './options/table.js';
import {toPath} from './paths.js';

export type CheckOptions = CallOptions<typeof checkOptions>;

/** Something that is wrong with a BTF, and where. */
export interface Finding {
	/** An error is what the kernel that was asked refuses, or nobody can use; other kernels and tools mind a warning. */
	severity: 'error' | 'warning';
	section: '.BTF' | '.BTF.base';
	/** Null where it is about no type. */
	typeId: number | null;
	/** The type's own name, empty where it has none. */
	name: string;
	/** From a named type down to this one. */
	path: string;
	/** Stable, for machines: "member-exceeds-struct-size". */
	rule: string;
	/** Who has the rule. */
	source: string;
	message: string;
	/** What to do. */
	advice: string;
}

export interface CheckResult {
	file: string;
	verdict: 'accepted' | 'refused';
	context: 'load' | 'vmlinux' | 'module' | 'base';
	/** The kernel's error number, where it refuses. */
	errno?: number;
	/** The kernel's words; empty where it has none. */
	message?: string;
	findings: Finding[];
}

/** A file that could not be read. */
export interface UncheckedFile {
	file: string;
	error: {code: ErrorCode; message: string};
}

/** Says whether a kernel would take the BTF of a file: a raw BTF, or an ELF file with `.BTF`. */
export async function check(file: string | URL, options: CheckOptions = {}): Promise<CheckResult> {
	const [result] = await checkFiles([file], options);
	if (result && 'error' in result) {
		throw new BtfkitError(result.error.code, result.error.message, {path: result.file});
	}

	return result!;
}

/** As `check`, for many files, whose base is read once. One that cannot be read does not end it. */
export async function checkFiles(
	files: ReadonlyArray<string | URL>,
	options: CheckOptions = {},
): Promise<Array<CheckResult | UncheckedFile>> {
	const checked = checkGiven(checkOptions, options);
	const paths = files.map(file => toPath(file, 'file'));
	const {report} = await call({
		path: paths.length === 1 ? paths[0]! : `${paths.length} files`,
		doing: 'checking',
		signal: options.signal,
		start: (native, control) => native.check(paths, checked, control),
	});
	return JSON.parse(report!) as Array<CheckResult | UncheckedFile>;
}
