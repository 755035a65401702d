/** Faults of a device's link: TLPs that vanish, are damaged or poisoned, and a link that goes down. */

import { Prng } from "../../../base/prng.ts";
import { STRIKE } from "../../../device/faulty_link.ts";
import { AER, type AerError } from "../../../pcie/aer.ts";
import type { WireErrors } from "../../../pcie/replay.ts";
import { COMPLETED, Endpoint } from "../endpoint.ts";
import type { Executor } from "../executor.ts";
import type { Live } from "../live.ts";
import type { StressOp } from "../operation.ts";
import { REFUSED } from "./misuse.ts";

/** One TLP in four is damaged, one ACK in eight. */
const DAMAGE_OF = 4;
const LOST_ACK_OF = 8;

/** The link goes down in the middle of a transfer: reads get no data, posted writes vanish, nothing completes. */
export function linkDown(executor: Executor, op: StressOp): string {
  const endpoint = new Endpoint(executor, op.device);
  return onMapping(executor, op, (live) => {
    const write = writes(op);
    endpoint.run(live, write, write ? 1 : 0, STRIKE.linkDown, middleTlp(endpoint, op));
    const found = endpoint.awaited();
    unmapped(executor, live);
    // What had passed is there, what had not is as the CPU left it: nothing is torn in between.
    const passed = write ? endpoint.link.passedBytes : 0;
    const torn = !executor.holds(live, 1, 0, passed) || !executor.holds(live, 0, passed, live.bytes);
    return torn ? "torn data" : withAer(found, endpoint, AER.surpriseDown);
  });
}

/** A request is never answered. Of a command that writes it is the fetch: no byte moves. */
export function completionTimeout(executor: Executor, op: StressOp): string {
  const endpoint = new Endpoint(executor, op.device);
  return onMapping(executor, op, (live) => {
    endpoint.run(live, false, 0, STRIKE.completionTimeout, writes(op) ? 0 : middleTlp(endpoint, op));
    const outcome = withAer(endpoint.awaited(), endpoint, AER.completionTimeout);
    return retried(bothWays(executor, endpoint, live), outcome);
  });
}

/** A TLP comes with its poison bit set: completions are not used, a posted write is dropped by the root port. */
export function poisonedTlp(executor: Executor, op: StressOp): string {
  const endpoint = new Endpoint(executor, op.device);
  return onMapping(executor, op, (live) => {
    const write = writes(op);
    endpoint.run(live, write, write ? 1 : 0, STRIKE.poisoned, middleTlp(endpoint, op));
    const found = write && endpoint.awaited() === COMPLETED ? "root port" : endpoint.awaited();
    const outcome = withAer(found, endpoint, AER.poisonedTlp);
    return retried((write ? writtenBack : bothWays)(executor, endpoint, live), outcome);
  });
}

/** Damaged TLPs and ACKs: the data link layer replays, and every byte arrives once. */
export function replayStorm(executor: Executor, op: StressOp): string {
  const endpoint = new Endpoint(executor, op.device, new BadWire(op.id));
  return onMapping(executor, op, (live) => {
    const outcome = bothWays(executor, endpoint, live);
    if (outcome !== COMPLETED) return outcome;
    if (endpoint.link.aer.count(AER.badTlp) > 0) return "AER BadTLP: replayed, every byte right";
    return endpoint.link.replay.duplicates > 0 ? "lost ACK: duplicates discarded" : "no TLP was damaged";
  });
}

/** The completion entry is there, the message that should tell of it is lost. */
export function lostInterrupt(executor: Executor, op: StressOp): string {
  const endpoint = new Endpoint(executor, op.device);
  endpoint.losesInterrupts = true;
  return onMapping(executor, op, (live) => bothWays(executor, endpoint, live));
}

/** The device leaves with DMA in flight: its driver undoes every mapping, the next device starts from nothing. */
export function unplug(executor: Executor, op: StressOp): string {
  const { driver } = executor.parts;
  const endpoint = new Endpoint(executor, op.device);
  const gone = onMapping(executor, op, (live) => {
    const write = writes(op);
    endpoint.run(live, write, write ? 1 : 0, STRIKE.linkDown, middleTlp(endpoint, op));
    if (endpoint.awaited() !== "driver timeout: registers read all ones") return endpoint.awaited();
    driver.unmap(live);
    return driver.pending(op.id) ? "dma-debug: pending behind the remove" : "";
  });
  if (gone !== "") return gone;
  const next = new Endpoint(executor, op.device);
  const found = onMapping(executor, op, (live) => bothWays(executor, next, live));
  if (found === REFUSED) return "presence lost: every mapping undone";
  return found === COMPLETED ? "presence lost: every mapping undone" : `the next device: ${found}`;
}

/** Reads what the CPU wrote, writes its answer; {@link COMPLETED}, or what went wrong. */
export function bothWays(executor: Executor, endpoint: Endpoint, live: Live): string {
  endpoint.run(live, false, 0);
  const read = endpoint.awaited();
  if (executor.readWrong) return "the device reads other data";
  const written = writtenBack(executor, endpoint, live);
  return read === COMPLETED ? written : read;
}

/** Writes the device's answer, ends the mapping, looks. */
function writtenBack(executor: Executor, endpoint: Endpoint, live: Live): string {
  endpoint.run(live, true, 1);
  const written = endpoint.awaited();
  unmapped(executor, live);
  return executor.holds(live, 1, 0, live.bytes) ? written : "the CPU finds other data";
}

/** Runs `use` on a fresh mapping; REFUSED when something else has run out. `use` ends with the mapping undone, or this does it. */
export function onMapping(executor: Executor, op: StressOp, use: (live: Live) => string): string {
  const { driver } = executor.parts;
  const live = executor.prepare(op);
  const outcome = driver.map(live) < 0 ? REFUSED : use(live);
  if (live.nents > 0) unmapped(executor, live);
  executor.expectNoErrors(live, "unmap");
  executor.release(live);
  return outcome;
}

/** The driver ends the mapping. */
function unmapped(executor: Executor, live: Live): void {
  executor.parts.driver.unmap(live);
  executor.expectNoErrors(live, "unmap");
}

/** The driver repeated the command, which ended with `again`: nothing of the failed one may be left. */
function retried(again: string, outcome: string): string {
  return again === COMPLETED ? outcome : `${outcome}; repeated: ${again}`;
}

function withAer(found: string, { link }: Endpoint, error: AerError): string {
  return link.aer.count(error) > 0 ? `${found}, AER ${error.word}` : found;
}

function writes({ id }: StressOp): boolean {
  return id % 2 === 1;
}

/** One that every transfer of the operation has. */
function middleTlp({ mpsBytes }: Endpoint, { pieces }: StressOp): number {
  return Math.floor(((pieces[0]?.bytes ?? 1) - 1) / mpsBytes / 2);
}

class BadWire implements WireErrors {
  readonly #prng: Prng;

  constructor(seed: number) {
    this.#prng = new Prng(seed, 1);
  }

  damagesTlp(): boolean {
    return this.#prng.below(DAMAGE_OF) === 0;
  }

  losesAck(): boolean {
    return this.#prng.below(LOST_ACK_OF) === 0;
  }
}
