/**
 * The driver's half of one clone's I/O, the same under both clocks:
 *
 * ```
 * prepare:  fill or poison the buffer · pin · build the sg list · dma_map_sg        → descriptor
 * finish:   dma_unmap_sg (or sync) · check the data · unpin                          ← completion
 * ```
 * Commands are numbered by tag; every tag owns a scatterlist and a buffer, allocated at open.
 */
import { lowBits, type Phys } from "../base/addr.ts";
import { assert } from "../base/assert.ts";
import type { HostContext } from "../host/context.ts";
import { DIR, type DmaDevice } from "../host/dma/device.ts";
import { mapPhys, mapSg, syncSgForCpu, syncSgForDevice, unmapPhys, unmapSg } from "../host/dma/map.ts";
import { sgUnmarkEnd, sgMarkEnd, sgSetPhys } from "../host/dma/scatterlist.ts";
import { allocSg, freeSg } from "../host/dma/sg_table.ts";
import { MAP_FAILURES, MAP_OK } from "../host/status.ts";
import type { Memmap } from "../memory/memmap.ts";
import { GUARD, POISON, patternKey, VERSION_FOLLOW } from "../memory/pattern.ts";
import type { Arena } from "../shm/arena.ts";
import { SG } from "../shm/layout.ts";
import { sgNext } from "../shm/sg_entry.ts";
import { type BufferPlan, entryCount, entryPhys, firstEntryBytes, isPageless } from "./load/buffers.ts";
import type { CloneSpec } from "./load/clones.ts";
import type { CheckedTransfer } from "./mismatch.ts";
import type { Payload } from "./payload.ts";
import type { System } from "./system.ts";

const GUARD_BYTES = 64;

/** One command in flight, as the I/O path keeps it; typed arrays by tag. */
export class CloneIo {
  readonly spec: CloneSpec;
  readonly device: DmaDevice;
  readonly keyLo: number;
  readonly keyHi: number;
  readonly tags: number;
  /** Handles of the lists; `dst` only for copies. */
  readonly sg: Int32Array;
  readonly dst: Int32Array;
  readonly origNents: Int32Array;
  readonly nents: Int32Array;
  readonly dstNents: Int32Array;
  readonly bytes: Int32Array;
  readonly write: Uint8Array;
  readonly unit: Float64Array;
  readonly version: Float64Array;
  readonly io: Float64Array;
  readonly persistent: boolean;
  /** Names the transfer in payload operations; rewritten before each. */
  readonly what: CheckedTransfer;
  readonly #system: System;
  readonly #ctx: HostContext;
  readonly #memmap: Memmap;
  readonly #payload: Payload | null;
  /** Entry of every tag's list that carries the end mark; 0 = the list is as allocated. */
  readonly #lastEntry: Int32Array;
  #areaDma = 0;
  #areaDstDma = 0;

  /** `payload` null: no bytes are produced or checked. */
  constructor(system: System, ctx: HostContext, spec: CloneSpec, payload: Payload | null) {
    this.spec = spec;
    this.#system = system;
    this.#ctx = ctx;
    this.#memmap = system.memmap;
    this.#payload = payload;
    this.device = system.devices[spec.device] as DmaDevice;
    // Streams have no medium of their own: every clone has its own bytes.
    const key = patternKey(spec.seed, spec.isStream || spec.copy !== null ? 4096 + spec.index : spec.device);
    this.keyLo = key.lo;
    this.keyHi = key.hi;
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
    this.io = new Float64Array(this.tags);
    this.persistent = spec.job.map === "persistent";
    this.what = { job: spec.jobIndex, engine: spec.engine, io: 0, unit: 0, version: 0 };
  }

  get arena(): Arena {
    return this.#ctx.arena;
  }

