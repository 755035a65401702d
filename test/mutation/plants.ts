/** Bugs that were planted on purpose, each in one statement of the mapping code, which `dmasim stress` finds. */
import type { Plant } from "../support/mutant.ts";

/** A planted bug, the paths on which it shows, and what the finding must say. */
export interface StressPlant extends Plant {
  readonly only: string;
  /** The finding's words. */
  readonly symptom: RegExp;
  /** Faults that a run has to inject to see it. */
  readonly faults?: string;
  /** Operations that a shrunk finding may have; absent = 200. */
  readonly operationsMax?: number;
  /** It takes two threads: no list of one shows it. */
  readonly race?: true;
  /** Only the deep run plants it: it takes longer than a few seconds, or is much like another one. */
  readonly deep?: true;
}

export const PLANTS: readonly StressPlant[] = [
  {
    name: "a strict unmap leaves the IOTLB alone",
    symptom: /wrong data|device fault/,
    only: "iommu",
    find: /if \(domain\.mode === "strict"\) invalidate\(ctx, domain, start, iovaBytes\);\s+freeDmaIova/,
    replace: "freeDmaIova",
  },
  {
    name: "an unmap clears one granule only",
    symptom: /a new mapping does not cover a mapped page/,
    only: "iommu",
    find: /unmapRange\(ctx\.arena, ctx\.lockOwner, domain\.index, format, start, iovaBytes, ctx\.cost\);(\s+if \(domain\.mode)/,
    replace: "unmapRange(ctx.arena, ctx.lockOwner, domain.index, format, start, granule, ctx.cost);$1",
  },
  {
    name: "a magazine hands out the same IOVA twice",
    symptom: /a new mapping does not cover a mapped page/,
    only: "iommu",
    find: /arena\.i32\[magazine \+ MAGAZINE\.size\] = last;/,
    replace: "",
  },
  {
    name: "what the device writes is mapped for it to read",
    symptom: /device fault: write at .*: permission/,
    only: "iommu",
    find: /return dir === DIR\.fromDevice \? PROT\.write : PROT\.read \| PROT\.write;/,
    replace: "return PROT.read;",
  },
  {
    name: "a free run of slots that is one too short",
    symptom: /wrong data|device fault/,
    only: "bounce",
    // Two mappings meet only in a pool that many others have cut up: what fills it stays.
    operationsMax: 5000,
    find: />= nslots && !crossesWindow(\S*)\(baseSlots/,
    replace: ">= Math.max(1, nslots - 1) && !crossesWindow$1(baseSlots",
  },
  {
    name: "an unmap returns one slot too few",
    symptom: /leak: \d+ slots stay marked as taken/,
    only: "bounce",
    deep: true,
    find: /const touched = freeRun\(ctx\.arena, pool, slot, nslots\);/,
    replace: "const touched = freeRun(ctx.arena, pool, slot, Math.max(1, nslots - 1));",
  },
  {
    name: "an unmap forgets to copy out",
    symptom: /the CPU finds other data/,
    only: "bounce",
    find: /const moved = deviceWrites\(dir\) && /,
    replace: "const moved = false && ",
  },
  {
    name: "a bounce copies one byte too few",
    symptom: /wrong data/,
    only: "bounce",
    find: /const moved = ctx\.era === "4\.1" \? bytes : Math\.min\(bytes, left\);/,
    replace: "const moved = Math.min(bytes, left) - 1;",
  },
  {
    name: "a sync for the CPU copies nothing",
    symptom: /the CPU finds other data/,
    only: "bounce",
    find: /return deviceWrites\(dir\) \? bounce\$?\d*\(ctx, device, pool, tlb, bytes, false\) : 0;/,
    replace: "return 0;",
  },
  {
    name: "a sync for the device copies nothing",
    symptom: /the device reads other data/,
    only: "bounce",
    find: /return deviceReads\(dir\) \? bounce\$?\d*\(ctx, device, pool, tlb, bytes, true\) : 0;/,
    replace: "return 0;",
  },
  {
    name: "slots are searched without the area's lock",
    symptom: /wrong data|device fault|leak|exception/,
    race: true,
    only: "bounce",
    find: /lock\(words, areaAt \+ AREA\.lock, ctx\.lockOwner\);(\s+let slot = -1;)/,
    replace: "$1",
  },
  {
    name: "the device's translation ignores invalidations of its page latch",
    symptom: /wrong data|device fault/,
    only: "iommu",
    find: /latch\.holds\(dmaAddr\)/,
    replace: "(latch.end > dmaAddr && dmaAddr >= latch.end - 4096)",
  },
  {
    name: "a lazy unmap frees its IOVA before the flush",
    symptom: /wrong data|device fault/,
    only: "iommu",
    find: /if \(domain\.mode === "lazy"\)\s+queueIova/,
    replace: 'if (domain.mode === "never") queueIova',
  },
  {
    name: "the flush queue frees without a flush",
    symptom: /wrong data|device fault/,
    only: "iommu",
    // Two rings of 256 unmapped ranges fill up before anything is freed.
    operationsMax: 1024,
    deep: true,
    find: /ctx\.invalidation\.invalidateDomain\(domain\.unit, domain\.index\);/,
    replace: "",
  },
  {
    name: "a magazine loses the IOVA that it is given",
    symptom: /leak: \d+ x iova left/,
    only: "iommu",
    deep: true,
    find: /if \(magazine !== 0\)\s+pushPfn\(ctx\.arena, magazine, pfn\);/,
    replace: "",
  },
  {
    name: "entries are joined over an offset in a granule",
    symptom: /wrong data/,
    only: "iommu",
    find: /offset === 0 && room >= bytes/,
    replace: "room >= bytes",
  },
  {
    name: "a translation lets the device write where it may only read",
    symptom: /unexplained fault: pte-permission/,
    only: "iommu",
    faults: "pte-permission",
    find: /if \(\(out\.prot & wanted\) === 0\)/,
    replace: "if (false)",
  },
  {
    name: "an unmap of a list forgets its last entry",
    symptom: /the CPU finds other data/,
    only: "bounce",
    deep: true,
    find: /(function directUnmapSg\(ctx, device, sg, origNents[\s\S]{0,120}?)i < origNents/,
    replace: "$1i < origNents - 1",
  },
  {
    name: "a sync for the CPU copies the wrong way",
    symptom: /the CPU finds other data/,
    only: "bounce",
    deep: true,
    find: /return deviceWrites\(dir\) \? (bounce\$?\d*)\(ctx, device, pool, tlb, bytes, false\) : 0;/,
    replace: "return deviceWrites(dir) ? $1(ctx, device, pool, tlb, bytes, true) : 0;",
  },
  {
    name: "the data of a poisoned completion are used",
    only: "direct",
    symptom: /unexplained fault: poisoned-tlp/,
    faults: "poisoned-tlp",
    find: /if \(!this\.#write\) this\.status = DMA_STATUS\.poisoned;/,
    replace: "",
  },
  {
    name: "nobody logs that a link went down",
    only: "direct",
    symptom: /unexplained fault: surprise-link-down/,
    faults: "surprise-link-down",
    find: /this\.aer\.record\(AER\.surpriseDown\);/,
    replace: "",
  },
  {
    name: "the data link layer takes a damaged TLP for delivered",
    only: "direct",
    symptom: /unexplained fault: replay-storm/,
    faults: "replay-storm",
    find: /this\.damaged \+= 1;/,
    replace: "this.damaged += 1; if (sequence === this.#expected) this.#expected = (this.#expected + 1) & SEQ_MASK;",
  },
  {
    name: "a driver does not poll at its timeout",
    only: "direct",
    symptom: /unexplained fault: lost-interrupt/,
    faults: "lost-interrupt",
    find: /if \(this\.#entry !== NO_ENTRY\) return "driver timeout: completion found by polling";/,
    replace: "",
  },
  {
    name: "pinned pages go offline",
    only: "direct",
    symptom: /unexplained fault: memory-removed/,
    faults: "memory-removed",
    find: /if \(pinsOf\(arena, pfn\) === 0\) continue;/,
    replace: "continue;",
  },
];
