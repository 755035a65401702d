/** A machine in an arena, and the loops of the suites map and translate over its devices. */
import { assert, defined } from "../src/base/assert.ts";
import type { HostContext } from "../src/host/context.ts";
import { type DmaDebug, debugCounters, startDebug } from "../src/host/dma/debug/session.ts";
import { debugMapPhys, debugMappingError, debugUnmapPhys } from "../src/host/dma/debug/shadow.ts";
import { DIR, type DmaDevice } from "../src/host/dma/device.ts";
import { mapPhys, mapSg, syncSgForCpu, syncSgForDevice, unmapPhys, unmapSg } from "../src/host/dma/map.ts";
import { sgMarkEnd, sgSetPhys } from "../src/host/dma/scatterlist.ts";
import { allocSg, freeSg } from "../src/host/dma/sg_table.ts";
import { flushDue } from "../src/host/iommu/flush_queue.ts";
import { commitRange, lookup } from "../src/memory/backing.ts";
import { copyPhys, fillPhys } from "../src/memory/copy.ts";
import { fillPattern } from "../src/memory/pattern.ts";
import { Arena } from "../src/shm/arena.ts";
import { sgNext } from "../src/shm/sg_entry.ts";
import { MAIN_OWNER, makeHostContext } from "../src/sim/host_ports.ts";
import { findLeaks } from "../src/sim/leaks.ts";
import { loadShippedMachine } from "../src/sim/machine/load.ts";
import { initSystem, System } from "../src/sim/system.ts";
import { MACHINE } from "./load.ts";

const BLOCK_BYTES = 4096;
/** Pages that the pairs walk through. */
const BLOCKS = 1024;
const LIST_ENTRIES = 16;
/** Pairs between two looks at the flush timers, as the wall worker takes them once a batch. */
const TIMER_PAIRS = 32;
/** Time that passes between two pairs for the flush timer. */
const PAIR_NS = 1000;

export class MapRig {
  readonly arena = Arena.create();
  readonly system = new System(loadShippedMachine(MACHINE));
  /** Memory above 4 GiB, and peer memory. */
  readonly ram: number;
  readonly peer: number;
  readonly ctx: HostContext;
  /** A session of dma-debug, for {@link checkedPairs}. */
  readonly debug: DmaDebug;
  #next = 0;

  constructor() {
    const { arena, system } = this;
    initSystem(arena, system);
    this.ctx = makeHostContext(arena, system, MAIN_OWNER, {
      copy: (dst, src, bytes) => copyPhys(arena, dst, src, bytes),
      fill: (dst, byte, bytes) => fillPhys(arena, dst, byte, bytes),
    });
    startDebug(arena);
    this.debug = { arena, lockOwner: MAIN_OWNER, report: () => undefined, job: 0, io: 0 };
    this.ram = this.#region("ram2") + 2 ** 24;
    this.peer = this.#region("bar:nvme3");
    fillPattern(arena, this.ram, BLOCKS * BLOCK_BYTES, 1, 2, 0, 0, 0);
    commitRange(arena, this.ram + BLOCKS * BLOCK_BYTES, BLOCKS * BLOCK_BYTES);
  }

  device(name: string): DmaDevice {
    const index = this.system.machine.devices.findIndex((device) => device.name === name);
    return defined(this.system.devices[index], "the machine has the device");
  }

