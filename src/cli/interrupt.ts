/** SIGINT and SIGTERM: the first ends the run early with what it has, the second ends the process. */
import { EXIT } from "../base/errors.ts";
import type { Output } from "./output.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** A run's ear for SIGINT and SIGTERM; `signal` aborts at the first of them. */
export interface Interrupt {
  readonly signal: AbortSignal;
  /** Gives the signals back to their defaults. */
  readonly release: () => void;
}

/**
 * Listens until `release`; `follows` says what the first signal leads to. The second signal ends the process with EXIT.interrupted.
 * Takes over from what the program's entry does with signals that come before there is anything to interrupt.
 */
export function catchInterrupts(output: Output, follows = "stopping, partial results follow"): Interrupt {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    output.err(`dmasim: ${follows} (again to end at once)\n`);
    controller.abort();
  };
  for (const name of SIGNALS) {
    // Listened to without a gap: a signal that is pending finds the new listener.
    const before = process.listeners(name);
    process.on(name, onSignal);
    for (const listener of before) process.off(name, listener);
  }
  const release = (): void => {
    for (const name of SIGNALS) process.off(name, onSignal);
  };
  return { signal: controller.signal, release };
}

/** Signals end the process again, at once, even while it computes: for commands that have nothing to save. */
export function dropSignalListeners(): void {
  for (const name of SIGNALS) process.removeAllListeners(name);
}
