/** What a fault of exhaustion takes away so that a mapping has to be refused: IOVAs, slots of the bounce pool. */
import { PAGE_BYTES, type Phys } from "../../../base/addr.ts";
import type { HostContext } from "../../../host/context.ts";
import { DIR, type DmaDevice, type DmaDomain } from "../../../host/dma/device.ts";
import { granuleBytes } from "../../../host/dma/limits.ts";
import { allocDmaIova } from "../../../host/iommu/dma_iova.ts";
import { freeIovaFast } from "../../../host/iommu/magazine.ts";
import { swiotlbMap, swiotlbUnmap } from "../../../host/swiotlb/bounce.ts";
import { classifyFull } from "../../../host/swiotlb/classify.ts";
import { holdings } from "../../../host/swiotlb/occupancy.ts";
import { SLOT_BYTES } from "../../../host/swiotlb/pool.ts";
import { sharedPools } from "../../../host/swiotlb/pools.ts";

/** A range of IOVAs, or the slots of one mapping. */
export interface HogRange {
  readonly at: number;
  readonly bytes: number;
}

/** Called between two steps of what takes long. */
export type Beat = () => void;

const LARGEST_IOVA_BYTES = 2 ** 47;
const HOG_RANGES_MAX = 4096;
const POOL_BYTES = [2 ** 18 - 2 * PAGE_BYTES, 2 ** 15, SLOT_BYTES];

/** Every IOVA that the device can reach. */
export function takeIovas(ctx: HostContext, device: DmaDevice, beat: Beat): HogRange[] {
  const hog: HogRange[] = [];
  for (let bytes = LARGEST_IOVA_BYTES; bytes >= PAGE_BYTES && hog.length < HOG_RANGES_MAX; ) {
    const at = allocDmaIova(ctx, device, bytes);
    beat();
    if (at < 0) bytes /= 2;
    else hog.push({ at, bytes });
  }
  return hog;
}

/** Gives IOVAs back. Nothing was mapped there: no translation has to go first. */
export function giveIovas(ctx: HostContext, domain: DmaDomain, ranges: readonly HogRange[]): void {
  const granule = granuleBytes(domain);
  for (const { at, bytes } of ranges) freeIovaFast(ctx, domain, at / granule, Math.ceil(bytes / granule));
}

/** Every slot of the device's pool: large runs first, then what is left. `phys` is bounced over and over. */
export function takePool(ctx: HostContext, device: DmaDevice, phys: Phys, beat: Beat): HogRange[] {
  return POOL_BYTES.flatMap((bytes) => takeSlots(ctx, device, phys, bytes, beat));
}

/** Slots for mappings of `bytes` until one is refused; each CPU's area gets its turn by itself. */
export function takeSlots(ctx: HostContext, device: DmaDevice, phys: Phys, bytes: number, beat: Beat): HogRange[] {
  const hog: HogRange[] = [];
  for (let refused = 0; refused < 2; ) {
    const at = swiotlbMap(ctx, device, phys, bytes, 0, DIR.toDevice, 0);
    beat();
    if (at < 0) refused += 1;
    else hog.push({ at, bytes });
  }
  return hog;
}

/** Gives slots back. */
export function giveSlots(ctx: HostContext, device: DmaDevice, ranges: readonly HogRange[], beat: Beat): void {
  for (const { at, bytes } of ranges) {
    swiotlbUnmap(ctx, device, at, bytes, DIR.toDevice, 0);
    beat();
  }
}

/**
 * What whoever asks why a mapping of `asking` at `phys` was refused is told, when `leaking` has forgotten the mappings of `hog`: the
 * end of the outcome. Its driver believes that it has unmapped these; what others map for the device is not stale.
 */
export function leakVerdict(
  ctx: HostContext,
  asking: DmaDevice,
  phys: Phys,
  bytes: number,
  leaking: number,
  hog: readonly HogRange[],
): string {
  const { pool } = asking;
  if (pool === null) return "no pool";
  const held = holdings(ctx.arena, ...sharedPools(ctx.arena, pool));
  const mappings = held.find((holding) => holding.device === leaking)?.mappings ?? 0;
  const live = Math.max(0, mappings - hog.length);
  const request = { orig: phys, mappingBytes: bytes, allocAlignMask: 0 };
  const { leak, reason, usedSlots } = classifyFull(ctx, asking, request, (index) =>
    index === leaking ? live : Number.POSITIVE_INFINITY,
  );
  const leakedSlots = hog.reduce((sum, range) => sum + Math.ceil(range.bytes / SLOT_BYTES), 0);
  if (2 * leakedSlots < usedSlots) return OTHERS_HOLD;
  return leak?.device === leaking ? "classified: leaked" : `classified: ${reason}`;
}

/** The mappings of others fill most of the pool. */
export const OTHERS_HOLD = "others hold the pool";
