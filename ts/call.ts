// How every function of the API calls the addon: a task on its threads, ended early by a signal, whose outcome is either
// a failure, which becomes a typed error, or a result.
import {binding, type Binding} from './binding.js';
import {BtfkitError, type ErrorCode} from './errors.js';
import type {Control, Failure} from './native.js';

interface Subject {
	/** The file that errors are about. */
	path: string;
	/** What is done to it, for people: "encoding". */
	doing: string;
	signal?: AbortSignal | undefined;
}

export interface Call<Outcome> extends Subject {
	/** Begins the work. It never rejects; it ends early, with the code ABORTED, once `control` says so. */
	start(native: Binding, control: Control): Promise<Outcome>;
}

/** Waits for the work's outcome, and throws a failure as a `BtfkitError`. */
export async function call<Outcome extends {failure?: Failure}>({path, doing, signal, start}: Call<Outcome>): Promise<Outcome> {
	const native = binding();
	const control = new native.Control();
	const aborted = () => abortError({path, doing, signal});
	if (signal?.aborted) {
		throw aborted();
	}

	// Node's pool runs a few tasks at a time. One that is aborted while it waits for its turn is not waited for.
	let onAbort: (() => void) | undefined;
	const neverBegun = new Promise<never>((_, reject) => {
		onAbort = () => {
			if (control.abort()) {
				reject(aborted());
			}
		};
	});
	signal?.addEventListener('abort', onAbort!, {once: true});
	let outcome: Outcome;
	try {
		outcome = await Promise.race([start(native, control), neverBegun]);
	} finally {
		signal?.removeEventListener('abort', onAbort!);
	}

	if (outcome.failure) {
		throw failureError(outcome.failure, {path, doing, signal});
	}

	return outcome;
}

/** The error that a failure of the addon is. */
export function failureError({code, message}: Failure, subject: Subject): BtfkitError {
	return code === 'ABORTED' ? abortError(subject) : new BtfkitError(code as ErrorCode, message, {path: subject.path});
}

function abortError({path, doing, signal}: Subject): BtfkitError {
	return new BtfkitError('ABORTED', `${path}: ${doing} was aborted`, {path, cause: signal?.reason});
}

/**
 * A result with a property that is read from the addon's JSON when somebody asks for it: reports of kernels name
 * thousands of functions.
 */
export function withLazy<Result extends object, Name extends string, Value>(
	result: Result,
	name: Name,
	read: () => Value,
): Result & Record<Name, Value> {
	let value: {read: Value} | undefined;
	const get = () => {
		value ??= {read: read()};
		return value.read;
	};

	return Object.defineProperty(result, name, {get, enumerable: true, configurable: true}) as Result & Record<Name, Value>;
}
