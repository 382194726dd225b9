// How large `.debug_info` is: what the cost of encoding is expected to be in proportion to.
import {closeSync, openSync, readSync} from 'node:fs';

/** Bytes of a file's `.debug_info`; undefined where it has none, or has it compressed (then the bytes say little). */
export function debugInfoSize(path) {
	const file = openSync(path, 'r');
	try {
		const read = (position, length) => {
			const bytes = Buffer.alloc(length);
			readSync(file, bytes, 0, length, position);
			return bytes;
		};

		const ident = read(0, 64);
		const [wide, little] = [ident[4] === 2, ident[5] === 1];
		const u16 = (bytes, at) => little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at);
		const u32 = (bytes, at) => little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
		const word = (bytes, at) => wide ? Number(little ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at)) : u32(bytes, at);
		const [entrySize, count, names] = (wide ? [58, 60, 62] : [46, 48, 50]).map(at => u16(ident, at));
		const table = read(word(ident, wide ? 40 : 32), entrySize * count);
		const sections = Array.from({length: count}, (_, index) => table.subarray(index * entrySize, (index + 1) * entrySize)).map(header => ({
			name: u32(header, 0),
			compressed: (word(header, 8) & 0x800) !== 0,
			offset: word(header, wide ? 24 : 16),
			size: word(header, wide ? 32 : 20),
		}));
		const strings = read(sections[names].offset, sections[names].size);
		const nameOf = ({name}) => strings.toString('latin1', name, strings.indexOf(0, name));
		const info = sections.find(section => nameOf(section) === '.debug_info');
		return info?.compressed ? undefined : info?.size;
	} finally {
		closeSync(file);
	}
}
