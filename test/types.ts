// Compiled, never run: what index.d.ts says of the options is what ts/ takes.
import {
	encode, encodeKernel, encodeToFile, BtfkitError,
	type EncodeOptions, type ErrorCode, type KernelOptions, type KernelSummary, type Report,
} from '../index.js';
import type {EncodeOptions as Implemented} from '../ts/encode.js';
import type {KernelOptions as KernelImplemented} from '../ts/kernel.js';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
type Flat<T> = {[Key in keyof T]: T[Key]};

export const optionsAreThose: Same<Flat<EncodeOptions>, Flat<Implemented>> = true;

export const kernelOptionsAreThose: Same<Flat<KernelOptions>, Flat<KernelImplemented>> = true;

export async function kernel(): Promise<KernelSummary> {
	const run = encodeKernel({vmlinux: 'vmlinux', modules: 'modules', shard: '1/2', missingBase: 'skip'});
	for await (const {status, btf} of run) {
		const bytes: Buffer | undefined = status === 'encoded' ? btf : undefined;
		bytes?.length;
	}

	// @ts-expect-error Modules have to be there.
	encodeKernel({vmlinux: 'vmlinux'});
	return run.summary();
}

export async function everyday(): Promise<Report> {
	const {btf, report} = await encode('vmlinux', {
		features: ['default', 'layout'],
		jobs: 2,
		langExclude: 'rust,asm',
		strict: true,
		signal: AbortSignal.timeout(1000),
	});
	const bytes: Buffer = btf;
	const structs: number | undefined = report.counts.STRUCT;
	const {path} = await encodeToFile(new URL('file:///vmlinux'), `${bytes.length}${structs}.btf`);
	const code: ErrorCode = new BtfkitError('NO_DWARF', path).code;
	// @ts-expect-error There is no such feature.
	await encode(code, {features: ['flaot']});
	// @ts-expect-error The report cannot be written by mistake.
	const wrong: string = report.types;
	return {...report, phases: [{name: wrong, milliseconds: 1}]};
}
