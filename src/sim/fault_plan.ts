/** Which commands of a run are struck by the profile's faults, and how each ended. */
import { Prng } from "../base/prng.ts";
import { judgeInLoad } from "./load_outcomes.ts";
import type { FaultSpec, ProfileFault } from "./profile/faults.ts";

const STREAM = 0x0fa0;

/** How the injections of one of the profile's faults ended. */
export interface FaultResult {
  readonly fault: string;
  readonly device?: string;
  readonly injected: number;
  readonly detected: number;
  readonly harmless: number;
  /** Outcomes that the fault does not declare: the run fails. */
  readonly unexplained: number;
  readonly outcomes: Readonly<Record<string, number>>;
  /** From the fault to the driver's knowing; virtual time. */
  readonly latency_ns: { readonly mean: number; readonly max: number };
  /** Bytes of the commands that it hit. */
  readonly bytes_at_risk: number;
}

interface Tally {
  injected: number;
  detected: number;
  harmless: number;
  unexplained: number;
  readonly outcomes: Record<string, number>;
  latencySumNs: number;
  latencyMaxNs: number;
  bytes: number;
}

/** Draws and outcomes of one thread. Specs are numbered from 0 in the profile's order. */
export class FaultPlan {
  readonly specs: readonly FaultSpec[];
  readonly #prng: Prng;
  readonly #tallies: readonly Tally[];
  /** Specs with a time that have hit their command. */
  readonly #spent: Uint8Array;

  constructor(specs: readonly FaultSpec[], seed: number, stream: number) {
    this.specs = specs;
    this.#prng = new Prng(seed, STREAM + stream);
    this.#spent = new Uint8Array(specs.length);
    this.#tallies = specs.map(() => ({
      injected: 0,
      detected: 0,
      harmless: 0,
      unexplained: 0,
      outcomes: {},
      latencySumNs: 0,
      latencyMaxNs: 0,
      bytes: 0,
    }));
  }

  /** The first of `faults` that strikes a command of `device` which begins at `nowNs`: number of its spec, or -1. */
  draw(faults: readonly ProfileFault[], device: string, nowNs: number): number {
    for (let i = 0; i < this.specs.length; i += 1) {
      const spec = this.specs[i] as FaultSpec;
      if (!faults.includes(spec.fault) || (spec.device !== null && spec.device !== device)) continue;
      if (spec.rate !== null && this.#prng.unit() < spec.rate) return i;
      if (spec.atNs === null || nowNs < spec.atNs || this.#spent[i] === 1) continue;
      this.#spent[i] = 1;
      return i;
    }
    return -1;
  }

  /** A whole number below `limit`. */
  below(limit: number): number {
    return this.#prng.below(limit);
  }

  /** True with the probability of a storm's rate. */
  chance(rate: number): boolean {
    return this.#prng.unit() < rate;
  }

  /** A fault has ended; `bytes` were at risk until then. */
  ended(spec: number, outcome: string, latencyNs: number, bytes: number, times = 1): void {
    const tally = this.#tallies[spec] as Tally;
    tally.injected += times;
    tally[judgeInLoad((this.specs[spec] as FaultSpec).fault, outcome)] += times;
    tally.outcomes[outcome] = (tally.outcomes[outcome] ?? 0) + times;
    tally.latencySumNs += latencyNs * times;
    tally.latencyMaxNs = Math.max(tally.latencyMaxNs, latencyNs);
    tally.bytes += bytes;
  }

  results(): FaultResult[] {
    return this.#tallies.map((tally, i) => {
      const { fault, device } = this.specs[i] as FaultSpec;
      const { injected, detected, harmless, unexplained, outcomes, latencySumNs, latencyMaxNs, bytes } = tally;
      const mean = injected === 0 ? 0 : Math.round(latencySumNs / injected);
      const latency_ns = { mean, max: Math.round(latencyMaxNs) };
      const place = device === null ? {} : { device };
      return { fault, ...place, injected, detected, harmless, unexplained, outcomes, latency_ns, bytes_at_risk: bytes };
    });
  }
}

/** Sum over threads. `struck`: commands that engines saw struck, by spec; those that no driver noticed are unexplained. */
export function mergeFaults(
  threads: readonly (readonly FaultResult[])[],
  struck: readonly (readonly number[])[],
): FaultResult[] {
  const first = threads.find((list) => list.length > 0) ?? [];
  return first.map((spec, i) => {
    const all = threads.flatMap((list) => list.slice(i, i + 1));
    const sum = (key: "injected" | "detected" | "harmless" | "unexplained" | "bytes_at_risk"): number =>
      all.reduce((total, each) => total + each[key], 0);
    const outcomes: Record<string, number> = {};
    for (const each of all)
      for (const [outcome, times] of Object.entries(each.outcomes))
        outcomes[outcome] = (outcomes[outcome] ?? 0) + times;
    // A driver sees the kind of a fault, not the entry that asked for it.
    const alike = first.flatMap(({ fault }, j) => (fault === spec.fault ? [j] : []));
    const noticed = alike.reduce((total, j) => total + threads.reduce((n, list) => n + (list[j]?.injected ?? 0), 0), 0);
    const hits = alike.reduce((total, j) => total + struck.reduce((n, counts) => n + (counts[j] ?? 0), 0), 0);
    const silent = alike[0] === i ? Math.max(0, hits - noticed) : 0;
    if (silent > 0) outcomes["nothing noticed"] = silent;
    return {
      ...spec,
      injected: sum("injected") + silent,
      detected: sum("detected"),
      harmless: sum("harmless"),
      unexplained: sum("unexplained") + silent,
      outcomes,
      bytes_at_risk: sum("bytes_at_risk"),
    };
  });
}
