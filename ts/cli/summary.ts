// What a run says about itself to people.
import type {Report} from '../report.js';

/** More than this many warnings are a flood; --json has all of them. */
const shownDiagnostics = 10;

/** One line: what came out, what was left out, how long it took. */
export function summarize(target: string, report: Report, seconds: number): string {
	const {functionsSkipped: functions, variablesSkipped: variables} = report;
	const leftOut = [
		...(functions > 0 ? [count(functions, 'function')] : []),
		...(variables > 0 ? [count(variables, 'variable')] : []),
		...(report.unitsExcluded > 0 ? [count(report.unitsExcluded, 'unit')] : []),
	];
	return [
		`${target}: ${count(report.types, 'type')}, ${bytes(report.size)}, from ${count(report.units, 'unit')}`,
		...(report.baseSize === null ? [] : [`distilled base: ${bytes(report.baseSize)}`]),
		...(leftOut.length > 0 ? [`left out: ${leftOut.join(', ')} (--json says why)`] : []),
		`${seconds.toFixed(2)} s`,
	].join('; ');
}

export function warnings({diagnostics}: Report): string[] {
	const lines = diagnostics.slice(0, shownDiagnostics).map(({unit, offset, message}) =>
		`warning: ${unit}, entry at 0x${offset.toString(16)}: ${message}`);
	const more = diagnostics.length - lines.length;
	return more > 0 ? [...lines, `warning: ${more} more like these; --json lists all`] : lines;
}

export function count(number: number, what: string): string {
	return `${number} ${what}${number === 1 ? '' : 's'}`;
}

export function bytes(size: number): string {
	if (size < 1000) {
		return `${size} bytes`;
	}

	return size < 1_000_000 ? `${(size / 1000).toFixed(1)} kB` : `${(size / 1_000_000).toFixed(1)} MB`;
}
