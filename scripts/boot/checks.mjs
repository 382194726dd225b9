// What a test found, told as it is found, and counted.
export class Checks {
	#counts = {passed: 0, failed: 0, skipped: 0};

	/** `explain` gives lines for a person, where it does not hold. */
	check(what, holds, explain = () => []) {
		this.#counts[holds ? 'passed' : 'failed']++;
		console.log(`${holds ? 'ok' : 'not ok'} - ${what}`);
		for (const line of holds ? [] : explain()) {
			console.log(`  ${line}`);
		}

		return holds;
	}

	/** That a guest took all steps; without that, its facts are no answer. */
	ended(facts) {
		return this.check(
			`the guest of ${facts.kernel} came to its end (${facts.steps.length} steps, ${facts.seconds} s)`,
			facts.ended,
			() => [`the last step: ${JSON.stringify(facts.steps.at(-1))}`, ...facts.console],
		);
	}

	skip(reason) {
		this.#counts.skipped++;
		console.log(`skipped: ${reason}`);
	}

	/** The closing line; returns the exit code. */
	close() {
		const {passed, failed, skipped} = this.#counts;
		console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
		return failed > 0 ? 1 : 0;
	}
}
