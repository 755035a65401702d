/** Faults of memory itself: poisoned persistent memory, memory that is to go, an arena without room. */
import { alignDownWide, lowBits, type Phys } from "../../../base/addr.ts";
import { DmasimError } from "../../../base/errors.ts";
import { failureOf } from "../../../host/status.ts";
import { commitRange, returnChunks, withholdChunks } from "../../../memory/backing.ts";
import { isPoisoned, overwritePoison, poisonLine } from "../../../memory/media_poison.ts";
import { memoryBlockBytes, tryOffline } from "../../../memory/memory_block.ts";
import { AER } from "../../../pcie/aer.ts";
import { CHUNK_BYTES } from "../../../shm/capacities.ts";
import { COMPLETED, Endpoint } from "../endpoint.ts";
import type { Executor } from "../executor.ts";
import type { StressOp } from "../operation.ts";
import { bothWays, onMapping } from "./link.ts";
import { REFUSED } from "./misuse.ts";

const LINE_BYTES = 64;
/** Far behind every area's cells. */
const FRESH_AREA_BYTES = 2 ** 29;

/** A line of persistent memory is lost: the device must not get its bytes, and a write of the line heals it. */
export function poisonMedia(executor: Executor, op: StressOp): string {
  const { ctx } = executor.parts;
  const endpoint = new Endpoint(executor, op.device);
  return onMapping(executor, op, (live) => {
    const middle = (live.starts[0] as number) + (live.bytes >>> 1);
    const line = middle - lowBits(middle, LINE_BYTES);
    if (!poisonLine(ctx.arena, ctx.lockOwner, line)) return REFUSED;
    endpoint.run(live, false, 0);
    const found = endpoint.awaited();
    endpoint.run(live, true, 1);
    // The device wrote a part of the line only: the driver clears it (Clear Uncorrectable Error), then it is written again.
    const partial = isPoisoned(ctx.arena, ctx.lockOwner, line, LINE_BYTES);
    if (partial) overwritePoison(ctx.arena, ctx.lockOwner, line, LINE_BYTES);
    endpoint.run(live, false, 1);
    const healed = endpoint.awaited();
    executor.parts.driver.unmap(live);
    if (healed !== COMPLETED || executor.readWrong) return `behind the write: ${healed}`;
    return endpoint.link.aer.count(AER.poisonedTlp) > 0 ? `${found}, AER ${AER.poisonedTlp.word}` : found;
  });
}

/** The block of a mapped buffer is to go offline: pinned pages cannot move; behind the unmap they can. */
export function removeMemory(executor: Executor, op: StressOp): string {
  const { ctx, system } = executor.parts;
  const endpoint = new Endpoint(executor, op.device);
  const ramEnd = system.machine.memory
    .filter(({ memmap }) => memmap === "ram")
    .reduce((end, { start, bytes }) => Math.max(end, start + bytes), 0);
  const blockBytes = memoryBlockBytes(ramEnd);
  let at = 0;
  let bytes = 0;
  const outcome = onMapping(executor, op, (live) => {
    at = live.starts[0] as number;
    bytes = live.bytes;
    const block = tryOffline(ctx.arena, alignDownWide(at, blockBytes), blockBytes);
    const moved = bothWays(executor, endpoint, live);
    if (moved !== COMPLETED) return moved;
    return block.ret === 0 ? "memory went with DMA in flight" : "-EBUSY: pages are pinned";
  });
  if (outcome === REFUSED) return outcome;
  return tryOffline(ctx.arena, at, bytes).ret === 0 ? outcome : "pages stay pinned behind the unmap";
}

/** No chunk is left for memory that was never touched: what needs one is refused, what is there stays right. */
export function exhaustArena(executor: Executor, op: StressOp): string {
  const { ctx } = executor.parts;
  const endpoint = new Endpoint(executor, op.device);
  const live = executor.prepare(op);
  const withheld = withholdChunks(ctx.arena);
  const nents = executor.parts.driver.map(live);
  const fresh = freshMemory(executor, (live.starts[0] as number) + FRESH_AREA_BYTES);
  const moved = nents > 0 ? bothWays(executor, endpoint, live) : COMPLETED;
  returnChunks(ctx.arena, withheld);
  executor.expectNoErrors(live, "unmap");
  executor.release(live);
  if (moved !== COMPLETED) return moved;
  return nents > 0 ? fresh : `map refused: ${failureOf(-nents)?.name ?? nents}`;
}

/** Code of the error for memory that nobody has touched. */
function freshMemory(executor: Executor, phys: Phys): string {
  try {
    commitRange(executor.parts.ctx.arena, phys, CHUNK_BYTES);
    return "served";
  } catch (error) {
    return error instanceof DmasimError ? `usage error: ${error.code}` : String(error);
  }
}
