/**
 * A host thread under the virtual clock: executes copy commands of resolved runs in the order in which the loop
 * dispatched them. It translates nothing and decides nothing.
 */
import { STOP } from "../../host/coordinator.ts";
import { Arena } from "../../shm/arena.ts";
import { load } from "../../shm/atomics.ts";
import { COPY_RING_DEPTH } from "../../shm/capacities.ts";
import { COPY_OP } from "../../shm/dma_status.ts";
import { parkBegin, parkCancel, parkSleep } from "../../shm/doorbell.ts";
import { COPY_CMD, HEADER, REGIONS, WORKER } from "../../shm/layout.ts";
import { ringPeek, ringRelease } from "../../shm/ring.ts";
import { MediumTransfer } from "../medium_transfer.ts";
import type { CheckedTransfer } from "../mismatch.ts";
import { DirectPayload } from "../payload.ts";
import { WorkerState } from "../worker_state.ts";
import type { CopyTask } from "./task.ts";

const STOP_WORD = REGIONS.header.word + HEADER.stop;
const PARK_MS = 50;
const BATCH = 64;
const SPINS_BEFORE_PARK = 200;

/** Runs until the coordinator stops it; blocks its thread. */
export function runCopyWorker(task: CopyTask): void {
  new CopyWorker(task).run();
}

class CopyWorker {
  readonly #arena: Arena;
  readonly #state: WorkerState;
  readonly #payload: DirectPayload;
  readonly #media = new Map<number, MediumTransfer>();
  readonly #ring: number;
  readonly #slots: number;
  readonly #what: CheckedTransfer = { job: 0, engine: 0, io: 0, unit: 0, version: 0 };

  constructor(task: CopyTask) {
    this.#arena = Arena.attach(task.arena);
    this.#state = new WorkerState(this.#arena, task.worker);
    this.#payload = new DirectPayload(this.#arena, this.#state.word);
    this.#ring = REGIONS.copyRings.word + task.worker * REGIONS.copyRings.stride;
    this.#slots = REGIONS.copyCommands.word + task.worker * COPY_RING_DEPTH * COPY_CMD.WORDS;
  }

  run(): void {
    let idle = 0;
    for (;;) {
      this.#state.beat();
      const served = this.#serve();
      const stop = load(this.#arena.i32, STOP_WORD);
      if (stop === STOP.leave || (stop === STOP.drain && served === 0)) break;
      idle = served > 0 ? 0 : idle + 1;
      if (idle > SPINS_BEFORE_PARK) this.#park();
    }
    this.#state.left();
  }

  #serve(): number {
    let served = 0;
    while (served < BATCH) {
      const slot = ringPeek(this.#arena.i32, this.#ring, this.#slots, COPY_CMD.WORDS, COPY_RING_DEPTH);
      if (slot < 0) break;
      this.#execute(slot);
      ringRelease(this.#arena.i32, this.#ring);
      served += 1;
    }
    return served;
  }

  #park(): void {
    const bells = parkBegin(this.#arena.i32, this.#state.word);
    const slot = ringPeek(this.#arena.i32, this.#ring, this.#slots, COPY_CMD.WORDS, COPY_RING_DEPTH);
    if (slot >= 0) parkCancel(this.#arena.i32, this.#state.word);
    else parkSleep(this.#arena.i32, this.#state.word, bells, PARK_MS);
  }

  #execute(slot: number): void {
    const { i32, u32, f64 } = this.#arena;
    const what = this.#what;
    const engine = i32[slot + COPY_CMD.engine] as number;
    i32[this.#state.word + WORKER.engine] = engine + 1;
    i32[this.#state.word + WORKER.tag] = i32[slot + COPY_CMD.tag] as number;
    what.engine = engine;
    what.job = i32[slot + COPY_CMD.job] as number;
    what.io = f64[(slot + COPY_CMD.io) >>> 1] as number;
    what.unit = f64[(slot + COPY_CMD.unit) >>> 1] as number;
    what.version = u32[slot + COPY_CMD.version] as number;
    this.#apply(slot, i32[slot + COPY_CMD.op] as number, engine);
    i32[this.#state.word + WORKER.engine] = 0;
  }

  #apply(slot: number, op: number, engine: number): void {
    const { i32, f64 } = this.#arena;
    const what = this.#what;
    const src = f64[(slot + COPY_CMD.src) >>> 1] as number;
    const dst = f64[(slot + COPY_CMD.dst) >>> 1] as number;
    const bytes = f64[(slot + COPY_CMD.bytes) >>> 1] as number;
    const streamOff = f64[(slot + COPY_CMD.streamOff) >>> 1] as number;
    const dmaAddr = f64[(slot + COPY_CMD.dmaAddr) >>> 1] as number;
    const keyLo = i32[slot + COPY_CMD.keyLo] as number;
    const keyHi = i32[slot + COPY_CMD.keyHi] as number;
    const payload = this.#payload;
    if (op === COPY_OP.copy) payload.copy(what, dst, src, bytes);
    else if (op === COPY_OP.fill) payload.fill(what, dst, keyLo, bytes);
    else if (op === COPY_OP.patternFill) payload.patternFill(what, dst, bytes, keyLo, keyHi, streamOff);
    else if (op === COPY_OP.patternCheck) payload.patternCheck(what, src, bytes, keyLo, keyHi, streamOff, dmaAddr);
    else if (op === COPY_OP.checkFill) payload.guardCheck(what, src, keyLo, bytes, dmaAddr);
    else if (op === COPY_OP.compare) payload.compare(what, src, dst, bytes);
    else if (op === COPY_OP.flip) payload.flip(what, dst);
    else if (op === COPY_OP.toMemory || op === COPY_OP.toMemoryRaw) {
      this.#medium(engine).toMemory(what, dst, bytes, keyLo, keyHi, streamOff, op === COPY_OP.toMemory);
    } else {
      const pattern = op === COPY_OP.fromMemory;
      this.#medium(engine).fromMemory(what, src, bytes, keyLo, keyHi, streamOff, dmaAddr, pattern);
    }
  }

  #medium(engine: number): MediumTransfer {
    const known = this.#media.get(engine);
    if (known !== undefined) return known;
    const made = new MediumTransfer(this.#arena, engine, this.#state.word, this.#payload);
    this.#media.set(engine, made);
    return made;
  }
}
