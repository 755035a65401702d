/** Bugs that were planted on purpose where stress does not reach; each is found by the test that its protocol names as proof. */

import type { Plant } from "../support/mutant.ts";

/** A planted bug of one module, and the test that must fail. */
export interface ProvedPlant extends Plant {
  /** Below dist/src. */
  readonly file: string;
  /** File of the test, and how its name begins, which says what no longer holds. */
  readonly test: string;
  readonly named: string;
  /** Two threads have to meet at the right moment. */
  readonly race?: true;
  /** Only the deep run plants it. */
  readonly deep?: true;
}

export const PROVED_PLANTS: readonly ProvedPlant[] = [
  {
    name: "an access does not look at its window's epoch",
    file: "device/window_access.js",
    deep: true,
    find: /load\(words, slot \+ WINDOW_SLOT\.epoch\) !== words\[entry \+ SG\.offset\]/,
    replace: "false",
    test: "test/litmus/windows.test.ts",
    named: "an access moves bytes of its own page or faults",
    race: true,
  },
  {
    name: "a window closes and keeps its epoch",
    file: "host/p2p/window_slots.js",
    find: /store\(words, at \+ WINDOW_SLOT\.epoch, \(words\[at \+ WINDOW_SLOT\.epoch\] \+ 1\) \| 0\);/,
    replace: "",
    test: "test/unit/host/p2p/windows.test.ts",
    named: "stops new accesses, waits for those in flight",
  },
  {
    name: "a peer's memory is not released",
    file: "host/p2p/peer_life.js",
    find: /(function releasePeer[^}]*)fetchAdd\(arena\.i32, wordOf\(provider\), -1\);/,
    replace: "$1",
    test: "test/litmus/peer_life.test.ts",
    named: "no mapping is live after the provider drained",
    deep: true,
  },
  {
    name: "a ring does not wrap at its end",
    file: "shm/ring.js",
    find: /slots \+ \(tail & \(depth - 1\)\) \* slotWords/,
    replace: "slots + (tail & depth) * slotWords",
    test: "test/unit/shm/protocols.test.ts",
    named: "is first in, first out, and full at its depth",
  },
  {
    name: "the DMA mask reaches one byte too far",
    file: "host/dma/limits.js",
    find: /const last = dmaAddr \+ bytes - 1;/,
    replace: "const last = dmaAddr + bytes - 2;",
    test: "test/unit/host/dma/limits.test.ts",
    named: "reaches up to the mask, inclusive",
  },
  {
    name: "a partial sync copies from the start of the slot",
    file: "host/swiotlb/bounce.js",
    find: /const orig = slotOrig \+ into;/,
    replace: "const orig = slotOrig;",
    test: "test/unit/host/swiotlb/bounce.test.ts",
    named: "find the original of any byte",
  },
  {
    name: "coherent pages that the device does not reach are not given back",
    file: "host/dma/coherent.js",
    find: /return phys;\s+pages\.give\(phys, bytes \/ PAGE_BYTES\);/,
    replace: "return phys;",
    test: "test/unit/host/dma/coherent.test.ts",
    named: "tries a lower zone when the pages lie too high",
  },
  {
    name: "slots may cross a segment boundary by one",
    file: "host/swiotlb/slots.js",
    find: /\* window \+ nslots > window/,
    replace: "* window + nslots > window + 1",
    test: "test/unit/host/swiotlb/slots.test.ts",
    named: "a run may end on the boundary",
  },
  {
    name: "entries are joined beyond the largest segment",
    file: "host/dma/dma_iommu_sg.js",
    deep: true,
    find: /offset === 0 && room >= bytes/,
    replace: "offset === 0",
    test: "test/unit/host/dma/dma_iommu.test.ts",
    named: "joins probe list",
  },
  {
    name: "a walk that an invalidation overtook is kept",
    file: "device/iotlb.js",
    deep: true,
    find: /load\(words, word \+ IOMMU_UNIT\.generation\) === generation/,
    replace: "true",
    test: "test/litmus/iotlb.test.ts",
    named: "never translates to a page after its invalidation returned",
    race: true,
  },
  {
    name: "a reader does not look at the sequence again",
    file: "shm/seqlock.js",
    find: /\(begun & 1\) === 0 && load\(words, word\) === begun/,
    replace: "(begun & 1) === 0",
    test: "test/litmus/seqlock.test.ts",
    named: "a validated read is never a mix of two writes",
    race: true,
  },
  {
    name: "a magazine takes an IOVA without its lock",
    file: "host/iommu/magazine.js",
    deep: true,
    find: /lock\(words, rcache \+ CPU_RCACHE\.lock, ctx\.lockOwner\);(\s+let magazine = words\[rcache \+ CPU_RCACHE\.loaded\];\s+if \(!hasRoom)/,
    replace: "$1",
    test: "test/litmus/allocators.test.ts",
    named: "two threads never share a page",
    race: true,
  },
  {
    name: "full magazines are exchanged without the depot's lock",
    file: "host/iommu/depot.js",
    deep: true,
    find: /lock\(arena\.i32, depot \+ DEPOT\.lock, ctx\.lockOwner\);(\s+const overflow)/,
    replace: "$1",
    test: "test/litmus/allocators.test.ts",
    named: "keeps every magazine while two CPUs exchange theirs",
    race: true,
  },
  {
    name: "an unlock wakes nobody",
    file: "shm/mutex.js",
    deep: true,
    find: /notify\(words, word\);/,
    replace: "",
    test: "test/unit/shm/protocols.test.ts",
    named: "wakes whoever sleeps on it at once",
  },
];
