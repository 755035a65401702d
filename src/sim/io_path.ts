/**
 * The driver's half of one clone's I/O, the same under both clocks:
 *
 * ```
 * prepare:  fill or poison the buffer · pin · build the sg list · dma_map_sg        → descriptor
 * finish:   dma_unmap_sg (or sync) · check the data · unpin                          ← completion
 * ```
 * Commands are numbered by tag; every tag owns a scatterlist and a buffer, allocated at open.
 */
import { assert } from "../base/assert.ts";
import type { HostContext } from "../host/context.ts";
import { DIR, type DmaDevice } from "../host/dma/device.ts";
import { sgMarkEnd, sgSetPhys, sgUnmarkEnd } from "../host/dma/scatterlist.ts";
import { allocSg, freeSg } from "../host/dma/sg_table.ts";
import { MAP_FAILURES, MAP_OK } from "../host/status.ts";
import { sgNext } from "../shm/sg_entry.ts";
import { BufferPayload } from "./buffer_payload.ts";
import { cloneKey } from "./clone_key.ts";
import type { CommandCopies, CopyLists } from "./copy_io.ts";
import { copyCommands } from "./copy_test_io.ts";
import { DriverDma } from "./driver_dma.ts";
import { ListMapping, physAt } from "./list_mapping.ts";
import { BufferRing } from "./load/buffer_ring.ts";
import { type BufferPlan, entryCount, entryPhys, firstEntryBytes, isPageless } from "./load/buffers.ts";
import { type CloneSpec, QUEUE_BYTES } from "./load/clones.ts";
import { VERSION_ANY } from "./load/versions.ts";
import { LostWrites } from "./lost_writes.ts";
import type { CheckedTransfer } from "./mismatch.ts";
import type { Payload } from "./payload.ts";
import type { RunDebug } from "./run_debug.ts";
import { StagedCopy } from "./staged_copy.ts";
import type { System } from "./system.ts";
import { type IoHook, NO_IO_HOOK } from "./test_hook.ts";

