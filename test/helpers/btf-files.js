// BTF of a base and of a module in files.
import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {distill} from 'btfkit';
import {temporaryFolder} from './inputs.js';
import {base, largerBase, module, nextBase, repeated} from './make-btf.js';

/**
 * All that make-btf.js makes, as files in a folder that goes away with the test, and the module distilled; their paths by
 * their names.
 */
export async function btfFiles(t) {
	const folder = await temporaryFolder(t);
	const paths = {folder, distilled: join(folder, 'distilled')};
	for (const [name, {bytes}] of Object.entries({base, nextBase, largerBase, module, repeated})) {
		paths[name] = join(folder, `${name}.btf`);
		await writeFile(paths[name], bytes);
	}

	const {btf, base: distilledBase} = await distill(paths.module, {base: paths.base});
	await writeFile(paths.distilled, btf);
	await writeFile(`${paths.distilled}.base`, distilledBase);
	return paths;
}
