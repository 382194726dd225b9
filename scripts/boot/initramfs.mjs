// An archive that the kernel unpacks as its first file system: cpio in the "newc" format (initramfs buffer format in the
// kernel's documentation). All is owned by root, whoever makes it.
import {closeSync, openSync, readFileSync, writeSync} from 'node:fs';

const kinds = {folder: 0o040755, program: 0o100755, file: 0o100644};

/** Writes entries `{path, kind, from | content}`; folders come before what is in them. */
export function writeInitramfs(target, entries) {
	const descriptor = openSync(target, 'w');
	try {
		let inode = 1;
		for (const {path, kind, from, content} of entries) {
			const bytes = from === undefined ? Buffer.from(content ?? '') : readFileSync(from);
			write(descriptor, record(path, kinds[kind], inode++, bytes));
		}

		write(descriptor, record('TRAILER!!!', 0, 0, Buffer.alloc(0)));
	} finally {
		closeSync(descriptor);
	}
}

function record(path, mode, inode, bytes) {
	const name = Buffer.from(`${path}\0`);
	const fields = [inode, mode, 0, 0, 1, 0, bytes.length, 0, 0, 0, 0, name.length, 0];
	const header = `070701${fields.map(field => field.toString(16).padStart(8, '0')).join('')}`;
	return Buffer.concat([padded(Buffer.concat([Buffer.from(header), name])), padded(bytes)]);
}

function padded(bytes) {
	return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}

function write(descriptor, bytes) {
	let done = 0;
	while (done < bytes.length) {
		done += writeSync(descriptor, bytes, done);
	}
}
