/**
 * A free-running DMA engine: takes descriptors from its queue pairs, translates, moves bytes, completes.
 *
 * One engine is served by one worker; its queue pairs are served in turn.
 */
import type { DeviceAccess } from "../../device/access.ts";
import { recordFault } from "../../device/fault.ts";
import { type FaultPoint, type RunSink, transfer } from "../../device/step.ts";
import { mediaRead, mediaWrite } from "../../memory/media.ts";
import { MediaRuns } from "../../memory/media_runs.ts";
import { UNIT_BYTES, VERSION_FOLLOW } from "../../memory/pattern.ts";
import type { Arena } from "../../shm/arena.ts";
import { QPAIR_DEPTH } from "../../shm/capacities.ts";
import { DESC_OP, DMA_STATUS } from "../../shm/dma_status.ts";
import { ringBell } from "../../shm/doorbell.ts";
import { COMPLETION, DESC, QPAIR, REGIONS, WORKER } from "../../shm/layout.ts";
import { ringPeek, ringPublish, ringRelease, ringReserve } from "../../shm/ring.ts";
import { MediumTransfer } from "../medium_transfer.ts";
import type { CheckedTransfer } from "../mismatch.ts";
import type { Payload } from "../payload.ts";
import { RunList } from "../run_list.ts";
import { EngineFaults, type FaultSource } from "./engine_faults.ts";

/** Bits of DESC.flags. */
export const DESC_FLAG = Object.freeze({
  /** Produce and check the verification pattern. */
  pattern: 1,
  /** The device has no block medium: content does not depend on stamps. */
  stream: 2,
  /** Test hook: the write is reported complete and never reaches the medium. */
  lost: 4,
});

/** Commands served before the other queue pairs get their turn; its effect beside 32 is within the noise of the computer. */
const BATCH = 128;
// Region words as module constants: reading them through REGIONS costs microseconds in hot loops.
const QPAIRS_WORD = REGIONS.qpairs.word;
const QPAIR_STRIDE = REGIONS.qpairs.stride;
const DESCS_WORD = REGIONS.descriptors.word;
const DESCS_STRIDE = QPAIR_DEPTH * DESC.WORDS;
const COMPS_WORD = REGIONS.completions.word;
const COMPS_STRIDE = QPAIR_DEPTH * COMPLETION.WORDS;
const MEDIA_RUNS_MAX = 8192;

/** A queue pair as its engine sees it. */
export interface QueuePair {
  readonly index: number;
  /** WORKER record of the thread that reaps its completions. */
  readonly submitterWord: number;
}

/** One engine on the thread that owns it; {@link poll} never blocks. */
export class WallEngine implements RunSink {
  readonly index: number;
  readonly #arena: Arena;
  readonly #device: number;
  readonly #access: DeviceAccess;
  readonly #owner: number;
  readonly #worker: number;
  readonly #medium: MediumTransfer;
  readonly #payload: Payload;
  readonly #runs = new MediaRuns(MEDIA_RUNS_MAX);
  readonly #source = new RunList();
  readonly #fault: FaultPoint = { dmaAddr: 0, streamOff: 0 };
  readonly #what: CheckedTransfer = { job: 0, engine: 0, io: 0, unit: 0, version: 0 };
  readonly #qpairs: Int32Array;
  /** WORKER record of the submitter of each queue pair. */
  readonly #submitters: Int32Array;
  /** Null: nothing goes wrong. */
  readonly #faults: EngineFaults | null;
  /** The descriptor being executed. */
  #op = 0;
  #keyLo = 0;
  #keyHi = 0;
  #pattern = false;

  constructor(
    arena: Arena,
    index: number,
    device: number,
    access: DeviceAccess,
    owner: number,
    qpairs: readonly QueuePair[],
    payload: Payload,
    faults: FaultSource | null,
  ) {
    this.#faults = faults === null ? null : new EngineFaults(arena, owner, index, this, faults);
    this.index = index;
    this.#arena = arena;
    this.#device = device;
    this.#access = access;
    this.#owner = owner;
    this.#worker = REGIONS.workers.word + owner * REGIONS.workers.stride;
    this.#qpairs = Int32Array.from(qpairs, (pair) => pair.index);
    this.#submitters = Int32Array.from(qpairs, (pair) => pair.submitterWord);
    this.#payload = payload;
    this.#medium = new MediumTransfer(arena, index, this.#worker, payload);
    this.#what.engine = index;
  }

  get lookups(): number {
    return this.#access.lookups;
  }

  get misses(): number {
    return this.#access.misses;
  }

