/** Faults in which something has run out: the mapping must be refused with its reason, and nothing may be lost. */
import { PAGE_BYTES } from "../../../base/addr.ts";
import { assert, defined } from "../../../base/assert.ts";
import { DIR, type DmaDevice } from "../../../host/dma/device.ts";
import { granuleBytes } from "../../../host/dma/limits.ts";
import { mapPhys, unmapPhys } from "../../../host/dma/map.ts";
import { allocDmaIova } from "../../../host/iommu/dma_iova.ts";
import { freeIovaFast } from "../../../host/iommu/magazine.ts";
import { failureOf } from "../../../host/status.ts";
import { classifyFull } from "../../../host/swiotlb/classify.ts";
import { holdings } from "../../../host/swiotlb/occupancy.ts";
import { SLOT_BYTES } from "../../../host/swiotlb/pool.ts";
import { sharedPools } from "../../../host/swiotlb/pools.ts";
import { returnFrames, withholdFrames } from "../../../pagetable/frames.ts";
import type { Executor } from "../executor.ts";
import type { StressOp } from "../operation.ts";

interface Range {
  readonly at: number;
  readonly bytes: number;
}

const LARGEST_IOVA_BYTES = 2 ** 47;
const HOG_RANGES_MAX = 4096;
/** Enough IOVA space to push the next mapping behind tables that nobody has made yet. */
const TABLE_HOG_BYTES = 2 ** 30;
/** A last-level table maps as much; tables stay, so every injection looks for another one. */
const TABLE_SPAN_BYTES = 2 ** 21;
const TABLE_PLACES_MASK = 511;
const SERVED = "served";
const POOL_BYTES = [2 ** 18 - 2 * PAGE_BYTES, 2 ** 15, SLOT_BYTES];

/** Takes every IOVA, maps, gives all back. */
export function exhaustIovas(executor: Executor, op: StressOp): string {
  const device = deviceOf(executor, op);
  const hog: Range[] = [];
  for (let bytes = LARGEST_IOVA_BYTES; bytes >= PAGE_BYTES && hog.length < HOG_RANGES_MAX; ) {
    const at = allocDmaIova(executor.parts.ctx, device, bytes);
    executor.parts.beat();
    if (at < 0) bytes /= 2;
    else hog.push({ at, bytes });
  }
  const outcome = tryMap(executor, op);
  freeIovas(executor, device, hog);
  return outcome;
}

/** Withholds memory for tables, maps where no table is yet. */
export function exhaustTables(executor: Executor, op: StressOp): string {
  const { ctx } = executor.parts;
  const device = deviceOf(executor, op);
  const hogBytes = TABLE_HOG_BYTES + (op.id & TABLE_PLACES_MASK) * TABLE_SPAN_BYTES;
  const at = allocDmaIova(ctx, device, hogBytes);
  const withheld = withholdFrames(ctx.arena, ctx.lockOwner);
  const outcome = tryMap(executor, op);
  returnFrames(ctx.arena, ctx.lockOwner, withheld);
  if (at >= 0) freeIovas(executor, device, [{ at, bytes: hogBytes }]);
  return outcome;
}

/** Fills the bounce pool, maps, empties it. */
export function fillPool(executor: Executor, op: StressOp): string {
  const device = deviceOf(executor, op);
  const hog: Range[] = [];
  for (const bytes of POOL_BYTES) takeSlots(executor, op, device, bytes, hog);
  const outcome = tryMap(executor, op);
  for (const range of hog) giveSlots(executor, device, range);
  return outcome;
}

/** A driver that never unmaps fills the pool; whoever asks why a mapping fails is told its name. */
export function leakPool(executor: Executor, op: StressOp): string {
  const { ctx } = executor.parts;
  const device = deviceOf(executor, op);
  const pool = device.pool;
  assert(pool !== null, "the fault needs a pool");
  const hog: Range[] = [];
  for (const bytes of POOL_BYTES) takeSlots(executor, op, device, bytes, hog);
  const refused = tryMap(executor, op);
  const held = holdings(ctx.arena, ...sharedPools(ctx.arena, pool));
  const mappings = held.find((holding) => holding.device === op.device)?.mappings ?? 0;
  // The driver believes that it has unmapped these; what other workers map for the device is not stale.
  const live = Math.max(0, mappings - hog.length);
  const request = { orig: executor.addressOf(op), mappingBytes: SLOT_BYTES, allocAlignMask: 0 };
  const { leak, reason, usedSlots } = classifyFull(ctx, device, request, (index) =>
    index === op.device ? live : Number.POSITIVE_INFINITY,
  );
  const leakedSlots = hog.reduce((sum, { bytes }) => sum + Math.ceil(bytes / SLOT_BYTES), 0);
  for (const range of hog) giveSlots(executor, device, range);
  if (refused === SERVED || 2 * leakedSlots < usedSlots) return refused === SERVED ? SERVED : "others hold the pool";
  return leak?.device === op.device ? `${refused}; classified: leaked` : `${refused}; classified: ${reason}`;
}

/** Takes all slots one by one and gives every second one back. */
export function fragmentPool(executor: Executor, op: StressOp): string {
  const device = deviceOf(executor, op);
  const hog: Range[] = [];
  takeSlots(executor, op, device, SLOT_BYTES, hog);
  const kept = hog.filter((range, i) => {
    if (i % 2 === 0) return true;
    giveSlots(executor, device, range);
    return false;
  });
  const outcome = tryMap(executor, op);
  for (const range of kept) giveSlots(executor, device, range);
  return outcome;
}

/** Maps and unmaps in the state that the fault has made. */
function tryMap(executor: Executor, op: StressOp): string {
  const { driver } = executor.parts;
  const live = executor.prepare(op);
  const nents = driver.map(live);
  if (nents > 0) {
    executor.deviceTurn(live, 0);
    driver.unmap(live);
    executor.expectNoErrors(live, "unmap");
    executor.cpuLook(live, 0);
  }
  executor.release(live);
  return nents > 0 ? SERVED : `map refused: ${failureOf(-nents)?.name ?? nents}`;
}

function freeIovas(executor: Executor, device: DmaDevice, ranges: readonly Range[]): void {
  const { domain } = device;
  assert(domain !== null, "the fault needs a domain");
  const granule = granuleBytes(domain);
  // Nothing was mapped there: no translation has to go first.
  for (const { at, bytes } of ranges)
    freeIovaFast(executor.parts.ctx, domain, at / granule, Math.ceil(bytes / granule));
}

/** Ranges of `bytes` until one is refused; each CPU's area gets its turn by itself. */
function takeSlots(executor: Executor, op: StressOp, device: DmaDevice, bytes: number, hog: Range[]): void {
  const phys = executor.addressOf(op);
  for (let refused = 0; refused < 2; ) {
    const at = mapPhys(executor.parts.ctx, device, phys, bytes, DIR.toDevice, 0);
    executor.parts.beat();
    if (at < 0) refused += 1;
    else hog.push({ at, bytes });
  }
}

function giveSlots(executor: Executor, device: DmaDevice, { at, bytes }: Range): void {
  unmapPhys(executor.parts.ctx, device, at, bytes, DIR.toDevice, 0);
  executor.parts.beat();
}

function deviceOf(executor: Executor, op: StressOp): DmaDevice {
  return defined(executor.parts.system.devices[op.device], "the operation's device");
}
