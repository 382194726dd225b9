// Control groups for a test, version 1 or 2. As root, and where the machine lets them be made; else there is a reason.
import {execFileSync} from 'node:child_process';
import {existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import process from 'node:process';
import {setTimeout as sleep} from 'node:timers/promises';

let made = 0;

/**
 * Makes a group with these settings, of one controller, that goes away with the test. The names of version 1 are given
 * where they differ: `{'cpu.max': '100000 100000'}` and `{'cpu.cfs_quota_us': '100000'}`. Settings that this kernel has
 * not are left out when their value is in `optional`.
 *
 * Returns `{command}`, which puts a command into the group, or `{reason}`.
 */
export function controlGroup(t, controller, {version1, version2, optional = {}}) {
	const parent = parentGroup(controller);
	if (!parent) {
		return {reason: `no control group of ${controller} is mounted, or none that hands it down`};
	}

	const {folder, version} = parent;
	const group = join(folder, `btfkit-test-${process.pid}-${made++}`);
	try {
		mkdirSync(group);
	} catch (error) {
		return {reason: `control groups cannot be made here: ${error.message}`};
	}

	t.teardown(() => remove(group));
	for (const [name, value] of Object.entries(version === 1 ? version1 : version2)) {
		writeFileSync(join(group, name), value);
	}

	for (const [name, value] of Object.entries(optional).filter(([name]) => existsSync(join(group, name)))) {
		writeFileSync(join(group, name), value);
	}

	const enter = `echo $$ > '${join(group, 'cgroup.procs')}' && exec "$@"`;
	return {command: (...args) => ['sh', '-c', enter, 'sh', ...args]};
}

/** The group of this process; in version 2 its nearest ancestor that hands the controller down. */
function parentGroup(controller) {
	const mounts = readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n').map(line => {
		const [place, system] = line.split(' - ');
		const [, , , root, point] = place.split(' ');
		const [type, , options] = system.split(' ');
		return {root, point, type, options: options.split(',')};
	});
	const groups = readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n').map(line => /^\d+:([^:]*):(.*)$/.exec(line).slice(1));
	const own = ({root, point}, path) => {
		const inside = root === '/' || path === root || path.startsWith(`${root}/`);
		return inside ? join(point, root === '/' ? path : path.slice(root.length)) : undefined;
	};

	const first = groups.find(([names]) => names.split(',').includes(controller));
	const mount1 = first && mounts.find(({type, options}) => type === 'cgroup' && options.includes(controller));
	if (mount1) {
		const folder = own(mount1, first[1]);
		return folder && {folder, version: 1};
	}

	const second = groups.find(([names]) => names === '');
	const mount2 = second && mounts.find(({type}) => type === 'cgroup2');
	let folder = mount2 && own(mount2, second[1]);
	const handsDown = folder => readFileSync(join(folder, 'cgroup.subtree_control'), 'utf8').trim().split(' ').includes(controller);
	while (folder && !handsDown(folder)) {
		folder = folder === mount2.point ? undefined : dirname(folder);
	}

	return folder && {folder, version: 2};
}

/** A group is busy for a moment after its last process has ended. */
async function remove(group) {
	for (let attempt = 0; ; attempt++) {
		try {
			rmdirSync(group);
			return;
		} catch (error) {
			if (attempt === 50) {
				throw error;
			}

			await sleep(20);
		}
	}
}

/** Makes the kernel forget the pages of a file that nobody uses, so that who reads it next pays for them. */
export function forgetPages(path) {
	execFileSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0', 'status=none']);
}
