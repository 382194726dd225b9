// Ctrl-C and its kin end a command in order: what runs is aborted and cleans up behind itself.
import {constants} from 'node:os';
import process from 'node:process';

const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface Interrupt {
	/** Aborted by the first signal. A second one ends the process at once. */
	signal: AbortSignal;
	/** What shells show for a program that a signal ended: 130 after Ctrl-C. */
	exitCode(): number;
	stopListening(): void;
}

export function listenForInterrupts(): Interrupt {
	const controller = new AbortController();
	let received: (typeof names)[number] = 'SIGINT';
	const exitCode = () => 128 + constants.signals[received];
	const onSignal = (name: (typeof names)[number]) => {
		if (controller.signal.aborted) {
			process.exit(exitCode());
		}

		received = name;
		controller.abort(name);
	};

	for (const name of names) {
		process.on(name, onSignal as NodeJS.SignalsListener);
	}

	return {
		signal: controller.signal,
		exitCode,
		stopListening() {
			for (const name of names) {
				process.off(name, onSignal as NodeJS.SignalsListener);
			}
		},
	};
}
