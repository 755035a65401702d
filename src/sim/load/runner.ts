/**
 * The life of one job clone under either clock: when it may issue, what it issues, when it is done.
 *
 * ```
 * waiting ─ group starts, start delay ─► running ─ work or time ends ─► draining ─ nothing in flight ─► done
 *                                           ▲                              │ verify pass: read back
 *                                           └──────────────────────────────┘
 * ```
 * The driver (virtual loop or wall worker) asks {@link canIssue}, takes one command after the other
 * with {@link take}, and reports completions. Times are nanoseconds of the driver's clock.
 */
import { Prng } from "../../base/prng.ts";
import { UNIT_BYTES } from "../../memory/pattern.ts";
import type { Arena } from "../../shm/arena.ts";
import type { JobStats } from "../stats.ts";
import { type CloneSpec, writes } from "./clones.ts";
import { DepthSearch } from "./depth_search.ts";
import type { IoWatch } from "./io_watch.ts";
import { Pace } from "./pace.ts";
import { writeVersion, writtenVersion } from "./versions.ts";
import { Workload } from "./workload.ts";

const WAITING = 0;
const RUNNING = 1;
const DRAINING = 2;
const DONE = 3;

/** One clone's progress, and the fields of the command it issues next. */
export class CloneRunner {
  readonly spec: CloneSpec;
  readonly stats: JobStats;
  /** The command that {@link take} produced. */
  tag = 0;
  write = false;
  bytes = 0;
  unit = 0;
  version = 0;
  /** Of a read of the verify pass: oldest version that its write can have left; VERSION_ANY when that is not known. */
  expected = 0;
  io = 0;
  /** Set before the start, when somebody wants to know of single I/Os. */
  watch: IoWatch | null = null;
  /** Reading back what the job wrote. */
  verifying = false;
  /** An abort, a limit or a refusal ended the job: no verify pass follows. */
  #ended = false;
  inFlight = 0;
  readonly #arena: Arena;
  readonly #prng: Prng;
  readonly #search: DepthSearch | null;
  readonly #pace: Pace;
  #workload: Workload;
  #state = WAITING;
  /** Start, end and earliest next issue are whole nanoseconds, so that a clock that sleeps until then has reached them. */
  #startNs = 0;
  #endNs = Number.POSITIVE_INFINITY;
  #readyNs = 0;
  /** A drawn I/O that waits for its time or for its remaining commands. */
  #slot = -1;
  #command = 0;
  #drawn = false;
  readonly #freeSlots: Int32Array;
  #freeCount: number;
  readonly #pending: Int32Array;
  readonly #submitNs: Float64Array;
  readonly #slotBytes: Float64Array;
  readonly #slotIo: Float64Array;
  readonly #slotWrite: Uint8Array;
  readonly #slotFailed: Uint8Array;
  #written = false;

  constructor(arena: Arena, spec: CloneSpec, stats: JobStats) {
    this.spec = spec;
    this.stats = stats;
    this.#arena = arena;
    const stream = spec.job.randrepeat ? spec.number : spec.index + 1000;
    this.#prng = new Prng(spec.seed ^ 0x51ed270b, stream);
    this.#pace = new Pace(spec.job, this.#prng);
    this.#workload = new Workload(spec.job, spec.limits, spec.seed, stream);
    this.#search = spec.job.latencyTarget === null ? null : new DepthSearch(spec.job.latencyTarget, spec.depth);
    this.#freeSlots = Int32Array.from({ length: spec.depth }, (_, i) => spec.depth - 1 - i);
    this.#freeCount = spec.depth;
    this.#pending = new Int32Array(spec.depth);
    this.#submitNs = new Float64Array(spec.depth);
    this.#slotBytes = new Float64Array(spec.depth);
    this.#slotIo = new Float64Array(spec.depth);
    this.#slotWrite = new Uint8Array(spec.depth);
    this.#slotFailed = new Uint8Array(spec.depth);
  }

  get done(): boolean {
    return this.#state === DONE;
  }

  get started(): boolean {
    return this.#state !== WAITING;
  }

