/**
 * Map and unmap on one thread, through the DMA API as a driver calls it, on a machine with a device for every path.
 *
 * Measured: pairs of map and unmap with everything behind them (IOVA, page table, invalidation of the simulated IOTLB, bounce
 * slot and its copy) and the cost record that the virtual clock charges.
 * Not measured: what the pair costs in virtual time, contention between threads, building scatterlists, pins.
 * A bounced pair stands beside the bare copy of its bytes, the other paths beside dma-direct, which does the least.
 */

import { DIR } from "../../src/host/dma/device.ts";
import { findDifference } from "../../src/memory/copy.ts";
import { type BenchCase, type BenchGroup, type BenchSuite, timed } from "../case.ts";
import { MapRig } from "../map_rig.ts";

const PAIRS = 1000;

function* groups(): Generator<BenchGroup> {
  const rig = new MapRig();
  yield single(rig);
  yield bounced(rig);
  yield checked(rig);
  yield lists(rig);
}

/** One 4 KiB range a pair. */
function single(rig: MapRig): BenchGroup {
  const baseline = "direct";
  const pairs = (device: string, area: number) => () => timed(PAIRS, () => rig.pairs(device, area, PAIRS));
  return {
    title: "4 KiB, pairs of dma_map_phys and dma_unmap_phys",
    cases: [
      { name: baseline, sample: pairs("nvme2", rig.ram) },
      { name: "iommu strict", baseline, sample: pairs("nvme0", rig.ram) },
      { name: "iommu lazy", baseline, sample: pairs("nvme1", rig.ram) },
      { name: "peer memory by bus address", baseline, sample: pairs("nvme2", rig.peer) },
    ],
    check: () => rig.check(),
  };
}

function bounced(rig: MapRig): BenchGroup {
  const baseline = "bare copy of 4 KiB";
  return {
    title: "4 KiB, bounced pairs (toDevice: one copy)",
    cases: [
      { name: baseline, sample: () => timed(PAIRS, () => rig.bareCopies(PAIRS)) },
      { name: "swiotlb", baseline, sample: () => timed(PAIRS, () => rig.pairs("capture0", rig.ram, PAIRS)) },
    ],
    check: () => rig.checkBounce((a, b, bytes) => findDifference(rig.arena, a, b, bytes)) ?? rig.check(),
  };
}

/** The same pairs with the shadow of dma-debug kept beside them, each path beside itself without it. */
function checked(rig: MapRig): BenchGroup {
  const paths = [
    ["direct", "nvme2", rig.ram],
    ["iommu strict", "nvme0", rig.ram],
    ["iommu lazy", "nvme1", rig.ram],
    ["swiotlb", "capture0", rig.ram],
    ["peer memory by bus address", "nvme2", rig.peer],
  ] as const;
  const cases: BenchCase[] = paths.flatMap(([name, device, area]) => [
    { name: `${name}, unchecked`, sample: () => timed(PAIRS, () => rig.pairs(device, area, PAIRS)) },
    {
      name: `${name}, checked`,
      baseline: `${name}, unchecked`,
      sample: () => timed(PAIRS, () => rig.checkedPairs(device, area, PAIRS)),
    },
  ]);
  const fromDevice = () => rig.checkedPairs("nvme2", rig.ram, PAIRS, DIR.fromDevice);
  cases.push({
    name: "direct, checked, device writes",
    baseline: "direct, unchecked",
    sample: () => timed(PAIRS, fromDevice),
  });
  return {
    title: "4 KiB, pairs with dma-debug on",
    cases,
    check: () => rig.checkDebug() ?? rig.check(),
  };
}

/** Lists of 16 scattered pages: a pair of dma_map_sg and dma_unmap_sg, or only the syncs of a list that stays mapped. */
function lists(rig: MapRig): BenchGroup {
  const lists = PAIRS / 10;
  const baseline = "direct, 16 entries";
  return {
    title: "64 KiB in 16 entries, pairs of dma_map_sg and dma_unmap_sg",
    cases: [
      { name: baseline, sample: () => timed(lists, () => rig.lists("nvme2", lists)) },
      { name: "iommu strict, 16 entries", baseline, sample: () => timed(lists, () => rig.lists("nvme0", lists)) },
      {
        name: "iommu strict, mapped once: syncs",
        baseline,
        sample: () => timed(PAIRS, () => rig.syncs("nvme0", PAIRS)),
      },
    ],
    check: () => rig.check(),
  };
}

export const MAP: BenchSuite = { name: "map", title: "map and unmap on one thread", groups };