  /** `count` pairs of map and unmap of 4 KiB in [area, area + 4 MiB), for reading by the device. */
  pairs(name: string, area: number, count: number): void {
    const device = this.device(name);
    const ctx = this.ctx;
    for (let i = 0; i < count; i += 1) {
      ctx.cost.reset();
      const dmaAddr = mapPhys(ctx, device, area + this.#block(), BLOCK_BYTES, DIR.toDevice, 0);
      assert(dmaAddr > 0, "the pair maps");
      ctx.cost.reset();
      unmapPhys(ctx, device, dmaAddr, BLOCK_BYTES, DIR.toDevice, 0);
      ctx.nowNs += PAIR_NS;
      if (i % TIMER_PAIRS === 0 && device.domain?.mode === "lazy") flushDue(ctx, device.domain);
    }
  }

  /** {@link pairs} with dma-debug around every call, as a driver makes them: map, look at the result, unmap. */
  checkedPairs(name: string, area: number, count: number, dir: number = DIR.toDevice): void {
    const { ctx, debug } = this;
    const device = this.device(name);
    const bytes = BLOCK_BYTES;
    for (let i = 0; i < count; i += 1) {
      ctx.cost.reset();
      const phys = area + this.#block();
      const dmaAddr = mapPhys(ctx, device, phys, bytes, dir, 0);
      assert(dmaAddr > 0, "the pair maps");
      debugMapPhys(debug, device, { dmaAddr, phys, bytes, dir });
      debugMappingError(debug, device, dmaAddr);
      ctx.cost.reset();
      debugUnmapPhys(debug, device, { dmaAddr, bytes, dir });
      unmapPhys(ctx, device, dmaAddr, bytes, dir, 0);
      ctx.nowNs += PAIR_NS;
      if (i % TIMER_PAIRS === 0 && device.domain?.mode === "lazy") flushDue(ctx, device.domain);
    }
  }

  /** What dma-debug found, and whether its shadow is empty. */
  checkDebug(): string | null {
    const { errorCount, numFreeEntries, nrTotalEntries, disabled } = debugCounters(this.arena);
    if (disabled) return "the checker is off";
    if (errorCount > 0) return `the checker reported ${errorCount} errors`;
    return numFreeEntries === nrTotalEntries ? null : `${nrTotalEntries - numFreeEntries} mappings left in the shadow`;
  }

  /** Copies of 4 KiB from the same blocks to as many others. */
  bareCopies(count: number): void {
    const source = lookup(this.arena, this.ram);
    const { ops } = this.arena;
    for (let i = 0; i < count; i += 1) {
      const from = source + this.#block();
      ops.copy(from + BLOCKS * BLOCK_BYTES, from, BLOCK_BYTES);
    }
  }

  /** `count` pairs of map and unmap of a list of scattered pages. */
  lists(name: string, count: number): void {
    const { ctx } = this;
    const device = this.device(name);
    const sg = this.#list();
    for (let i = 0; i < count; i += 1) {
      ctx.cost.reset();
      const nents = mapSg(ctx, device, sg, LIST_ENTRIES, DIR.toDevice, 0);
      assert(nents > 0, "the list maps");
      ctx.cost.reset();
      unmapSg(ctx, device, sg, LIST_ENTRIES, DIR.toDevice, 0);
    }
    freeSg(this.arena, ctx.lockOwner, sg);
  }

  /** What is left of a pair when the list stays mapped. */
  syncs(name: string, count: number): void {
    const { ctx } = this;
    const device = this.device(name);
    const sg = this.#list();
    assert(mapSg(ctx, device, sg, LIST_ENTRIES, DIR.bidirectional, 0) > 0, "the list maps");
    for (let i = 0; i < count; i += 1) {
      ctx.cost.reset();
      syncSgForDevice(ctx, device, sg, LIST_ENTRIES, DIR.toDevice);
      ctx.cost.reset();
      syncSgForCpu(ctx, device, sg, LIST_ENTRIES, DIR.toDevice);
    }
    unmapSg(ctx, device, sg, LIST_ENTRIES, DIR.bidirectional, 0);
    freeSg(this.arena, ctx.lockOwner, sg);
  }

  /** Nothing may be left mapped or allocated. */
  check(): string | null {
    const [leak] = findLeaks(this.ctx, this.system);
    return leak === undefined ? null : `${leak.count} of ${leak.kind} leaked at ${leak.where}`;
  }

  /** The device must see in its slot what lies in the buffer. */
  checkBounce(difference: (a: number, b: number, bytes: number) => number): string | null {
    const device = this.device("capture0");
    const slot = mapPhys(this.ctx, device, this.ram, BLOCK_BYTES, DIR.toDevice, 0);
    const at = difference(slot, this.ram, BLOCK_BYTES);
    unmapPhys(this.ctx, device, slot, BLOCK_BYTES, DIR.toDevice, 0);
    if (slot === this.ram) return "the range was not bounced";
    return at < 0 ? null : `byte ${at} of the slot is not the buffer's`;
  }

  /** Offset of the next block: pages in order, from the start again at the end. */
  #block(): number {
    this.#next = (this.#next + 1) & (BLOCKS - 1);
    return this.#next * BLOCK_BYTES;
  }

  /** Every other page, so that no two entries touch. */
  #list(): number {
    const sg = allocSg(this.arena, this.ctx.lockOwner, LIST_ENTRIES);
    let entry = sg;
    for (let i = 0; i < LIST_ENTRIES; i += 1) {
      sgSetPhys(this.arena, entry, this.ram + i * 2 * BLOCK_BYTES, BLOCK_BYTES, true);
      if (i === LIST_ENTRIES - 1) sgMarkEnd(this.arena, entry);
      else entry = sgNext(this.arena, entry);
    }
    return sg;
  }

  #region(name: string): number {
    return defined(
      this.system.map.regions.find((region) => region.name === name),
      "the machine has the region",
    ).start;
  }
}
