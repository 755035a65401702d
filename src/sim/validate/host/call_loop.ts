/**
 * Threads that map and unmap as fast as they can, each on its own CPU: the closed loop of a map benchmark or of a driver under
 * load. Production code does the work, its cost record is priced, and the CPUs meet at the locks and queues.
 */
import { defined } from "../../../base/assert.ts";
import { CPUS_MAX } from "../../../shm/capacities.ts";
import { Charger } from "../../../timing/charge.ts";
import { EventQueue } from "../../../timing/event_queue.ts";
import type { HostPrices } from "../../../timing/host_cost/prices.ts";
import type { HostLab, LabMapping } from "./host_lab.ts";

/** What each call maps. */
export interface CallShape {
  readonly nents: number;
  readonly entryBytes: number;
  /** DIR. */
  readonly dir: number;
}

/** Means of the calls, picoseconds. */
export interface CallFigures {
  readonly mapPs: number;
  readonly unmapPs: number;
  /** Of the last invalidation of each unmap: commands put and waited for; the wait alone. */
  readonly issuePs: number;
  readonly syncPs: number;
  /** Page-table entries that one map writes, and one unmap clears. */
  readonly ptes: number;
}

const MAP = 0;
const UNMAP = 1;
/** Calls of each CPU on average: until queues have filled and magazines are warm, and counted ones. */
const WARM_ROUNDS = 10;
const ROUNDS = 6;

class Sums {
  mapPs = 0;
  unmapPs = 0;
  issuePs = 0;
  syncPs = 0;
  ptes = 0;
  maps = 0;
  unmaps = 0;
}

/** Runs `threads` CPUs until the means are steady. Null when the machine cannot map this. */
export function runCalls(lab: HostLab, prices: HostPrices, threads: number, shape: CallShape): CallFigures | null {
  const cpus = Math.max(1, Math.min(threads, CPUS_MAX));
  const charger = new Charger(prices);
  const events = new EventQueue(cpus + 1);
  const held = new Array<LabMapping | null>(cpus).fill(null);
  const sums = new Sums();
  for (let cpu = 0; cpu < cpus; cpu += 1) events.push(cpu, 0, MAP, cpu, 0);
  for (let unmaps = 0; unmaps < cpus * (WARM_ROUNDS + ROUNDS) && events.pop(); ) {
    const { timePs, kind, subject: cpu } = events;
    const counts = unmaps >= cpus * WARM_ROUNDS;
    if (kind === MAP) {
      const mapping = lab.map(cpu, shape.nents, shape.entryBytes, shape.dir);
      if (mapping === null) return null;
      held[cpu] = mapping;
      const endPs = charger.charge(timePs, lab.ctx.cost, cpu);
      if (counts) countMap(sums, endPs - timePs, lab.ctx.cost.ptesWritten);
      events.push(endPs, 0, UNMAP, cpu, 0);
      continue;
    }
    lab.unmap(
      cpu,
      defined(held[cpu] ?? undefined, "what is unmapped was mapped"),
      shape.nents,
      shape.entryBytes,
      shape.dir,
    );
    const endPs = charger.charge(timePs, lab.ctx.cost, cpu);
    if (counts) countUnmap(sums, endPs - timePs, charger, lab, cpu);
    unmaps += 1;
    events.push(endPs, 0, MAP, cpu, 0);
  }
  return figuresOf(sums);
}

function countMap(sums: Sums, tookPs: number, ptes: number): void {
  sums.mapPs += tookPs;
  sums.ptes += ptes;
  sums.maps += 1;
}

function countUnmap(sums: Sums, tookPs: number, charger: Charger, lab: HostLab, cpu: number): void {
  const queue = charger.queue(lab.device.domain?.unit ?? 0, cpu);
  sums.unmapPs += tookPs;
  sums.issuePs += queue.issuePs;
  sums.syncPs += queue.syncPs;
  sums.unmaps += 1;
}

function figuresOf(sums: Sums): CallFigures {
  return {
    mapPs: sums.mapPs / sums.maps,
    unmapPs: sums.unmapPs / sums.unmaps,
    issuePs: sums.issuePs / sums.unmaps,
    syncPs: sums.syncPs / sums.unmaps,
    ptes: sums.ptes / sums.maps,
  };
}