  /** The clone's group runs from `nowNs` on. */
  start(nowNs: number): void {
    const [low, high] = this.spec.job.startDelayNs;
    this.#startNs = Math.ceil(nowNs) + low + (high > low ? this.#prng.below(high - low) : 0);
    this.#pace.start(this.#startNs);
    this.#readyNs = this.#startNs;
    const runtime = this.spec.job.runtimeNs;
    if (runtime !== null) this.#endNs = this.#startNs + runtime + this.spec.job.rampNs;
    this.#state = RUNNING;
  }

  /** Stops issuing; what is in flight still completes. `cut` says that a limit did it. */
  stop(cut: boolean): void {
    if (this.#state === DONE) return;
    const workLeft = this.#state < DRAINING || (!this.#ended && this.#verifiesNext());
    if (cut && workLeft) this.stats.cut = true;
    this.#end();
  }

  /** Issues nothing more, not even the rest of an I/O or the verify pass. */
  #end(): void {
    const slot = this.#slot;
    this.#slot = -1;
    if (slot >= 0) {
      this.#slotFailed[slot] = 1;
      if (this.#pending[slot] === 0) this.#release(slot);
    }
    this.#ended = true;
    this.#drain();
    this.#settle();
  }

  /** True when a command can be taken at `nowNs`. When false, {@link readyNs} says whether time alone will change that. */
  canIssue(nowNs: number): boolean {
    if (this.#state !== RUNNING) return false;
    if (this.#slot >= 0) return nowNs >= this.#readyNs;
    if (nowNs >= this.#endNs) {
      this.#drain();
      this.#settle();
      return false;
    }
    if (this.#freeCount === 0 || this.inFlight >= this.#depthNow()) return false;
    if (!this.#draw(nowNs)) return false;
    return nowNs >= this.#readyNs;
  }

  /** Earliest time of the next command, Infinity when only a completion helps. */
  readyNs(nowNs: number): number {
    if (this.#state !== RUNNING) return Number.POSITIVE_INFINITY;
    if (this.#slot < 0 && (this.#freeCount === 0 || this.inFlight >= this.#depthNow())) return Number.POSITIVE_INFINITY;
    return Math.max(Math.min(this.#readyNs, this.#endNs), nowNs);
  }

  /** Takes the next command into the public fields; only after {@link canIssue} returned true. */
  take(nowNs: number): void {
    if (this.#slot < 0) this.#beginIo(nowNs);
    const slot = this.#slot;
    const offset = this.#command * this.spec.commandBytesMax;
    this.tag = slot * this.spec.commandsPerIo + this.#command;
    this.write = this.#slotWrite[slot] === 1;
    this.bytes = Math.min(this.spec.commandBytesMax, (this.#slotBytes[slot] as number) - offset);
    const at = this.#workload.offset + offset;
    this.unit = this.spec.copy !== null ? at : Math.floor((this.spec.extent.start + at) / UNIT_BYTES);
    this.io = this.#workload.io;
  }

  /** When the I/O of a command in flight was submitted; nanoseconds of the driver's clock. */
  submittedNs(tag: number): number {
    return this.#submitNs[Math.floor(tag / this.spec.commandsPerIo)] as number;
  }

  /** The command was submitted. */
  issued(): void {
    const slot = this.#slot;
    this.#pending[slot] = (this.#pending[slot] as number) + 1;
    this.#command += 1;
    if (this.#command * this.spec.commandBytesMax >= (this.#slotBytes[slot] as number)) this.#slot = -1;
  }

  /** The command could not be mapped now; it is taken again not before `retryNs`. */
  retryAt(retryNs: number): void {
    this.stats.retries += 1;
    this.#readyNs = Math.ceil(retryNs);
  }

  /** A command that cannot succeed ended its job. */
  abandon(text: string): void {
    this.stats.fail(text);
    this.#end();
  }

  /** A command completed; `failed` when it faulted. */
  completed(tag: number, nowNs: number, failed: boolean): void {
    const slot = Math.floor(tag / this.spec.commandsPerIo);
    if (failed) this.#slotFailed[slot] = 1;
    this.#pending[slot] = (this.#pending[slot] as number) - 1;
    if (this.#pending[slot] !== 0 || slot === this.#slot) return;
    if (this.#slotFailed[slot] === 0) this.#recordIo(slot, nowNs);
    this.#release(slot);
    this.#settle();
  }

  #recordIo(slot: number, nowNs: number): void {
    const submitNs = this.#submitNs[slot] as number;
    const job = this.spec.job;
    if (this.verifying) this.stats.verifiedIos += 1;
    if (nowNs < this.#startNs + job.rampNs) return;
    const direction = this.#slotWrite[slot] === 1 ? this.stats.write : this.stats.read;
    direction.record(submitNs, nowNs, this.#slotBytes[slot] as number);
    if (this.watch !== null && !this.verifying) {
      this.watch.ended(this.spec.index, this.#slotIo[slot] as number, this.#slotWrite[slot] === 1, nowNs - submitNs);
    }
    const search = this.#search;
    if (search === null) return;
    search.record(nowNs, nowNs - submitNs);
    this.stats.foundDepth = search.found;
    this.stats.depthMet = search.met;
  }

  #release(slot: number): void {
    this.#freeSlots[this.#freeCount] = slot;
    this.#freeCount += 1;
    this.inFlight -= 1;
  }

  #depthNow(): number {
    return this.#search === null ? this.spec.depth : this.#search.depth;
  }

  /** Draws the next I/O from the workload and fixes its time; false when there is none left. */
  #draw(nowNs: number): boolean {
    if (this.#drawn) return true;
    do {
      if (!this.#workload.next()) {
        this.#cutByLimit();
        this.#drain();
        this.#settle();
        return false;
      }
    } while (this.verifying && !this.#workload.write);
    this.#drawn = true;
    this.#readyNs = Math.ceil(this.#pace.next(this.#workload.write, this.#workload.bytes, nowNs, this.#readyNs));
    return true;
  }

  #cutByLimit(): void {
    if (this.spec.scaled && this.#workload.issued >= this.spec.limits.iosMax) this.stats.cut = true;
  }

  #beginIo(nowNs: number): void {
    this.#drawn = false;
    this.#freeCount -= 1;
    const slot = this.#freeSlots[this.#freeCount] as number;
    this.#slot = slot;
    this.#command = 0;
    this.inFlight += 1;
    this.#pending[slot] = 0;
    this.#slotFailed[slot] = 0;
    // With a fixed submission rate the clock runs from the intended time (io_submit_mode=offload).
    const offload = this.spec.job.submitMode === "offload";
    this.#submitNs[slot] = offload && this.#readyNs > 0 ? Math.min(nowNs, this.#readyNs) : nowNs;
    this.#slotBytes[slot] = this.#workload.bytes;
    this.#slotIo[slot] = this.#workload.io;
    const write = this.#workload.write && !this.verifying;
    this.#slotWrite[slot] = write ? 1 : 0;
    this.#written ||= write;
    this.version = write ? writeVersion(this.#arena, this.spec, this.#workload.pass) : 0;
    this.expected = this.verifying ? writtenVersion(this.spec, this.#workload.pass) : 0;
  }

  #drain(): void {
    if (this.#state === RUNNING) this.#state = DRAINING;
  }

  /** What was written is still to be read back. */
  #verifiesNext(): boolean {
    const job = this.spec.job;
    return job.verifyPass && writes(job) && this.#written && !this.verifying;
  }

  /** Draining ends with the last completion: then the verify pass starts, or the clone is done. */
  #settle(): void {
    if (this.#state !== DRAINING || this.inFlight > 0) return;
    const job = this.spec.job;
    if (!this.#ended && this.#verifiesNext()) {
      const stream = job.randrepeat ? this.spec.number : this.spec.index + 1000;
      // An I/O that was drawn when the time ended has not been written.
      const iosMax = this.#workload.issued - (this.#drawn ? 1 : 0);
      const limits = { ...this.spec.limits, iosMax, endless: true };
      this.#workload = new Workload(job, limits, this.spec.seed, stream);
      this.verifying = true;
      this.#drawn = false;
      this.#endNs = Number.POSITIVE_INFINITY;
      this.#state = RUNNING;
      return;
    }
    this.#state = DONE;
  }
}
