/**
 * The driver's half of one clone's I/O, the same under both clocks:
 *
 * ```
 * prepare:  fill or poison the buffer · pin · build the sg list · dma_map_sg        → descriptor
 * finish:   dma_unmap_sg (or sync) · check the data · unpin                          ← completion
 * ```
 * Commands are numbered by tag; every tag owns a scatterlist and a buffer, allocated at open.
 */
import type { HostContext } from "../host/context.ts";
import { DIR, type DmaDevice } from "../host/dma/device.ts";
import { allocSg, freeSg } from "../host/dma/sg_table.ts";
import { MAP_FAILURES, MAP_OK } from "../host/status.ts";
import { BufferPayload } from "./buffer_payload.ts";
import type { CommandCopies, CopyLists } from "./copy_io.ts";
import { copyCommands } from "./copy_test_io.ts";
import { DmaBufLists } from "./dma_buf_lists.ts";
import { DriverDma } from "./driver_dma.ts";
import { HeldMemory } from "./held_memory.ts";
import { describeBuffer } from "./list_build.ts";
import { ListMapping, physAt } from "./list_mapping.ts";
import { BufferRing } from "./load/buffer_ring.ts";
import { type BufferPlan, entryCount } from "./load/buffers.ts";
import { type CloneSpec, QUEUE_BYTES } from "./load/clones.ts";
import { LostWrites } from "./lost_writes.ts";
import type { CheckedTransfer } from "./mismatch.ts";
import type { Payload } from "./payload.ts";
import type { RunDebug } from "./run_debug.ts";
import { StagedCopy } from "./staged_copy.ts";
import { streamKey } from "./stream_key.ts";
import type { System } from "./system.ts";
import { type IoHook, misbehaves, NO_IO_HOOK } from "./test_hook.ts";
import { type WindowIo, windowIoOf } from "./window_io.ts";

/** Driver state of one clone. Arrays are indexed by tag and allocated at open, so that a command allocates nothing. */
export class CloneIo {
  readonly spec: CloneSpec;
  readonly device: DmaDevice;
  readonly keyLo: number;
  readonly keyHi: number;
  readonly tags: number;
  /** By tag: the list that the device takes; that of the data, unless windows show them elsewhere. */
  readonly deviceSg: Int32Array;
  /** By tag: handles of the lists (`dst` only for copies), entries, length, job direction, stream. */
  readonly sg: Int32Array;
  readonly dst: Int32Array;
  readonly origNents: Int32Array;
  readonly nents: Int32Array;
  readonly dstNents: Int32Array;
  readonly bytes: Int32Array;
  readonly write: Uint8Array;
  readonly unit: Float64Array;
  readonly version: Float64Array;
  /** Version that a read of a verify pass must deliver at least, 0 = not a verify read. */
  readonly expected: Float64Array;
  readonly io: Float64Array;
  readonly persistent: boolean;
  /** DMA address of the clone's queue memory; 0 = the device reaches it untranslated. */
  queueAddr = 0;
  /** Names the transfer in payload operations; rewritten before each. */
  readonly what: CheckedTransfer;
  readonly #ctx: HostContext;
  readonly #payload: Payload | null;
  readonly #buffers: BufferPayload | null;
  readonly #dma: DriverDma;
  readonly #lists: ListMapping | DmaBufLists;
  readonly #lost: LostWrites;
  readonly #windows: WindowIo | null;
  /** Where the buffers lie, and what is held of that beside I/Os. */
  readonly held: HeldMemory;
  readonly #copy: CommandCopies | null;
  readonly #staged: StagedCopy | null;
  readonly #copyLists: CopyLists[] = [];
  readonly #key: readonly [number, number];
  /** Test hook: what one I/O does wrong; none when it has happened. */
  #hook: IoHook;
  /** Null: the command of a tag lies in the buffer of that number. */
  readonly ring: BufferRing | null;
  /** By tag: entry of the list that carries the end mark, 0 = the list is as allocated; whether syncs of it do something. */
  readonly #lastEntry: Int32Array;
  readonly #syncs: Uint8Array;
  #mappedTags = 0;

