/**
 * A whole stress run: round after round on random machines, until its time, its operations or the code under test ends it.
 */
import { reclaimMemory } from "../../host/reclaim.ts";
import { WorkerPool } from "../../host/workers.ts";
import { WORKER_ENTRY } from "../run_setup.ts";
import { ALONE_FAULTS, runAlone } from "./alone.ts";
import { addTotals, NO_TOTALS, type StressTotals } from "./counters.ts";
import { type FaultCount, FaultLog } from "./faults/log.ts";
import type { FaultName } from "./faults/table.ts";
import type { Finding } from "./finding.ts";
import { chooseMachine, type MachineChoice, resolveChoice } from "./machine.ts";
import { type RoundLook, type RoundResult, runRound, type WorkerFault } from "./round.ts";
import { type RssVerdict, RssWatch } from "./rss_watch.ts";

/** What a stress run is started with. */
export interface StressOptions {
  readonly seed: number;
  readonly workers: number;
  /** PATHs; empty = all. */
  readonly only: readonly number[];
  readonly faults: readonly FaultName[];
  /** Wall-clock limit of the whole run; null = none. */
  readonly limitNs: number | null;
  /** Operations of all workers together; null = no limit. */
  readonly limitOps: number | null;
  /** The only round to run; null = from 0 on. */
  readonly round: number | null;
  readonly signal: AbortSignal;
  readonly onLook: (look: StressLook) => void;
}

/** The run so far. */
export interface StressLook {
  readonly round: number;
  readonly machine: string;
  readonly elapsedS: number;
  readonly totals: StressTotals;
  readonly poolSlots: number | null;
  readonly poolSlotsTotal: number;
}

/** A finding with the round that it belongs to. */
export interface RoundFinding extends Finding {
  readonly round: number;
  readonly choice: MachineChoice;
  /** Operations of the failing worker up to the finding. */
  readonly steps: number;
}

/** A run that is over. */
export interface StressResult {
  readonly totals: StressTotals;
  readonly rounds: number;
  readonly faults: readonly FaultCount[];
  readonly finding: RoundFinding | null;
  readonly elapsedS: number;
  /** Memory of this process; null = too short a run to tell. */
  readonly rss: RssVerdict | null;
  readonly partial: boolean;
}

const ROUND_NS = 12e9;
/** Worker faults end their round, so they have short ones of their own: after the first round and then every so often. */
const WORKER_FAULT_EVERY = 8;
const WORKER_FAULT_LIMIT_NS = 20e9;
/** Rounds without any path that was asked for, one after the other, after which there is none. */
const EMPTY_ROUNDS_MAX = 32;

/** Runs until a limit, an abort or the first finding. */
export async function runStress(given: StressOptions): Promise<StressResult> {
  const watch = new RssWatch();
  const options = { ...given, onLook: (look: StressLook) => watched(watch, given, look) };
  const startMs = performance.now();
  const log = new FaultLog();
  const elapsedNs = (): number => (performance.now() - startMs) * 1e6;
  let pool = new WorkerPool(WORKER_ENTRY, options.workers);
  let totals = NO_TOTALS;
  let finding: RoundFinding | null = null;
  let rounds = 0;
  let empty = 0;
  try {
    for (let round = options.round ?? 0; finding === null; round += 1) {
      const choice = chooseMachine(options.seed, round);
      const result = await oneRound(pool, options, round, choice, elapsedNs, totals);
      empty = result.ran ? 0 : empty + 1;
      rounds += result.ran ? 1 : 0;
      totals = addTotals(totals, result.totals);
      log.merge(result.faults);
      finding = located(result, round, choice);
      pool = await renewed(pool, options.workers);
      if (finding === null && result.ran && (rounds - 1) % WORKER_FAULT_EVERY === 0) {
        for (const fault of options.faults.filter((name) => ALONE_FAULTS.includes(name))) {
          const found = runAlone(fault, resolveChoice(choice), options.seed, log);
          finding ??= found && { ...found, round, choice, steps: 0 };
          reclaimMemory();
        }
        for (const fault of workerFaults(options)) {
          const dying = await oneRound(pool, options, round, choice, elapsedNs, totals, fault);
          log.merge(dying.faults);
          finding ??= located(dying, round, choice);
          pool = await renewed(pool, options.workers);
        }
      }
      if (options.round !== null || empty >= EMPTY_ROUNDS_MAX || isOver(options, elapsedNs(), totals)) break;
    }
  } finally {
    await pool.close();
  }
  const elapsedS = elapsedNs() / 1e9;
  const faults = [...log.counts.values()];
  return { totals, rounds, faults, finding, elapsedS, rss: watch.verdict(), partial: options.signal.aborted };
}

/** New threads: with the old ones goes what they attached to, and the round's arena with it. */
async function renewed(pool: WorkerPool, workers: number): Promise<WorkerPool> {
  await pool.close();
  reclaimMemory();
  return new WorkerPool(WORKER_ENTRY, workers);
}

function watched(watch: RssWatch, { onLook }: StressOptions, look: StressLook): void {
  watch.sample(look.elapsedS);
  onLook(look);
}

function oneRound(
  pool: WorkerPool,
  options: StressOptions,
  round: number,
  choice: MachineChoice,
  elapsedNs: () => number,
  before: StressTotals,
  fault: WorkerFault | null = null,
): Promise<RoundResult> {
  const { seed, workers, only, faults, signal, onLook } = options;
  const left = options.limitNs === null ? Number.POSITIVE_INFINITY : options.limitNs - elapsedNs();
  const limitNs = fault === null ? Math.max(0, Math.min(ROUND_NS, left)) : WORKER_FAULT_LIMIT_NS;
  const opsLeft = options.limitOps === null ? null : options.limitOps - before.ops - before.refused - before.faults;
  const roundOptions = {
    seed,
    round,
    workers,
    machine: resolveChoice(choice),
    only,
    faults: fault === null ? faults : [],
    // A round that is repeated runs its operations, however long they take here.
    limitNs: options.round !== null && options.limitOps !== null ? null : limitNs,
    limitOps: opsLeft === null || fault !== null ? null : Math.max(1, Math.ceil(opsLeft / workers)),
    signal,
    onLook: ({ totals, poolSlots, poolSlotsTotal }: RoundLook) =>
      onLook({
        round,
        machine: choice.machine,
        elapsedS: elapsedNs() / 1e9,
        totals: addTotals(before, totals),
        poolSlots,
        poolSlotsTotal,
      }),
  };
  return runRound(pool, roundOptions, fault);
}

function located({ finding, steps }: RoundResult, round: number, choice: MachineChoice): RoundFinding | null {
  return finding === null ? null : { ...finding, round, choice, steps };
}

function workerFaults({ faults, signal }: StressOptions): WorkerFault[] {
  if (signal.aborted) return [];
  return faults.filter((name) => name === "worker-terminated" || name === "worker-stuck");
}

function isOver({ limitNs, limitOps, signal }: StressOptions, elapsedNs: number, totals: StressTotals): boolean {
  if (signal.aborted) return true;
  if (limitNs !== null && elapsedNs >= limitNs) return true;
  return limitOps !== null && totals.ops + totals.refused + totals.faults >= limitOps;
}
