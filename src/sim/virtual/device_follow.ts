/** Followed commands in the device: gives their logs to the stages that advance them. */
import type { StageLog } from "../../timing/stage_log.ts";
import type { Fabric } from "./fabric.ts";
import type { IoTrace } from "./io_trace.ts";
import type { Lane } from "./lane.ts";
import type { Stream } from "./stream.ts";

/** One of a loop that follows I/Os; {@link before} and {@link aimed} enclose what a quantum is aimed at. */
export class DeviceFollow {
  readonly #trace: IoTrace;
  readonly #fabric: Fabric;
  /** Counters before the quantum in hand was aimed. */
  #walkWaitPs = 0;
  #memoryWaitPs = 0;
  #levels = 0;

  constructor(trace: IoTrace, fabric: Fabric) {
    this.#trace = trace;
    this.#fabric = fabric;
  }

  /** Log of a command in `phase` from now on; null when nobody follows it. */
  log(lane: Lane, tag: number, phase: string): StageLog | null {
    const log = this.#trace.of(lane, tag)?.log ?? null;
    if (log !== null) log.phase = phase;
    return log;
  }

  /** The next quantum of a stream is about to be translated. */
  before({ lane, cursor, pieceSeen }: Stream): void {
    const { unit } = lane.device;
    this.#walkWaitPs = unit?.walkers.waitPs ?? 0;
    this.#memoryWaitPs = this.#fabric.memoryWaitPs();
    this.#levels = pieceSeen ? 0 : cursor.levels;
  }

  /** It is translated and knows its memory: the function gets its log. What it waits of its own walk is service. */
  aimed({ lane, tag }: Stream, nowPs: number): void {
    const { fn, unit } = lane.device;
    const log = this.#trace.of(lane, tag)?.quantum(nowPs, this.#levels) ?? null;
    fn.log = log;
    if (log === null) return;
    log.memoryWaitPs = this.#fabric.memoryWaitPs() - this.#memoryWaitPs;
    log.walkWaitPs = (unit?.walkers.waitPs ?? 0) - this.#walkWaitPs;
  }

  /** The quantum passed all stages; `last` = it ends after those before it. */
  issued({ lane, tag, writing }: Stream, last: boolean): void {
    const { fn } = lane.device;
    if (fn.log === null) return;
    this.#trace.of(lane, tag)?.issued(fn.log, writing ? fn.writeFreePs : fn.readFreePs, last);
    fn.log = null;
  }

  /** All quanta of a direction are issued; the device itself is done at `endPs`. */
  transferred({ lane, tag }: Stream, endPs: number): void {
    const command = this.#trace.of(lane, tag);
    if (command === null) return;
    command.transferred();
    command.log.serve("device pipeline", endPs);
  }
}
