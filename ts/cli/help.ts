// What help says beside commands and options.
import {binding} from '../binding.js';
import {exitCodes} from './exit-codes.js';

/** The features are the encoder's to name; without its addon there is still help about the rest. */
export function featureHelp(): string {
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

export const checkHelp = `
Exit code 0 says that all files are accepted, 1 that some are refused or could not be read.
`;

export const exitCodeHelp = `
Exit codes: ${exitCodes.done} done, ${exitCodes.failed} the input or the work on it failed, ${exitCodes.usage} usage, ${exitCodes.interrupted} interrupted.`;