  /** Allocates the lists and maps what is mapped once; MAP_OK or a failure code. */
  open(): number {
    if (this.spec.dax !== null) return MAP_OK;
    const entries = this.spec.buffers?.entriesMax ?? 1;
    for (let tag = 0; tag < this.tags; tag += 1) {
      this.sg[tag] = allocSg(this.arena, this.#ctx.lockOwner, entries);
      if ((this.sg[tag] as number) <= 0) return MAP_FAILURES.noScatterlist.code;
      if (this.spec.copy === null) continue;
      this.dst[tag] = allocSg(this.arena, this.#ctx.lockOwner, 1);
      if ((this.dst[tag] as number) <= 0) return MAP_FAILURES.noScatterlist.code;
    }
    if (this.spec.copy !== null) this.#fillSource();
    return this.persistent ? this.#mapOnce() : MAP_OK;
  }

  /** Undoes {@link open}; every command must be finished. */
  close(): void {
    if (this.spec.dax !== null) return;
    if (this.persistent) this.#unmapOnce();
    for (let tag = 0; tag < this.tags; tag += 1) {
      if ((this.sg[tag] as number) > 0) freeSg(this.arena, this.#ctx.lockOwner, this.sg[tag] as number);
      if ((this.dst[tag] as number) > 0) freeSg(this.arena, this.#ctx.lockOwner, this.dst[tag] as number);
    }
  }

  /**
   * Readies a command: `bytes` bytes of I/O number `io`, whose pattern stream starts at `unit`.
   * `write` is the job's direction. MAP_OK, or the failure code of the mapping (nothing is left mapped then).
   */
  prepare(tag: number, io: number, write: boolean, bytes: number, unit: number, version: number): number {
    this.bytes[tag] = bytes;
    this.write[tag] = write ? 1 : 0;
    this.unit[tag] = unit;
    this.version[tag] = version;
    this.io[tag] = io;
    if (this.spec.copy !== null) return this.#prepareCopy(tag, unit, bytes);
    const plan = this.spec.buffers as BufferPlan;
    if (!this.persistent) this.#build(plan, tag, bytes);
    if (this.#payload !== null) this.#readyBuffer(plan, tag);
    if (this.persistent) {
      syncSgForDevice(this.#ctx, this.device, this.sg[tag] as number, this.origNents[tag] as number, this.#dir(tag));
      return MAP_OK;
    }
    return this.#map(tag, this.#dir(tag));
  }

  /** Ends a command; `version` is what the device delivered for a read, `ok` false skips the check. */
  finish(tag: number, version: number, ok: boolean): void {
    if (this.spec.copy !== null) {
      this.#finishCopy(tag, ok);
      return;
    }
    const sg = this.sg[tag] as number;
    const origNents = this.origNents[tag] as number;
    if (this.persistent) syncSgForCpu(this.#ctx, this.device, sg, origNents, this.#dir(tag));
    else this.#unmap(tag, this.#dir(tag));
    if (this.#payload === null || !ok) return;
    const plan = this.spec.buffers as BufferPlan;
    if (this.write[tag] === 0) this.#checkBuffer(plan, tag, version);
  }

  /** Test hook: inverts a byte in the middle of the command's buffer; returns its physical address. */
  flip(tag: number): Phys {
    const offset = (this.bytes[tag] as number) >> 1;
    const phys = this.spec.copy !== null ? this.spec.copy.destination : this.#physAt(tag, offset);
    this.#payload?.flip(this.#name(tag, 0), phys);
    return phys;
  }

  #physAt(tag: number, offset: number): Phys {
    let left = offset;
    let entry = this.sg[tag] as number;
    while (left >= (this.arena.u32[entry + SG.length] as number)) {
      left -= this.arena.u32[entry + SG.length] as number;
      entry = sgNext(this.arena, entry);
    }
    return this.#entryAddr(entry) + left;
  }

  #entryAddr(entry: number): Phys {
    return (this.arena.f64[(entry + SG.pfn) >>> 1] as number) * 4096 + (this.arena.u32[entry + SG.offset] as number);
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

  /** Describes the buffer of the command in its list. */
  #build(plan: BufferPlan, tag: number, bytes: number): void {
    const arena = this.arena;
    const count = entryCount(plan, bytes);
    const last = this.#lastEntry[tag] as number;
    let entry = this.sg[tag] as number;
    // The end mark moves with the length of the command.
    if (last !== 0) sgUnmarkEnd(arena, last);
    let left = bytes;
    for (let i = 0; i < count; i += 1) {
      const length = Math.min(left, i === 0 ? firstEntryBytes(plan) : plan.entryBytes);
      sgSetPhys(arena, entry, entryPhys(plan, tag, i), length, !isPageless(plan, i));
      left -= length;
      if (i < count - 1) entry = sgNext(arena, entry);
    }
    assert(left === 0, "the entries cover the command");
    sgMarkEnd(arena, entry);
    this.#lastEntry[tag] = entry;
    this.origNents[tag] = count;
  }

  #map(tag: number, dir: number): number {
    const sg = this.sg[tag] as number;
    const origNents = this.origNents[tag] as number;
    if (!this.#pin(sg, origNents)) return MAP_FAILURES.noBacking.code;
    const nents = mapSg(this.#ctx, this.device, sg, origNents, dir, 0);
    if (nents < 0) {
      this.#unpin(sg, origNents);
      return -nents;
    }
    this.nents[tag] = nents;
    return MAP_OK;
  }

  #unmap(tag: number, dir: number): void {
    const sg = this.sg[tag] as number;
    const origNents = this.origNents[tag] as number;
    unmapSg(this.#ctx, this.device, sg, origNents, dir, 0);
    this.#unpin(sg, origNents);
  }

  #pin(sg: number, nents: number): boolean {
    let entry = sg;
    for (let i = 0; i < nents; i += 1) {
      const length = this.arena.u32[entry + SG.length] as number;
      if (!this.#memmap.pinPages(this.arena, this.#entryAddr(entry), length, this.#ctx.lockOwner)) {
        this.#unpin(sg, i);
        return false;
      }
      entry = sgNext(this.arena, entry);
    }
    return true;
  }

  #unpin(sg: number, nents: number): void {
    let entry = sg;
    for (let i = 0; i < nents; i += 1) {
      this.#memmap.unpinPages(this.arena, this.#entryAddr(entry), this.arena.u32[entry + SG.length] as number);
      entry = sgNext(this.arena, entry);
    }
  }

  /** A write's buffer gets the data, a read's buffer is poisoned and guarded. */
  #readyBuffer(plan: BufferPlan, tag: number): void {
    const payload = this.#payload as Payload;
    const write = this.write[tag] === 1;
    const what = this.#name(tag, this.version[tag] as number);
    let streamOff = 0;
    let left = this.bytes[tag] as number;
    let entry = this.sg[tag] as number;
    while (left > 0) {
      const length = Math.min(left, this.arena.u32[entry + SG.length] as number);
      const phys = this.#entryAddr(entry);
      if (write) payload.patternFill(what, phys, length, this.keyLo, this.keyHi, streamOff);
      else payload.fill(what, phys, POISON, length);
      streamOff += length;
      left -= length;
      if (left === 0 && !write && this.#hasGuard(plan, phys + length)) {
        payload.fill(what, phys + length, GUARD, GUARD_BYTES);
      }
      entry = sgNext(this.arena, entry);
    }
  }

  /** Memory after the last byte belongs to the same command (its cell or its guard page). */
  #hasGuard(plan: BufferPlan, end: Phys): boolean {
    return plan.scatter ? lowBits(end, 4096) !== 0 || plan.cellBytes > plan.entryBytes : true;
  }

  #checkBuffer(plan: BufferPlan, tag: number, version: number): void {
    const payload = this.#payload as Payload;
    const what = this.#name(tag, version);
    let streamOff = 0;
    let left = this.bytes[tag] as number;
    let entry = this.sg[tag] as number;
    // Two cursors: the CPU side gives the bytes, the DMA side the address that the device used for them.
    let dmaEntry = entry;
    let dmaOff = 0;
    while (left > 0) {
      const length = Math.min(left, this.arena.u32[entry + SG.length] as number);
      const phys = this.#entryAddr(entry);
      const dmaAddr = (this.arena.f64[(dmaEntry + SG.dmaAddress) >>> 1] as number) + dmaOff;
      payload.patternCheck(what, phys, length, this.keyLo, this.keyHi, streamOff, dmaAddr);
      streamOff += length;
      left -= length;
      if (left === 0) {
        if (this.#hasGuard(plan, phys + length)) payload.guardCheck(what, phys + length, GUARD, GUARD_BYTES, dmaAddr + length);
        return;
      }
      dmaOff += length;
      while (dmaOff > 0 && dmaOff >= (this.arena.u32[dmaEntry + SG.dmaLength] as number)) {
        dmaOff -= this.arena.u32[dmaEntry + SG.dmaLength] as number;
        const next = sgNext(this.arena, dmaEntry);
        if (next === 0) break;
        dmaEntry = next;
      }
      entry = sgNext(this.arena, entry);
    }
  }

  /** Bidirectional, because one mapping serves reads and writes. */
  #mapOnce(): number {
    const ctx = this.#ctx;
    const copy = this.spec.copy;
    if (copy !== null) {
      const source = mapPhys(ctx, this.device, copy.source, copy.bytes, DIR.toDevice, 0);
      if (source < 0) return -source;
      const destination = mapPhys(ctx, this.device, copy.destination, copy.bytes, DIR.fromDevice, 0);
      if (destination < 0) return -destination;
      this.#areaDma = source;
      this.#areaDstDma = destination;
      return MAP_OK;
    }
    const plan = this.spec.buffers as BufferPlan;
    for (let tag = 0; tag < this.tags; tag += 1) {
      this.#build(plan, tag, plan.commandBytes);
      const code = this.#map(tag, DIR.bidirectional);
      if (code !== MAP_OK) {
        for (let undo = 0; undo < tag; undo += 1) this.#unmap(undo, DIR.bidirectional);
        return code;
      }
    }
    return MAP_OK;
  }

  #unmapOnce(): void {
    const copy = this.spec.copy;
    if (copy !== null) {
      unmapPhys(this.#ctx, this.device, this.#areaDma, copy.bytes, DIR.toDevice, 0);
      unmapPhys(this.#ctx, this.device, this.#areaDstDma, copy.bytes, DIR.fromDevice, 0);
      return;
    }
    for (let tag = 0; tag < this.tags; tag += 1) this.#unmap(tag, DIR.bidirectional);
  }

  /** The source of a copy job holds the stream that starts at unit 0, version 0. */
  #fillSource(): void {
    const copy = this.spec.copy;
    if (this.#payload === null || copy === null) return;
    const what = this.what;
    what.unit = 0;
    what.version = 0;
    this.#payload.patternFill(what, copy.source, copy.bytes, this.keyLo, this.keyHi, 0);
  }

  /** `offset` is where in the areas the copy reads and writes. */
  #prepareCopy(tag: number, offset: number, bytes: number): number {
    const copy = this.spec.copy as NonNullable<CloneSpec["copy"]>;
    const sg = this.sg[tag] as number;
    const dst = this.dst[tag] as number;
    const what = this.#name(tag, 0);
    this.#payload?.fill(what, copy.destination + offset, POISON, bytes);
    if (this.persistent) {
      this.#setDma(sg, this.#areaDma + offset, bytes);
      this.#setDma(dst, this.#areaDstDma + offset, bytes);
      this.nents[tag] = 1;
      this.dstNents[tag] = 1;
      return MAP_OK;
    }
    const map = this.#system.memmap;
    sgSetPhys(this.arena, sg, copy.source + offset, bytes, map.hasPage(copy.source));
    sgSetPhys(this.arena, dst, copy.destination + offset, bytes, map.hasPage(copy.destination));
    this.origNents[tag] = 1;
    const source = this.#map(tag, DIR.toDevice);
    if (source !== MAP_OK) return source;
    const mapped = this.#pin(dst, 1) ? mapSg(this.#ctx, this.device, dst, 1, DIR.fromDevice, 0) : 0;
    if (mapped > 0) {
      this.dstNents[tag] = mapped;
      return MAP_OK;
    }
    if (mapped < 0) this.#unpin(dst, 1);
    this.#unmap(tag, DIR.toDevice);
    return mapped === 0 ? MAP_FAILURES.noBacking.code : -mapped;
  }

  #setDma(entry: number, dmaAddr: number, bytes: number): void {
    this.arena.f64[(entry + SG.dmaAddress) >>> 1] = dmaAddr;
    this.arena.u32[entry + SG.dmaLength] = bytes;
  }

  #finishCopy(tag: number, ok: boolean): void {
    const copy = this.spec.copy as NonNullable<CloneSpec["copy"]>;
    const offset = this.unit[tag] as number;
    const bytes = this.bytes[tag] as number;
    const dst = this.dst[tag] as number;
    const dmaAddr = this.arena.f64[(dst + SG.dmaAddress) >>> 1] as number;
    if (!this.persistent) {
      this.#unmap(tag, DIR.toDevice);
      unmapSg(this.#ctx, this.device, dst, 1, DIR.fromDevice, 0);
      this.#unpin(dst, 1);
    }
    if (this.#payload === null || !ok) return;
    const what = this.#name(tag, 0);
    what.unit = 0;
    this.#payload.patternCheck(what, copy.destination + offset, bytes, this.keyLo, this.keyHi, offset, dmaAddr);
  }
}

/** Version argument of {@link CloneIo.finish} when the device delivered several versions. */
export const VERSION_SEVERAL = VERSION_FOLLOW;
