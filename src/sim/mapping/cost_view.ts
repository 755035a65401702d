/** A cost record as plain data, with its CPU time by the model. */
import type { CostRecord } from "../../base/cost.ts";
import { Charger } from "../../timing/charge.ts";
import type { HostPrices } from "../../timing/host_cost/prices.ts";
import type { CostView } from "./view.ts";

const PS_PER_NS = 1000;

/** The record's counts now; its CPU time is that of an idle machine, nobody else holding a lock. */
export function readCost(cost: CostRecord, prices: HostPrices): CostView {
  return {
    ptesWritten: cost.ptesWritten,
    ptesCleared: cost.ptesCleared,
    tablesAllocated: cost.tablesAllocated,
    treeOps: cost.treeOps,
    magazineHits: cost.magazineHits,
    slotsProbed: cost.slotsProbed,
    slotsTaken: cost.slotsTaken,
    bytesBounced: cost.bytesBounced,
    linesFlushed: cost.linesFlushed,
    invalidations: cost.invalidations,
    cpuNs: new Charger(prices).charge(0, cost, 0) / PS_PER_NS,
  };
}
