/**
 * Root complex port group: the buffers that all functions below it share, and the latency to memory behind it.
 *
 * Sources: "Understanding the Host Network" (SIGCOMM 2024): about 92 cachelines of posted writes and at least 164 of reads per IIO
 * stack, 300 ns to the memory controller; "Understanding PCIe performance" (SIGCOMM 2018) for read latency. Posted writes of one
 * function commit in order (PCI Express Base Specification, ordering); between functions there is no order.
 */

import type { ServerStats } from "../server.ts";
import { Timeline } from "../timeline.ts";
import { CreditRing } from "./credits.ts";
import type { RootComplexShape } from "./shape.ts";

const LINE_BYTES = 64;

/** Buffers of one port group. */
export class HostPort {
  readonly name: string;
  readonly shape: RootComplexShape;
  readonly writes: SharedBuffer;
  readonly reads: SharedBuffer;

  constructor(name: string, shape: RootComplexShape) {
    this.name = name;
    this.shape = shape;
    this.writes = new SharedBuffer(`${name} write buffer`, shape.writeLines);
    this.reads = new SharedBuffer(`${name} read buffer`, shape.readLines);
  }

  servers(): readonly ServerStats[] {
    return [this.writes, this.reads];
  }

  rebase(shiftPs: number): void {
    this.writes.rebase(shiftPs);
    this.reads.rebase(shiftPs);
  }
}

/** Lines of a port group that its functions hold together. */
export class SharedBuffer implements ServerStats {
  readonly name: string;
  readonly kind = "credits";
  readonly width: number;
  busyPs = 0;
  waitPs = 0;
  #functions = 0;
  readonly #timeline = new Timeline();

  constructor(name: string, lines: number) {
    this.name = name;
    this.width = lines;
  }

  /** One more function uses the buffer: its own bursts, which arrive in order. */
  join(): CreditRing {
    this.#functions += 1;
    return new CreditRing(this.name, this.width);
  }

  /**
   * Time at which a burst of `lines` that arrives at `nowPs` and stays for `heldPs` finds room beside those of other functions:
   * as long as the work queued is less than the time that a line stays, there are free ones.
   */
  admit(nowPs: number, lines: number, heldPs: number): number {
    this.busyPs += lines * heldPs;
    if (this.#functions < 2) return nowPs;
    const workPs = (Math.min(lines, this.width) * heldPs) / this.width;
    const startPs = Math.round(this.#timeline.reserve(nowPs, workPs) + workPs - heldPs);
    if (startPs <= nowPs) return nowPs;
    this.waitPs += startPs - nowPs;
    return startPs;
  }

  rebase(shiftPs: number): void {
    this.#timeline.rebase(shiftPs);
  }
}

/** One function's way through a port group. Calls must come in order of arrival. */
export class PortQueue {
  readonly #port: HostPort;
  readonly #writes: CreditRing;
  readonly #reads: CreditRing;
  /** Commits of posted writes are in order: end of the last. */
  #committedPs = 0;

  constructor(port: HostPort) {
    this.#port = port;
    this.#writes = port.writes.join();
    this.#reads = port.reads.join();
  }

  /**
   * A posted write that arrives at `nowPs` and is translated at `translatedPs` enters memory: writes commit in order, so one
   * that waits for its translation holds back those behind it. Returns when it has left the link's receiver.
   */
  commit(nowPs: number, translatedPs: number, bytes: number, memoryPs: number): number {
    const { shape, writes } = this.#port;
    const lines = linesOf(bytes);
    const enteredPs = this.#writes.enter(nowPs, lines);
    writes.waitPs += enteredPs - nowPs;
    const heldPs = Math.max(0, translatedPs - enteredPs) + shape.writePs + memoryPs;
    const orderedPs = Math.max(this.#committedPs, writes.admit(enteredPs, lines, heldPs), translatedPs);
    this.#committedPs = orderedPs;
    this.#writes.leave(orderedPs + shape.writePs + memoryPs, lines);
    return orderedPs;
  }

  /**
   * Time at which a read of `bytes` finds room, and holds it for `heldPs`. A read request does not pass posted writes that
   * came before it.
   */
  admitRead(nowPs: number, bytes: number, heldPs: number): number {
    const { reads } = this.#port;
    const lines = linesOf(bytes);
    const orderedPs = Math.max(nowPs, this.#committedPs);
    const enteredPs = this.#reads.enter(orderedPs, lines);
    reads.waitPs += enteredPs - orderedPs;
    const startPs = reads.admit(enteredPs, lines, heldPs);
    this.#reads.leave(startPs + heldPs, lines);
    return startPs;
  }

  rebase(shiftPs: number): void {
    this.#writes.rebase(shiftPs);
    this.#reads.rebase(shiftPs);
    this.#committedPs -= shiftPs;
  }
}

function linesOf(bytes: number): number {
  return Math.ceil(bytes / LINE_BYTES);
}
