/**
 * End to end under the wall clock: copies a second of a memory-to-memory job, beside threads that only copy.
 *
 * Measured: submission, rings, translation in strict mode (one mapping for the whole job), the copy, completion and
 * the job's statistics, with warm code, on 1 and 2 workers, verification off. The baseline moves the same arena bytes in
 * the same order and block size with the same primitive on as many threads.
 * Not measured: starting threads, mapping the areas, faulting pages in, verification.
 */
import type { BenchGroup, BenchSuite, Effort } from "../case.ts";
import { WallRig } from "../wall_rig.ts";

const BLOCKS: readonly (readonly [string, number])[] = [
  ["64 B", 64],
  ["512 B", 512],
  ["4 KiB", 4096],
  ["64 KiB", 65536],
  ["1 MiB", 1048576],
];
/** Source and destination of all workers together: far above any cache. */
const FOOTPRINT_BYTES = 2 ** 29;
const SMOKE_FOOTPRINT_BYTES = 2 ** 23;

function* groups(effort: Effort): Generator<BenchGroup> {
  for (const workers of [1, 2]) {
    for (const [label, blockBytes] of BLOCKS) {
      if (effort.smoke && blockBytes !== 4096) continue;
      yield group(effort, workers, label, blockBytes);
    }
  }
}

function group(effort: Effort, workers: number, label: string, blockBytes: number): BenchGroup {
  const rig = new WallRig({
    blockBytes,
    workers,
    areaBytes: (effort.smoke ? SMOKE_FOOTPRINT_BYTES : FOOTPRINT_BYTES) / 2 / workers,
    warmupMs: effort.smoke ? 20 : 300,
    runMs: effort.smoke ? 30 : 500,
  });
  const threads = workers === 1 ? "1 worker" : `${workers} workers`;
  const bare = `bare copy, ${label}, ${threads}`;
  return {
    title: `${label}, ${threads}`,
    cases: [
      { name: bare, long: true, sample: () => rig.bare() },
      { name: `copy job, ${label}, ${threads}`, long: true, baseline: bare, sample: () => rig.simulated() },
    ],
    check: () => rig.check(),
  };
}

export const WALL: BenchSuite = { name: "wall", title: "end to end, wall clock, mapped once", groups };