/** Driver state of one clone. Arrays are indexed by tag and allocated at open, so that a command allocates nothing. */
export class CloneIo {
  readonly spec: CloneSpec;
  readonly device: DmaDevice;
  readonly keyLo: number;
  readonly keyHi: number;
  readonly tags: number;
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
  readonly #lists: ListMapping;
  readonly #lost: LostWrites;
  readonly #copy: CommandCopies | null;
  readonly #staged: StagedCopy | null;
  readonly #copyLists: CopyLists[] = [];
  readonly #key: readonly [number, number];
  /** Test hook: what one I/O does wrong; none when it has happened. */
  #hook: IoHook;
  /** Memory that the next commands take. */
  #plan: BufferPlan | null;
  /** Null: the command of a tag lies in the buffer of that number. */
  readonly ring: BufferRing | null;
  /** Entry of every tag's list that carries the end mark; 0 = the list is as allocated. */
  readonly #lastEntry: Int32Array;
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
    const key = cloneKey(spec);
    this.keyLo = key.lo;
    this.keyHi = key.hi;
    this.#key = [key.lo, key.hi];
    this.tags = spec.depth * spec.commandsPerIo;
    this.sg = new Int32Array(this.tags);
    this.dst = new Int32Array(this.tags);
    this.#lastEntry = new Int32Array(this.tags);
    this.origNents = new Int32Array(this.tags);
    this.nents = new Int32Array(this.tags);
    this.dstNents = new Int32Array(this.tags);
    this.bytes = new Int32Array(this.tags);
    this.write = new Uint8Array(this.tags);
    this.unit = new Float64Array(this.tags);
    this.version = new Float64Array(this.tags);
    this.expected = new Float64Array(this.tags);
    this.io = new Float64Array(this.tags);
    this.persistent = spec.job.map === "persistent";
    this.what = { job: spec.jobIndex, engine: spec.engine, io: 0, unit: 0, version: 0 };
    this.#dma = new DriverDma(ctx, this.device, debug, this.what);
    this.#lists = new ListMapping(ctx, this.#dma, system.memmap, spec.job.map === "raw");
    this.#lost = new LostWrites(ctx.arena, ctx.lockOwner, spec.device, spec.commandBytesMax);
    this.#staged = spec.peerBase === null ? null : new StagedCopy(ctx, spec.peerBase - (spec.buffers?.base ?? 0));
    this.#buffers =
      payload === null || spec.buffers === null
        ? null
        : new BufferPayload(ctx.arena, payload, spec.buffers, key.lo, key.hi, this.#staged?.delta);
    this.#plan = spec.buffers;
    this.ring = spec.buffers?.places === undefined ? null : new BufferRing(spec.buffers.places, this.tags);
    this.#copy =
      spec.copy === null ? null : copyCommands(ctx, this.#dma, system.memmap, spec, spec.copy, this.#lists, payload);
  }

  /** Allocates the lists and maps what is mapped once; MAP_OK or a failure code. */
  open(): number {
    if (this.spec.dax !== null) return MAP_OK;
    if (this.spec.queuesPhys > 0) {
      this.queueAddr = this.#dma.mapPhys(this.spec.queuesPhys, QUEUE_BYTES, DIR.bidirectional);
      if (this.queueAddr < 0) return -this.queueAddr;
    }
    const entries = this.spec.buffers?.entriesMax ?? 1;
    for (let tag = 0; tag < this.tags; tag += 1) {
      this.sg[tag] = allocSg(this.#ctx.arena, this.#ctx.lockOwner, entries);
      if (this.#copy !== null) this.dst[tag] = allocSg(this.#ctx.arena, this.#ctx.lockOwner, 1);
      if ((this.sg[tag] as number) < 0 || (this.dst[tag] as number) < 0) return MAP_FAILURES.noScatterlist.code;
      this.#copyLists.push({ source: this.sg[tag] as number, destination: this.dst[tag] as number });
    }
    if (this.#copy !== null) {
      this.nents.fill(1);
      this.dstNents.fill(1);
      return this.#copy.open(this.what, this.keyLo, this.keyHi);
    }
    const code = this.persistent ? this.#mapAll() : MAP_OK;
    this.#staged?.name();
    return code;
  }

  /** Later commands lie in hot-added RAM, or again where they lay; those in flight stay where they are. */
  useHotBuffers(on: boolean): void {
    if (this.spec.hotBuffers !== null) this.#plan = on ? this.spec.hotBuffers : this.spec.buffers;
  }

  /** Undoes {@link open}; every command must be finished. */
  close(): void {
    if (this.spec.dax !== null) return;
    if (this.queueAddr > 0) this.#dma.unmapPhys(this.queueAddr, QUEUE_BYTES, DIR.bidirectional);
    this.queueAddr = 0;
    this.#copy?.close();
    for (let tag = 0; tag < this.#mappedTags; tag += 1) {
      this.#lists.unmap(this.sg[tag] as number, this.origNents[tag] as number, DIR.bidirectional);
    }
    this.#mappedTags = 0;
    for (let tag = 0; tag < this.tags; tag += 1) {
      if ((this.sg[tag] as number) > 0) freeSg(this.#ctx.arena, this.#ctx.lockOwner, this.sg[tag] as number);
      if ((this.dst[tag] as number) > 0) freeSg(this.#ctx.arena, this.#ctx.lockOwner, this.dst[tag] as number);
    }
  }

  /**
   * Readies a command: `bytes` bytes of I/O number `io`, whose pattern stream starts at `unit` (for a copy: the
   * offset in the areas). `write` is the job's direction; `expected` as {@link expected} says. MAP_OK, or the failure
   * code of the mapping (nothing is left mapped then).
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
      this.#dma.syncSgForDevice(sg, this.origNents[tag] as number, this.#dir(tag));
      return MAP_OK;
    }
    const nents = this.#lists.map(sg, this.origNents[tag] as number, this.#dir(tag));
    this.nents[tag] = nents;
    this.#staged?.name();
    return nents > 0 ? MAP_OK : -nents;
  }

  /** Ends a command; `version` is what the device delivered for a read, `ok` false skips the check. */
  finish(tag: number, version: number, ok: boolean): void {
    const what = this.#name(tag, version);
    const bytes = this.bytes[tag] as number;
    const flips = ok && this.#misbehaves(tag, "flip-byte");
    const wrongSize = this.#misbehaves(tag, "wrong-unmap-size");
    if (flips || wrongSize) this.#hook = NO_IO_HOOK;
    if (this.#copy !== null) {
      const lists = this.#copyLists[tag] as CopyLists;
      this.#copy.finish(what, lists, this.unit[tag] as number, bytes, ok, this.#key, flips, wrongSize);
      return;
    }
    const sg = this.sg[tag] as number;
    const origNents = this.origNents[tag] as number;
    if (this.persistent) this.#dma.syncSgForCpu(sg, origNents, this.#dir(tag));
    else this.#lists.unmap(sg, origNents, this.#dir(tag), wrongSize);
    if (flips) this.#payload?.flip(what, physAt(this.#ctx.arena, sg, bytes >> 1));
    if (ok && this.write[tag] === 0) this.#staged?.toPeer(sg, bytes);
    if (!ok || this.write[tag] === 1 || this.#buffers === null) return;
    this.#buffers.check(what, sg, bytes);
    this.#checkWritten(tag, this.#buffers, version);
  }

  /** Test hook: the device reports the command's write complete and does not put it on its medium. */
  losesWrite(tag: number): boolean {
    return this.write[tag] === 1 && this.#misbehaves(tag, "lose-write");
  }

  #misbehaves(tag: number, kind: IoHook["kind"]): boolean {
    return this.#hook.kind === kind && this.io[tag] === this.#hook.io;
  }

  /** A verify pass also asks that the medium took the write itself, not only that it is consistent. */
  #checkWritten(tag: number, buffers: BufferPayload, delivered: number): void {
    const expected = this.expected[tag] as number;
    if (expected === 0 || this.spec.isStream) return;
    const stale = this.#lost.firstStale(delivered, expected, this.unit[tag] as number, this.bytes[tag] as number);
    if (stale < 0) return;
    const isKnown = expected !== VERSION_ANY;
    this.what.version = isKnown ? expected : 0;
    buffers.lost(this.what, this.sg[tag] as number, stale, isKnown);
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

  /** Describes the command's buffer in its list. The end mark moves with the length of the command. */
  #build(tag: number, bytes: number): void {
    const { arena } = this.#ctx;
    const plan = this.#plan as BufferPlan;
    const place = this.ring === null ? tag : this.ring.take(tag);
    const count = entryCount(plan, bytes);
    const last = this.#lastEntry[tag] as number;
    if (last !== 0) sgUnmarkEnd(arena, last);
    let entry = this.sg[tag] as number;
    let left = bytes;
    for (let i = 0; i < count; i += 1) {
      const length = Math.min(left, i === 0 ? firstEntryBytes(plan) : plan.entryBytes);
      sgSetPhys(arena, entry, entryPhys(plan, place, i), length, !isPageless(plan, i));
      left -= length;
      if (i < count - 1) entry = sgNext(arena, entry);
    }
    assert(left === 0, "the entries cover the command");
    sgMarkEnd(arena, entry);
    this.#lastEntry[tag] = entry;
    this.origNents[tag] = count;
  }

  /** Bidirectional, because one mapping serves reads and writes. */
  #mapAll(): number {
    const plan = this.spec.buffers as BufferPlan;
    for (let tag = 0; tag < this.tags; tag += 1) {
      this.#build(tag, plan.commandBytes);
      const nents = this.#lists.map(this.sg[tag] as number, this.origNents[tag] as number, DIR.bidirectional);
      if (nents < 0) return -nents;
      this.nents[tag] = nents;
      this.#mappedTags = tag + 1;
    }
    return MAP_OK;
  }
}
