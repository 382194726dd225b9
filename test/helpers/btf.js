import {execFileSync, spawnSync} from 'node:child_process';
import os from 'node:os';

export const hasBpftool = spawnSync('bpftool', ['version']).status === 0;

/** The types of a BTF file as bpftool reads them. */
export function dump(path) {
	const json = execFileSync('bpftool', ['--json', 'btf', 'dump', 'file', path], {encoding: 'utf8', maxBuffer: 2 ** 30});
	return JSON.parse(json).types;
}

/** The header of raw BTF, in the byte order that its magic shows; throws where a field contradicts the length. */
export function header(btf) {
	const little = btf.readUInt16LE(0) === 0xeb_9f;
	const u32 = offset => little ? btf.readUInt32LE(offset) : btf.readUInt32BE(offset);
	const found = {
		byteOrder: little ? 'LE' : 'BE',
		magic: little ? btf.readUInt16LE(0) : btf.readUInt16BE(0),
		version: btf[2],
		flags: btf[3],
		length: u32(4),
		types: {offset: u32(8), length: u32(12)},
		strings: {offset: u32(16), length: u32(20)},
	};
	const end = found.length + Math.max(found.types.offset + found.types.length, found.strings.offset + found.strings.length);
	if (end !== btf.length) {
		throw new Error(`the header speaks of ${end} bytes, and there are ${btf.length}`);
	}

	return found;
}

export const isRoot = os.userInfo().uid === 0;