  /** `payload` null: no bytes are produced or checked. `debug` null: DMA calls are not checked. `hook` is for clone 0 only. */
  constructor(
    system: System,
    ctx: HostContext,
    spec: CloneSpec,
    payload: Payload | null,
    debug: RunDebug | null,
    hook: IoHook,
  ) {
    this.#hook = spec.index === 0 ? hook : NO_IO_HOOK;
    this.spec = spec;
    this.#ctx = ctx;
    this.#payload = payload;
    this.device = system.devices[spec.device] as DmaDevice;
    const key = streamKey(spec);
    this.keyLo = key.lo;
    this.keyHi = key.hi;
    this.#key = [key.lo, key.hi];
    this.tags = spec.depth * spec.commandsPerIo;
    this.sg = new Int32Array(this.tags);
    this.deviceSg = spec.buffers?.roam == null ? this.sg : new Int32Array(this.tags);
    this.dst = new Int32Array(this.tags);
    this.#lastEntry = new Int32Array(this.tags);
    this.#syncs = new Uint8Array(this.tags);
    this.origNents = new Int32Array(this.tags);
    this.nents = new Int32Array(this.tags);
    this.dstNents = new Int32Array(this.tags);
    this.bytes = new Int32Array(this.tags);
    this.write = new Uint8Array(this.tags);
    this.unit = new Float64Array(this.tags);
    this.version = new Float64Array(this.tags);
    this.expected = new Float64Array(this.tags);
    this.io = new Float64Array(this.tags);
    this.persistent = spec.job.map === "persistent" || spec.job.map === "dma-buf";
    this.what = { job: spec.jobIndex, engine: spec.engine, io: 0, unit: 0, version: 0 };
    this.#dma = new DriverDma(ctx, this.device, debug, this.what);
    const lists = new ListMapping(ctx, this.#dma, system.memmap, spec.job.map === "raw");
    this.#lists = spec.job.map === "dma-buf" ? new DmaBufLists(system, ctx, this.device) : lists;
    this.#windows = windowIoOf(system, ctx, this.#dma, spec, this.tags);
    this.held = new HeldMemory(system, ctx, spec, this.tags);
    this.#lost = new LostWrites(ctx.arena, ctx.lockOwner, spec.device, spec.commandBytesMax);
    this.#staged = spec.peerBase === null ? null : new StagedCopy(ctx, spec.peerBase - (spec.buffers?.base ?? 0));
    const delta = this.#staged?.delta;
    const { buffers } = spec;
    this.#buffers = buffers && payload && new BufferPayload(ctx.arena, payload, buffers, key.lo, key.hi, delta);
    this.ring = spec.buffers?.places === undefined ? null : new BufferRing(spec.buffers.places, this.tags);
    this.#copy =
      spec.copy === null ? null : copyCommands(ctx, this.#dma, system.memmap, spec, spec.copy, lists, payload);
  }

  /** Allocates the lists and maps what is mapped once; MAP_OK or a failure code. */
  open(): number {
    if (this.spec.dax !== null) return MAP_OK;
    if (this.spec.queuesPhys > 0) {
      this.queueAddr = this.#dma.mapPhys(this.spec.queuesPhys, QUEUE_BYTES, DIR.bidirectional);
      if (this.queueAddr < 0) return -this.queueAddr;
    }
    const entries = this.spec.buffers?.entriesMax ?? 1;
    const { arena, lockOwner } = this.#ctx;
    for (let tag = 0; tag < this.tags; tag += 1) {
      this.sg[tag] = allocSg(arena, lockOwner, entries);
      if (this.#copy !== null) this.dst[tag] = allocSg(arena, lockOwner, 1);
      if (this.#windows !== null) this.deviceSg[tag] = this.#windows.alloc();
      const least = Math.min(this.sg[tag] as number, this.deviceSg[tag] as number, this.dst[tag] as number);
      if (least < 0) return MAP_FAILURES.noScatterlist.code;
      this.#copyLists.push({ source: this.sg[tag] as number, destination: this.dst[tag] as number });
    }
    if (this.#copy !== null) {
      this.nents.fill(1);
      this.dstNents.fill(1);
      return this.#copy.open(this.what, this.keyLo, this.keyHi);
    }
    const pinned = this.held.take();
    if (pinned !== MAP_OK) return pinned;
    const code = this.persistent ? this.#mapAll() : MAP_OK;
    this.#staged?.name();
    return code;
  }

  /** Undoes {@link open}; every command must be finished. */
  close(): void {
    if (this.spec.dax !== null) return;
    if (this.queueAddr > 0) this.#dma.unmapPhys(this.queueAddr, QUEUE_BYTES, DIR.bidirectional);
    this.queueAddr = 0;
    this.#copy?.close();
    for (let tag = 0; tag < this.#mappedTags; tag += 1) this.#unmap(tag, DIR.bidirectional);
    this.#mappedTags = 0;
    this.held.release();
    for (let tag = 0; tag < this.tags; tag += 1) {
      if ((this.sg[tag] as number) > 0) freeSg(this.#ctx.arena, this.#ctx.lockOwner, this.sg[tag] as number);
      this.#windows?.free(this.deviceSg[tag] as number);
      if ((this.dst[tag] as number) > 0) freeSg(this.#ctx.arena, this.#ctx.lockOwner, this.dst[tag] as number);
    }
  }

  /**
   * Readies a command: `bytes` bytes of I/O number `io`, whose pattern stream starts at `unit` (a copy's offset in the areas). `write`
   * is the job's direction. MAP_OK, or the failure code of the mapping (nothing is left mapped then).
   */
  prepare(
    tag: number,
    io: number,
    write: boolean,
    bytes: number,
    unit: number,
    version: number,
    expected: number,
  ): number {
    this.bytes[tag] = bytes;
    this.write[tag] = write ? 1 : 0;
    this.unit[tag] = unit;
    this.version[tag] = version;
    this.expected[tag] = expected;
    this.io[tag] = io;
    const what = this.#name(tag, version);
    if (this.#copy !== null) return this.#copy.prepare(what, this.#copyLists[tag] as CopyLists, unit, bytes);
    const sg = this.sg[tag] as number;
    if (!this.persistent) this.#build(tag, bytes);
    if (write) this.#buffers?.produce(what, sg, bytes);
    else this.#buffers?.poison(what, sg, bytes);
    if (write) this.#staged?.fromPeer(sg, bytes);
    if (this.persistent) {
      if (this.#syncs[tag] === 1) this.#dma.syncSgForDevice(sg, this.origNents[tag] as number, this.#dir(tag));
      return MAP_OK;
    }
    this.nents[tag] = 0;
    const code = this.remap(tag);
    this.#staged?.name();
    return code;
  }

  /** Ends a command; `version` is what the device delivered for a read, `ok` false skips the check. */
  finish(tag: number, version: number, ok: boolean): void {
    const what = this.#name(tag, version);
    const bytes = this.bytes[tag] as number;
    const flips = ok && misbehaves(this.#hook, "flip-byte", this.io[tag] as number);
    const wrongSize = misbehaves(this.#hook, "wrong-unmap-size", this.io[tag] as number);
    if (flips || wrongSize) this.#hook = NO_IO_HOOK;
    if (this.#copy !== null) {
      const lists = this.#copyLists[tag] as CopyLists;
      this.#copy.finish(what, lists, this.unit[tag] as number, bytes, ok, this.#key, flips, wrongSize);
      return;
    }
    const sg = this.sg[tag] as number;
    if (!this.persistent && (this.nents[tag] as number) > 0) this.#unmap(tag, this.#dir(tag), wrongSize);
    else if (this.#syncs[tag] === 1) this.#dma.syncSgForCpu(sg, this.origNents[tag] as number, this.#dir(tag));
    if (flips) this.#payload?.flip(what, physAt(this.#ctx.arena, sg, bytes >> 1));
    if (ok && this.write[tag] === 0) this.#staged?.toPeer(sg, bytes);
    if (!ok || this.write[tag] === 1 || this.#buffers === null) return;
    this.#buffers.check(what, sg, bytes);
    // A verify pass also asks that the medium took the write itself, not only that it is consistent.
    if (!this.spec.isStream) this.#lost.check(what, this.#buffers, sg, this.expected[tag] as number, version, bytes);
  }

  /** Maps the command, anew when a window of it was revoked. MAP_OK, or a failure code with nothing mapped. */
  remap(tag: number): number {
    const dir = this.persistent ? DIR.bidirectional : this.#dir(tag);
    if ((this.nents[tag] as number) > 0) this.#unmap(tag, dir);
    const nents = this.#map(tag, dir);
    this.nents[tag] = Math.max(0, nents);
    return nents > 0 ? MAP_OK : -nents;
  }

  /** Test hook: a write that is reported complete and does not reach the medium. */
  losesWrite(tag: number): boolean {
    return this.write[tag] === 1 && misbehaves(this.#hook, "lose-write", this.io[tag] as number);
  }

  #dir(tag: number): number {
    return this.write[tag] === 1 ? DIR.toDevice : DIR.fromDevice;
  }

  #name(tag: number, version: number): CheckedTransfer {
    const what = this.what;
    what.io = this.io[tag] as number;
    what.unit = this.unit[tag] as number;
    what.version = version;
    return what;
  }

  #map(tag: number, dir: number): number {
    const [sg, nents] = [this.sg[tag] as number, this.origNents[tag] as number];
    if (this.#windows === null) return this.#lists.map(sg, nents, dir);
    return this.#windows.map(tag, sg, this.deviceSg[tag] as number, nents, dir);
  }

  #unmap(tag: number, dir: number, wrongSize = false): void {
    const [sg, nents] = [this.sg[tag] as number, this.origNents[tag] as number];
    if (this.#windows === null) this.#lists.unmap(sg, nents, dir, wrongSize);
    else this.#windows.unmap(tag, sg, this.deviceSg[tag] as number, nents, dir);
  }

  /** Describes the command's buffer in its list. The end mark moves with the length of the command. */
  #build(tag: number, bytes: number): void {
    if (this.#windows !== null) {
      this.origNents[tag] = this.#windows.describe(tag, this.sg[tag] as number, bytes);
      return;
    }
    const plan = this.held.plan as BufferPlan;
    const place = this.ring === null ? tag : this.ring.take(tag);
    const last = this.#lastEntry[tag] as number;
    this.#lastEntry[tag] = describeBuffer(this.#ctx.arena, plan, place, this.sg[tag] as number, bytes, last);
    this.origNents[tag] = entryCount(plan, bytes);
  }

  /** Bidirectional, because one mapping serves reads and writes. */
  #mapAll(): number {
    for (let tag = 0; tag < this.tags; tag += 1) {
      this.#build(tag, (this.spec.buffers as BufferPlan).commandBytes);
      const code = this.remap(tag);
      if (code !== MAP_OK) return code;
      this.#mappedTags = tag + 1;
      this.#syncs[tag] = this.#dma.needsSync(this.sg[tag] as number, this.origNents[tag] as number) ? 1 : 0;
    }
    return MAP_OK;
  }
}
