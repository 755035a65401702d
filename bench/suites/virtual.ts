/**
 * End to end under the virtual clock with the payload off: how fast this program predicts.
 *
 * Measured: a whole run of 4 KiB random writes, with its preparation, per simulated I/O and per event of the loop.
 * Per event it stands beside the bare heap at as many pending events: the least a discrete-event loop can cost.
 * Not measured: payload and verification, loads with many devices.
 */

import type { RunResult } from "../../src/sim/result.ts";
import { runProfile } from "../../src/sim/run.ts";
import { BareHeap } from "../bare_heap.ts";
import { type BenchGroup, type BenchSuite, type Effort, type Sample, timed } from "../case.ts";
import { runOptions } from "../load.ts";

const IOS = 400_000;
const SMOKE_IOS = 1000;
/** iodepth of the load: every I/O in flight has one event pending. */
const PENDING = 32;
const HEAP_OPS = 100_000;
const GAP_PS = 1_000_000;

function* groups(effort: Effort): Generator<BenchGroup> {
  for (const map of ["persistent", "per-io"]) yield group(effort, map);
}

/** Both cases of a way of mapping come from runs of the same load, one counted by I/O, one by event. */
function group(effort: Effort, map: string): BenchGroup {
  const ios = effort.smoke ? SMOKE_IOS : IOS;
  let wrong: string | null = null;
  const sample = (count: (result: RunResult) => number) => async (): Promise<Sample> => {
    const set = { "jobs.write.map": map, "jobs.write.number_ios": ios };
    const options = runOptions({ load: "random_write", clock: "virtual", workers: 1, payload: false, set });
    const startMs = performance.now();
    const result = await runProfile(options);
    const ms = performance.now() - startMs;
    if (result.jobs[0]?.write.total_ios !== ios) wrong = `${result.jobs[0]?.write.total_ios} I/Os were done of ${ios}`;
    if (result.integrity.leaks.length > 0) wrong = `${result.integrity.leaks[0]?.kind} leaked`;
    return { ops: count(result), ms };
  };
  const baseline = `bare heap, pop and push, ${map}`;
  const heap = filledHeap();
  return {
    title:
      map === "persistent" ? "4 KiB random write, mapped once" : "4 KiB random write, iommu strict, mapped per I/O",
    cases: [
      { name: baseline, sample: () => timed(HEAP_OPS, () => turn(heap)) },
      {
        name: `an event of the loop, ${map}`,
        baseline,
        long: true,
        sample: sample((result) => result.virtual?.events ?? 0),
      },
      { name: `an I/O, ${map}`, long: true, sample: sample(() => ios) },
    ],
    check: () => wrong,
  };
}

function filledHeap(): BareHeap {
  const heap = new BareHeap(PENDING + 1);
  for (let i = 0; i < PENDING; i += 1) heap.push(i * 1000);
  return heap;
}

function turn(heap: BareHeap): void {
  for (let i = 0; i < HEAP_OPS; i += 1) heap.push(heap.pop() + GAP_PS + (i & 1023));
}

export const VIRTUAL: BenchSuite = { name: "virtual", title: "end to end, virtual clock, payload off", groups };