  /** Commands struck, by the profile's faults. */
  get struck(): readonly number[] {
    return [...(this.#faults?.struck ?? [])];
  }

  /** Serves up to a batch from every queue pair; number of descriptors executed. */
  poll(): number {
    let served = 0;
    for (let i = 0; i < this.#qpairs.length; i += 1) {
      const done = this.#serve(this.#qpairs[i] as number);
      if (done > 0) ringBell(this.#arena.i32, this.#submitters[i] as number);
      served += done;
    }
    return served;
  }

  #serve(qpair: number): number {
    const arena = this.#arena;
    const base = QPAIRS_WORD + qpair * QPAIR_STRIDE;
    const sq = base + QPAIR.sq;
    const cq = base + QPAIR.cq;
    const descs = DESCS_WORD + qpair * DESCS_STRIDE;
    const comps = COMPS_WORD + qpair * COMPS_STRIDE;
    let served = 0;
    while (served < BATCH) {
      const desc = ringPeek(arena.i32, sq, descs, DESC.WORDS, QPAIR_DEPTH, served);
      if (desc < 0) break;
      const comp = ringReserve(arena.i32, cq, comps, COMPLETION.WORDS, QPAIR_DEPTH, served);
      if (comp < 0) break;
      this.#execute(desc, comp);
      served += 1;
    }
    if (served === 0) return 0;
    ringRelease(arena.i32, sq, served);
    ringPublish(arena.i32, cq, served);
    return served;
  }

  #execute(desc: number, comp: number): void {
    const words = this.#arena.i32;
    const tag = words[desc + DESC.tag] as number;
    words[this.#worker + WORKER.engine] = this.index + 1;
    words[this.#worker + WORKER.tag] = tag;
    this.#op = words[desc + DESC.op] as number;
    this.#keyLo = words[desc + DESC.keyLo] as number;
    this.#keyHi = words[desc + DESC.keyHi] as number;
    this.#pattern = ((words[desc + DESC.flags] as number) & DESC_FLAG.pattern) !== 0;
    const what = this.#what;
    what.unit = this.#arena.f64[(desc + DESC.unit) >>> 1] as number;
    what.io = this.#arena.f64[(desc + DESC.io) >>> 1] as number;
    what.version = this.#arena.u32[desc + DESC.version] as number;
    what.job = words[desc + DESC.job] as number;
    const status = this.#run(desc);
    words[comp + COMPLETION.tag] = tag;
    words[comp + COMPLETION.status] = status;
    words[comp + COMPLETION.bytes] = words[desc + DESC.bytes] as number;
    this.#arena.u32[comp + COMPLETION.version] = what.version;
    this.#arena.f64[(comp + COMPLETION.faultAddr) >>> 1] = this.#fault.dmaAddr;
    words[this.#worker + WORKER.engine] = 0;
  }

  #run(desc: number): number {
    const words = this.#arena.i32;
    const bytes = this.#arena.u32[desc + DESC.bytes] as number;
    const sg = words[desc + DESC.sg] as number;
    const nents = words[desc + DESC.nents] as number;
    if (this.#op === DESC_OP.copy) return this.#copy(desc, sg, nents, bytes);
    const stamped = this.#pattern && ((words[desc + DESC.flags] as number) & DESC_FLAG.stream) === 0;
    const write = this.#op === DESC_OP.write;
    if (stamped && write) this.#readStamps(bytes);
    else this.#runs.clear();
    const sink = this.#faults === null ? this : this.#faults.begin(write, bytes);
    const moved = transfer(this.#arena, this.#access, sg, nents, bytes, write, sink, this.#fault);
    const status = this.#faults === null ? moved : this.#faults.end(moved);
    if (status !== DMA_STATUS.ok) return this.#faulted(status, write);
    const isLost = ((words[desc + DESC.flags] as number) & DESC_FLAG.lost) !== 0;
    if (stamped && !write && !isLost) {
      mediaWrite(
        this.#arena,
        this.#owner,
        this.#device,
        this.#what.unit,
        Math.ceil(bytes / UNIT_BYTES),
        this.#what.version,
      );
    } else if (stamped && write && this.#runs.length > 1) this.#what.version = VERSION_FOLLOW;
    return status;
  }

  #readStamps(bytes: number): void {
    mediaRead(this.#arena, this.#owner, this.#device, this.#what.unit, Math.ceil(bytes / UNIT_BYTES), this.#runs);
    this.#what.version = this.#runs.version[0] as number;
  }

  /** RunSink: a resolved run of the current transfer. */
  run(phys: number, bytes: number, streamOff: number, dmaAddr: number): void {
    if (this.#op === DESC_OP.copy) {
      this.#copyRun(phys, bytes);
    } else if (this.#op === DESC_OP.read) {
      this.#medium.fromMemory(this.#what, phys, bytes, this.#keyLo, this.#keyHi, streamOff, dmaAddr, this.#pattern);
    } else if (!this.#pattern || this.#runs.length <= 1) {
      this.#medium.toMemory(this.#what, phys, bytes, this.#keyLo, this.#keyHi, streamOff, this.#pattern);
    } else {
      this.#toMemoryByStamp(phys, bytes, streamOff);
    }
  }

  walked(_levels: number): void {}

  /** Cuts a run where the medium's version changes. */
  #toMemoryByStamp(phys: number, bytes: number, streamOff: number): void {
    const runs = this.#runs;
    for (let done = 0; done < bytes; ) {
      const at = streamOff + done;
      const piece = Math.min(bytes - done, runs.seek(at));
      this.#what.version = runs.version[runs.current] as number;
      this.#medium.toMemory(this.#what, phys + done, piece, this.#keyLo, this.#keyHi, at, true);
      done += piece;
    }
  }

  #copy(desc: number, sg: number, nents: number, bytes: number): number {
    const words = this.#arena.i32;
    this.#source.clear();
    const read = transfer(this.#arena, this.#access, sg, nents, bytes, false, this.#source, this.#fault);
    if (read !== DMA_STATUS.ok) return this.#faulted(read, false);
    const dst = words[desc + DESC.dstSg] as number;
    const dstNents = words[desc + DESC.dstNents] as number;
    const status = transfer(this.#arena, this.#access, dst, dstNents, bytes, true, this, this.#fault);
    return status === DMA_STATUS.ok ? status : this.#faulted(status, true);
  }

  /** Copies the next bytes of the source runs to a destination run. */
  #copyRun(phys: number, bytes: number): void {
    const source = this.#source;
    for (let done = 0; done < bytes; ) {
      const piece = source.take(bytes - done);
      if (piece === 0) return;
      this.#payload.copy(this.#what, phys + done, source.piecePhys, piece);
      done += piece;
    }
  }

  #faulted(status: number, write: boolean): number {
    const tag = this.#arena.i32[this.#worker + WORKER.tag] as number;
    recordFault(this.#arena, status, this.#device, write, this.#fault.dmaAddr, tag, this.#what.io);
    return status;
  }
}
