/**
 * Log of one followed command, with its transfer: many quanta, of which the one that ends last decides.
 *
 * ```
 * join ── waits for a turn ──► first quantum … ──► last quantum to end: its steps ──► device ──► …
 *                              └ own quanta, and turns of others between them ┘
 * ```
 */
import { StageLog } from "../../timing/stage_log.ts";

/** Time in which one of the command's quanta was served at a place. */
interface OwnService {
  readonly place: string;
  startPs: number;
  endPs: number;
}

/** Counters and times of one command; picoseconds since the clock's epoch. */
export class CommandTrace {
  readonly log: StageLog;
  readonly bytes: number;
  quanta = 0;
  /** IOTLB misses of its accesses and the table levels that their walks read. */
  walks = 0;
  levels = 0;
  startPs: number;
  endPs = -1;
  #firstPs = -1;
  #turnPs = 0;
  #freePs = 0;
  /** Of its turns before the present one: time in which its own quanta held the DMA block. */
  #ownPs = 0;
  #lastPs = 0;
  #lastOwnPs = 0;
  #last: StageLog | null = null;
  readonly #served: OwnService[] = [];

  constructor(startPs: number, bytes: number) {
    this.startPs = startPs;
    this.bytes = bytes;
    this.log = new StageLog(startPs);
  }

  /** A quantum starts at `nowPs`; the log for its steps. */
  quantum(nowPs: number, levels: number): StageLog {
    if (this.#firstPs < 0) this.#firstPs = nowPs;
    else this.#ownPs += Math.min(this.#freePs, nowPs) - this.#turnPs;
    this.#turnPs = nowPs;
    this.quanta += 1;
    if (levels > 0) this.walks += 1;
    this.levels += levels;
    const log = new StageLog(nowPs);
    log.phase = "transfer";
    return log;
  }

  /** The quantum is on its way: the block takes the next at `freePs`; `last` = it ends after all before it. */
  issued(log: StageLog, freePs: number, last: boolean): void {
    this.#freePs = Math.max(freePs, this.#turnPs);
    this.#own(log);
    if (!last) return;
    this.#last = log;
    this.#lastPs = this.#turnPs;
    this.#lastOwnPs = this.#ownPs;
  }

  /** All quanta of a direction are issued: the way to the end of the one that ends last. */
  transferred(): void {
    if (this.#last === null) return;
    const { log } = this;
    log.phase = "transfer";
    log.wait(TURN, Math.max(this.#firstPs, log.atPs));
    const lastPs = Math.max(this.#lastPs, log.atPs);
    log.step(EARLIER, Math.max(this.#lastPs - this.#lastOwnPs, log.atPs), lastPs);
    log.append(this.#last, lastPs - this.#lastPs);
    this.#last = null;
    this.#firstPs = -1;
    this.#ownPs = 0;
    this.#served.length = 0;
  }

  /** What a quantum waits for earlier ones of its own command is service of the command, not waiting for others. */
  #own(log: StageLog): void {
    const mine: OwnService[] = [];
    let atPs = this.#turnPs;
    for (const step of log.steps) {
      const startPs = atPs + step.waitPs;
      const endPs = startPs + step.servicePs;
      if (step.servicePs > 0) mine.push({ place: step.place, startPs, endPs });
      let ownPs = 0;
      for (const { place, startPs: from, endPs: to } of step.waitPs > 0 ? this.#served : []) {
        if (place === step.place) ownPs += Math.max(0, Math.min(to, startPs) - Math.max(from, atPs));
      }
      step.waitPs -= ownPs;
      step.servicePs += ownPs;
      atPs = endPs;
    }
    this.#served.push(...mine);
  }

  rebase(shiftPs: number): void {
    this.log.rebase(shiftPs);
    this.#last?.rebase(shiftPs);
    this.startPs -= shiftPs;
    this.endPs -= shiftPs;
    if (this.#firstPs >= 0) this.#firstPs -= shiftPs;
    this.#turnPs -= shiftPs;
    this.#freePs -= shiftPs;
    this.#lastPs -= shiftPs;
    for (const served of this.#served) {
      served.startPs -= shiftPs;
      served.endPs -= shiftPs;
    }
  }
}

/** Waiting until the device's DMA block has taken quanta of other commands. */
const TURN = "turn";
/** Quanta of the same command before the one that ends last; the wait is for turns of others between them. */
const EARLIER = "earlier quanta";
