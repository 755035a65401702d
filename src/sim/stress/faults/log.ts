/** How the injected faults ended. */
import { FAULTS, type FaultName } from "./table.ts";

/** How one kind of fault ended, over all its injections. */
export interface FaultCount {
  readonly name: FaultName;
  injected: number;
  detected: number;
  harmless: number;
  unexplained: number;
  /** Times that each outcome occurred. */
  outcomes: Record<string, number>;
  /** Longest time from injection to outcome on this computer. */
  latencyMaxHostNs: number;
}

/** What an outcome means. */
export type Verdict = "detected" | "harmless" | "unexplained";

/** What an outcome means for a fault. */
export function judge(name: FaultName, outcome: string): Verdict {
  if (FAULTS[name].detected.includes(outcome)) return "detected";
  return FAULTS[name].harmless.includes(outcome) ? "harmless" : "unexplained";
}

/** Counts of one thread; they add up. */
export class FaultLog {
  readonly counts = new Map<FaultName, FaultCount>();

  /** Adds one injection; returns what its outcome means. */
  add(name: FaultName, outcome: string, latencyHostNs: number): Verdict {
    const verdict = judge(name, outcome);
    const count = this.#of(name);
    count.injected += 1;
    count[verdict] += 1;
    count.outcomes[outcome] = (count.outcomes[outcome] ?? 0) + 1;
    count.latencyMaxHostNs = Math.max(count.latencyMaxHostNs, latencyHostNs);
    return verdict;
  }

  /** Adds what another thread counted. */
  merge(counts: readonly FaultCount[]): void {
    for (const other of counts) {
      const count = this.#of(other.name);
      count.injected += other.injected;
      count.detected += other.detected;
      count.harmless += other.harmless;
      count.unexplained += other.unexplained;
      for (const [outcome, times] of Object.entries(other.outcomes)) {
        count.outcomes[outcome] = (count.outcomes[outcome] ?? 0) + times;
      }
      count.latencyMaxHostNs = Math.max(count.latencyMaxHostNs, other.latencyMaxHostNs);
    }
  }

  #of(name: FaultName): FaultCount {
    const known = this.counts.get(name);
    if (known !== undefined) return known;
    const count = { name, injected: 0, detected: 0, harmless: 0, unexplained: 0, outcomes: {}, latencyMaxHostNs: 0 };
    this.counts.set(name, count);
    return count;
  }
}
