/** What the exit code of `btfkit` says. Part of the public interface: see the README. */
export const exitCodes = {
	done: 0,
	/** The input, or the encoding of it, failed. */
	failed: 1,
	/** The command line is not what it has to be. */
	usage: 2,
	/** `fits`: the BTF does not belong to the base. */
	mismatched: 4,
	/** `fits`: nothing tells whether it does. */
	unknown: 5,
	/** `kernel`: some modules failed, the others are done. */
	partly: 3,
	interrupted: 130,
} as const;
