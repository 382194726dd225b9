/** The kinds of BTF, by the kernel's names without `BTF_KIND_`. */
export type KindName =
	| 'INT'
	| 'PTR'
	| 'ARRAY'
	| 'STRUCT'
	| 'UNION'
	| 'ENUM'
	| 'FWD'
	| 'TYPEDEF'
	| 'VOLATILE'
	| 'CONST'
	| 'RESTRICT'
	| 'FUNC'
	| 'FUNC_PROTO'
	| 'VAR'
	| 'DATASEC'
	| 'FLOAT'
	| 'DECL_TAG'
	| 'TYPE_TAG'
	| 'ENUM64';

/** A function or variable that the debug information has and the BTF has not. */
export interface Skipped {
	what: 'function' | 'variable';
	name: string;
	/** Stable, for machines: `inconsistent-prototype`. */
	reason: string;
	/** For people. */
	detail: string;
}

/** Something odd in the debug information that was worked around. */
export interface Diagnostic {
	/** The name of the compile unit. */
	unit: string;
	/** The offset of the entry in `.debug_info`. */
	offset: number;
	/** Stable, for machines: `unsupported-tag`. */
	code: string;
	message: string;
}

/** A stage of the work and how long it took. */
export interface Phase {
	name: string;
	milliseconds: number;
}

/** What happened while encoding. */
export interface Report {
	/** How many types of each kind the BTF has; kinds that do not occur are absent. */
	counts: Partial<Record<KindName, number>>;
	/** The number of types, without `void`. */
	types: number;
	/** The size of the BTF in bytes. */
	size: number;
	/** The size of its distilled base, where it has one. */
	baseSize: number | null;
	/** Compile units that were read. */
	units: number;
	/** Compile units that were left out because of their language. */
	unitsExcluded: number;
	/** How many functions were left out. */
	functionsSkipped: number;
	/** How many variables were left out. */
	variablesSkipped: number;
	/** Every function and variable that was left out, by name. */
	skipped: Skipped[];
	diagnostics: Diagnostic[];
	phases: Phase[];
	/** Peak resident memory of the process in bytes, or null where it is not known. */
	peakMemory: number | null;
	/** How many bytes of anonymous memory the process was expected to need, from the sizes of the file's sections. */
	memoryEstimate: number;
	/** The bound on them, by `memoryLimit` or by control groups, or null where there was none. */
	memoryLimit: number | null;
	/** How many threads did the work. */
	jobs: number;
}
