/** Faults of a driver that uses the DMA API wrongly: the shadow checker sees them, memory does not suffer. */
import { DIR } from "../../../host/dma/device.ts";
import { readByte, writeByte } from "../../../memory/copy.ts";
import type { Executor } from "../executor.ts";
import type { Live } from "../live.ts";
import type { StressOp } from "../operation.ts";

const SILENT = "nothing noticed";

/** A mapping that is never unmapped: whoever lists what is pending finds it. */
export function leakMapping(executor: Executor, op: StressOp): string {
  return mapped(executor, op, true, (live) => {
    const { driver } = executor.parts;
    executor.deviceTurn(live, 0);
    const pending = driver.pending(op.id);
    driver.unmap(live);
    return pending ? "dma-debug: pending" : SILENT;
  });
}

/** A second mapping of memory that the device may write already. */
export function mapTwice(executor: Executor, op: StressOp): string {
  return mapped(executor, op, true, (live) => {
    const { driver } = executor.parts;
    const second = driver.describe(op);
    if (second === null) return SILENT;
    const nents = driver.map(second);
    const outcome = heard(executor);
    if (nents > 0) driver.unmap(second);
    driver.free(second);
    driver.unmap(live);
    return nents < 0 ? "dma-debug: overlap" : outcome;
  });
}

/** Only the checker hears the first unmap: by the second the address could have another owner. */
export function unmapTwice(executor: Executor, op: StressOp): string {
  return mapped(executor, op, true, (live) => {
    const { driver } = executor.parts;
    driver.checkUnmap(live);
    driver.unmap(live);
    return heard(executor);
  });
}

/** Only the checker hears the wrong size. */
export function unmapWrongSize(executor: Executor, op: StressOp): string {
  return mapped(executor, op, true, (live) => {
    executor.parts.driver.checkUnmap(live, live.bytes + 1);
    executor.parts.driver.endMapping(live);
    return heard(executor);
  });
}

/** Only the checker hears the wrong direction. */
export function unmapWrongDirection(executor: Executor, op: StressOp): string {
  return mapped(executor, op, true, (live) => {
    executor.parts.driver.checkUnmap(live, live.bytes, DIR.fromDevice);
    executor.parts.driver.endMapping(live);
    return heard(executor);
  });
}

/** No dma_mapping_error between map and unmap. */
export function forgetErrorCheck(executor: Executor, op: StressOp): string {
  return mapped(executor, op, false, (live) => {
    executor.deviceTurn(live, 0);
    executor.parts.driver.unmap(live);
    return heard(executor);
  });
}

/** The CPU flips a byte of a buffer that is mapped for the device to read. */
export function touchOwned(executor: Executor, op: StressOp): string {
  return mapped(executor, op, true, (live) => {
    const { ctx, driver } = executor.parts;
    const at = live.starts[0] as number;
    writeByte(ctx.arena, at, readByte(ctx.arena, at) ^ 0xff);
    const status = executor.touch(live, false, 0);
    const seen = executor.readWrong;
    driver.unmap(live);
    if (status !== 0) return `device status ${status}`;
    return seen ? "data check: the device read it" : "the bounce slot kept the old data";
  });
}

/** Runs `misuse` on a fresh mapping; "served" by a refusal when something else has run out meanwhile. */
function mapped(executor: Executor, op: StressOp, checkError: boolean, misuse: (live: Live) => string): string {
  const { driver, debug } = executor.parts;
  const live = executor.prepare(op);
  const outcome = driver.map(live, checkError) < 0 ? null : misuse(live);
  debug.take();
  executor.release(live);
  return outcome ?? REFUSED;
}

/** The mapping itself was refused: the fault was not injected. */
export const REFUSED = "refused";

function heard(executor: Executor): string {
  const [error] = executor.parts.debug.take();
  return error === undefined ? SILENT : `dma-debug: ${error.kind}`;
}
