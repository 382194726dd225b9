// Reads from the output of test runners how many tests passed, failed and were skipped.

/** Each test binary of cargo ends with "test result: ok. 3 passed; 0 failed; 1 ignored; …". */
export function countCargo(output) {
	const counts = {passed: 0, failed: 0, skipped: 0};
	for (const [, passed, failed, ignored] of output.matchAll(/^test result: .*?(\d+) passed; (\d+) failed; (\d+) ignored/gm)) {
		counts.passed += Number(passed);
		counts.failed += Number(failed);
		counts.skipped += Number(ignored);
	}

	return counts;
}

/** TAP: "ok 1 - name", "not ok 2 - name", "ok 3 - name # SKIP". */
export function countAva(output) {
	const counts = {passed: 0, failed: 0, skipped: 0};
	for (const [, not, rest] of output.matchAll(/^(not )?ok \d+(.*)$/gm)) {
		const skipped = /# (SKIP|TODO)/i.test(rest);
		counts[skipped ? 'skipped' : not ? 'failed' : 'passed']++;
	}

	return counts;
}
