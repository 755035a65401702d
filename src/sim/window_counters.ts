/** Counters of moving windows for the result: `counters.p2p`, over all devices that have them. */

import { windowSetWord } from "../host/p2p/window_set.ts";
import type { Arena } from "../shm/arena.ts";
import { load } from "../shm/atomics.ts";
import { WINDOW_SET } from "../shm/layout.ts";
import type { JobStats } from "./stats.ts";
import type { System } from "./system.ts";

const WINDOW_COUNTERS: Readonly<Record<string, number>> = {
  hits: WINDOW_SET.hits,
  remaps: WINDOW_SET.remaps,
  evictions: WINDOW_SET.evictions,
  revokes: WINDOW_SET.revokes,
  drains: WINDOW_SET.drains,
  read_backs: WINDOW_SET.readBacks,
  busy: WINDOW_SET.busy,
  pinned_refused: WINDOW_SET.pinned,
  importers_told: WINDOW_SET.told,
  migrated: WINDOW_SET.migrated,
  refused: WINDOW_SET.refused,
};

/** `p2p` with the sums, hit rate in millionths and bandwidth; nothing when no private memory was asked for. */
export function windowCounters(
  arena: Arena,
  system: System,
  stats: readonly JobStats[],
): Record<string, Record<string, number>> {
  const sums: Record<string, number> = {};
  let slots = 0;
  let migratedBytes = 0;
  for (const set of system.windowSets) {
    const base = windowSetWord(set);
    slots += set.slots;
    migratedBytes += arena.f64[(base + WINDOW_SET.migratedBytes) >>> 1] as number;
    for (const [name, field] of Object.entries(WINDOW_COUNTERS)) {
      sums[name] = (sums[name] ?? 0) + (load(arena.i32, base + field) >>> 0);
    }
  }
  const { hits = 0, remaps = 0, migrated = 0, refused = 0, busy = 0 } = sums;
  if (hits + remaps + migrated + refused + busy === 0) return {};
  const hitRate = hits + remaps === 0 ? 0 : Math.round((hits / (hits + remaps)) * 1e6) / 1e6;
  return { p2p: { slots, hit_rate: hitRate, ...sums, migrated_bytes: migratedBytes, ...bandwidth(stats) } };
}

function bandwidth(stats: readonly JobStats[]): Record<string, number> {
  const bytesPerS = stats.reduce((sum, { read, write }) => sum + read.result().bw_bytes + write.result().bw_bytes, 0);
  return { bw_bytes: bytesPerS };
}
