// Raw BTF, made by hand: a base, another build of it, and a module.

/** Types are lists of words; names in them are strings, which are looked up in the base's first. */
export function makeBtf(types, base) {
	const strings = [];
	let length = base ? 0 : 1;
	const offsets = new Map(base?.offsets);
	const start = base ? base.end : 0;
	const word = value => {
		if (typeof value === 'number') {
			return value;
		}

		if (!offsets.has(value)) {
			offsets.set(value, start + length);
			strings.push(value);
			length += value.length + 1;
		}

		return offsets.get(value);
	};

	const words = types.flat().map(word);
	const section = Buffer.from(`${base ? '' : '\0'}${strings.map(text => `${text}\0`).join('')}`);
	const header = Buffer.alloc(24);
	header.writeUInt16LE(0xeb_9f, 0);
	header[2] = 1;
	for (const [index, value] of [24, 0, 4 * words.length, 4 * words.length, section.length].entries()) {
		header.writeUInt32LE(value, 4 + 4 * index);
	}

	const body = Buffer.alloc(4 * words.length);
	for (const [index, value] of words.entries()) {
		body.writeUInt32LE(value, 4 * index);
	}

	return {bytes: Buffer.concat([header, body, section]), offsets, end: start + section.length};
}

const kind = (number, length = 0) => number << 24 | length;
const int = (name, size) => [name, kind(1), size, 0x01_00_00_00 | 8 * size];
const pointer = to => [0, kind(2), to];
const struct = (name, size, ...members) => [name, kind(4, members.length), size, ...members.flat()];
const prototype = (result, ...parameters) => [0, kind(13, parameters.length), result, ...parameters.flat()];
const func = (name, to) => [name, kind(12), to];

/** A kernel's BTF. */
export const base = makeBtf([int('int', 4), struct('device', 8, ['id', 1, 0], ['users', 1, 32])]);
/** Of the next build, with another type in front. */
export const nextBase = makeBtf([int('long int', 8), int('int', 4), struct('device', 8, ['id', 2, 0], ['users', 2, 32])]);
/** Of a build in which the struct has grown. */
export const largerBase = makeBtf([int('int', 4), struct('device', 12, ['id', 1, 0], ['users', 1, 32], ['name', 1, 64])]);
/** A module's, on the first. */
export const module = makeBtf([
	struct('sample', 8, ['device', 2, 0]),
	pointer(3),
	prototype(1, ['sample', 4]),
	func('sample_init', 5),
	func('sample_exit', 5),
], base);
/** What a compiler makes of two files that include the same header. */
export const repeated = makeBtf([int('int', 4), pointer(1), int('int', 4), pointer(3), struct('pair', 16, ['a', 2, 0], ['b', 4, 64])]);
