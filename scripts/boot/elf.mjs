// Sections of little-endian ELF64 files, which is all that the guest's architecture has.

/** The section's bytes, in the file's own memory: what is written to them is written to the file. */
export function section(file, wanted) {
	const table = Number(file.readBigUInt64LE(0x28));
	const size = file.readUInt16LE(0x3a);
	const names = header(file, table + file.readUInt16LE(0x3e) * size);
	for (let index = 1; index < file.readUInt16LE(0x3c); index++) {
		const {name, offset, length} = header(file, table + index * size);
		const start = names.offset + name;
		if (file.toString('latin1', start, file.indexOf(0, start)) === wanted) {
			return file.subarray(offset, offset + length);
		}
	}

	return undefined;
}

function header(file, at) {
	return {
		name: file.readUInt32LE(at),
		offset: Number(file.readBigUInt64LE(at + 0x18)),
		length: Number(file.readBigUInt64LE(at + 0x20)),
	};
}
