/** Faults in which something has run out: the mapping must be refused with its reason, and nothing may be lost. */
import { defined } from "../../../base/assert.ts";
import type { DmaDevice, DmaDomain } from "../../../host/dma/device.ts";
import { allocDmaIova } from "../../../host/iommu/dma_iova.ts";
import { failureOf } from "../../../host/status.ts";
import { SLOT_BYTES } from "../../../host/swiotlb/pool.ts";
import { returnFrames, withholdFrames } from "../../../pagetable/frames.ts";
import type { Executor } from "../executor.ts";
import type { StressOp } from "../operation.ts";
import { giveIovas, giveSlots, leakVerdict, OTHERS_HOLD, takeIovas, takePool, takeSlots } from "./hog.ts";

/** Enough IOVA space to push the next mapping behind tables that nobody has made yet. */
const TABLE_HOG_BYTES = 2 ** 30;
/** A last-level table maps as much; tables stay, so every injection looks for another one. */
const TABLE_SPAN_BYTES = 2 ** 21;
const TABLE_PLACES_MASK = 511;
const SERVED = "served";

/** Takes every IOVA, maps, gives all back. */
export function exhaustIovas(executor: Executor, op: StressOp): string {
  const { ctx, beat } = executor.parts;
  const device = deviceOf(executor, op);
  const hog = takeIovas(ctx, device, beat);
  const outcome = tryMap(executor, op);
  giveIovas(ctx, domainOf(device), hog);
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
  if (at >= 0) giveIovas(ctx, domainOf(device), [{ at, bytes: hogBytes }]);
  return outcome;
}

/** Fills the bounce pool, maps, empties it. */
export function fillPool(executor: Executor, op: StressOp): string {
  const { ctx, beat } = executor.parts;
  const device = deviceOf(executor, op);
  const hog = takePool(ctx, device, executor.addressOf(op), beat);
  const outcome = tryMap(executor, op);
  giveSlots(ctx, device, hog, beat);
  return outcome;
}

/** A driver that never unmaps fills the pool; whoever asks why a mapping fails is told its name. */
export function leakPool(executor: Executor, op: StressOp): string {
  const { ctx, beat } = executor.parts;
  const device = deviceOf(executor, op);
  const phys = executor.addressOf(op);
  const hog = takePool(ctx, device, phys, beat);
  const refused = tryMap(executor, op);
  const verdict = leakVerdict(ctx, device, phys, SLOT_BYTES, op.device, hog);
  giveSlots(ctx, device, hog, beat);
  if (refused === SERVED || verdict === OTHERS_HOLD) return refused === SERVED ? SERVED : OTHERS_HOLD;
  return `${refused}; ${verdict}`;
}

/** Takes all slots one by one and gives every second one back. */
export function fragmentPool(executor: Executor, op: StressOp): string {
  const { ctx, beat } = executor.parts;
  const device = deviceOf(executor, op);
  const hog = takeSlots(ctx, device, executor.addressOf(op), SLOT_BYTES, beat);
  const isKept = (_: unknown, i: number): boolean => i % 2 === 0;
  giveSlots(
    ctx,
    device,
    hog.filter((range, i) => !isKept(range, i)),
    beat,
  );
  const outcome = tryMap(executor, op);
  giveSlots(ctx, device, hog.filter(isKept), beat);
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

function deviceOf(executor: Executor, op: StressOp): DmaDevice {
  return defined(executor.parts.system.devices[op.device], "the operation's device");
}

function domainOf({ domain }: DmaDevice): DmaDomain {
  return defined(domain ?? undefined, "the fault's domain");
}
