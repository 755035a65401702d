/** Bugs that were planted on purpose, each in one statement of the mapping code. */
import type { Plant } from "../support/mutant.ts";

/** A planted bug, and the paths on which it shows. */
export interface StressPlant extends Plant {
  readonly only: string;
  /** It takes two threads: no list of one shows it. */
  readonly race?: true;
  /** Fault whose detector is taken away; absent = none is injected. */
  readonly faults?: string;
}

export const PLANTS: readonly StressPlant[] = [
  {
    name: "a strict unmap leaves the IOTLB alone",
    only: "iommu",
    find: /if \(domain\.mode === "strict"\) invalidate\(ctx, domain, start, iovaBytes\);\s+freeDmaIova/,
    replace: "freeDmaIova",
  },
  {
    name: "an unmap clears one granule only",
    only: "iommu",
    find: /unmapRange\(ctx\.arena, ctx\.lockOwner, domain\.index, format, start, iovaBytes, ctx\.cost\);(\s+if \(domain\.mode)/,
    replace: "unmapRange(ctx.arena, ctx.lockOwner, domain.index, format, start, granule, ctx.cost);$1",
  },
  {
    name: "a magazine hands out the same IOVA twice",
    only: "iommu",
    find: /arena\.i32\[magazine \+ MAGAZINE\.size\] = last;/,
    replace: "",
  },
  {
    name: "what the device writes is mapped for it to read",
    only: "iommu",
    find: /return dir === DIR\.fromDevice \? PROT\.write : PROT\.read \| PROT\.write;/,
    replace: "return PROT.read;",
  },
  {
    name: "a free run of slots that is one too short",
    only: "bounce",
    find: />= nslots && !crossesWindow(\S*)\(baseSlots/,
    replace: ">= Math.max(1, nslots - 1) && !crossesWindow$1(baseSlots",
  },
  {
    name: "an unmap returns one slot too few",
    only: "bounce",
    find: /const touched = freeRun\(ctx\.arena, pool, slot, nslots\);/,
    replace: "const touched = freeRun(ctx.arena, pool, slot, Math.max(1, nslots - 1));",
  },
  {
    name: "an unmap forgets to copy out",
    only: "bounce",
    find: /const moved = deviceWrites\(dir\) && /,
    replace: "const moved = false && ",
  },
  {
    name: "a bounce copies one byte too few",
    only: "bounce",
    find: /const moved = ctx\.era === "4\.1" \? bytes : Math\.min\(bytes, left\);/,
    replace: "const moved = Math.min(bytes, left) - 1;",
  },
  {
    name: "a sync for the CPU copies nothing",
    only: "bounce",
    find: /return deviceWrites\(dir\) \? bounce\$?\d*\(ctx, device, pool, tlb, bytes, false\) : 0;/,
    replace: "return 0;",
  },
  {
    name: "a sync for the device copies nothing",
    only: "bounce",
    find: /return deviceReads\(dir\) \? bounce\$?\d*\(ctx, device, pool, tlb, bytes, true\) : 0;/,
    replace: "return 0;",
  },
  {
    name: "slots are searched without the area's lock",
    race: true,
    only: "bounce",
    find: /lock\(words, areaAt \+ AREA\.lock, ctx\.lockOwner\);(\s+let slot = -1;)/,
    replace: "$1",
  },
  {
    name: "the device's translation ignores invalidations of its page latch",
    only: "iommu",
    find: /latch\.holds\(dmaAddr\)/,
    replace: "(latch.end > dmaAddr && dmaAddr >= latch.end - 4096)",
  },
  {
    name: "the data of a poisoned completion are used",
    only: "direct",
    faults: "poisoned-tlp",
    find: /if \(!this\.#write\) this\.status = DMA_STATUS\.poisoned;/,
    replace: "",
  },
  {
    name: "nobody logs that a link went down",
    only: "direct",
    faults: "surprise-link-down",
    find: /this\.aer\.record\(AER\.surpriseDown\);/,
    replace: "",
  },
  {
    name: "the data link layer takes a damaged TLP for delivered",
    only: "direct",
    faults: "replay-storm",
    find: /this\.damaged \+= 1;/,
    replace: "this.damaged += 1; if (sequence === this.#expected) this.#expected = (this.#expected + 1) & SEQ_MASK;",
  },
  {
    name: "a driver does not poll at its timeout",
    only: "direct",
    faults: "lost-interrupt",
    find: /if \(this\.#entry !== NO_ENTRY\) return "driver timeout: completion found by polling";/,
    replace: "",
  },
  {
    name: "pinned pages go offline",
    only: "direct",
    faults: "memory-removed",
    find: /if \(pinsOf\(arena, pfn\) === 0\) continue;/,
    replace: "continue;",
  },
];
