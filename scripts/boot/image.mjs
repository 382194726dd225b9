// The kernel's ELF file inside of an image for x86 (its boot protocol is in the kernel's documentation).
import {spawnSync} from 'node:child_process';

/** By the first bytes of what they made, the programs of which Debian's kernels take one. */
const compressions = [
	{magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a], program: 'xz'},
	{magic: [0x28, 0xb5, 0x2f, 0xfd], program: 'zstd'},
	{magic: [0x1f, 0x8b], program: 'gzip'},
];

/** The bytes of vmlinux, without debug information but with its BTF. */
export function vmlinuxOf(image) {
	const sectors = image[0x1f1] || 4;
	const start = (sectors + 1) * 512 + image.readUInt32LE(0x248);
	// The last four bytes are the size of what comes out.
	const payload = image.subarray(start, start + image.readUInt32LE(0x24c) - 4);
	const {program} = compressions.find(({magic}) => magic.every((byte, at) => payload[at] === byte)) ?? {};
	if (!program) {
		throw new Error(`the kernel's image is compressed in an unknown way: it begins with ${payload.toString('hex', 0, 8)}`);
	}

	const {status, stdout, stderr, error} = spawnSync(program, ['-dc'], {input: payload, maxBuffer: 2 ** 30});
	if (status !== 0) {
		throw new Error(`${program} could not decompress the kernel's image: ${error?.message ?? stderr}`);
	}

	return stdout;
}
