import { describe, expect, it } from "vitest";
import { DMA_MAPPING_ERROR } from "#dmasim/base/addr.js";
import { DEBUG_ENTRIES_FIRST, DEBUG_KIND } from "#dmasim/host/dma/debug/entry.js";
import type { DebugError } from "#dmasim/host/dma/debug/errors.js";
import { debugCounters, startDebug } from "#dmasim/host/dma/debug/session.js";
import {
  type DebugCall,
  debugDump,
  debugMapPhys,
  debugMappingError,
  debugMapSg,
  debugRelease,
  debugUnmapPhys,
  debugUnmapSg,
} from "#dmasim/host/dma/debug/shadow.js";
import { debugSyncSg, debugSyncSingle } from "#dmasim/host/dma/debug/sync.js";
import { ATTR, DIR } from "#dmasim/host/dma/device.js";
import { mapSg, unmapSg } from "#dmasim/host/dma/map.js";
import { Arena } from "#dmasim/shm/arena.js";
import { REGIONS } from "#dmasim/shm/layout.js";
import { setUpDomain } from "../../../support/domain.ts";
import { makeContext, makeDevice } from "../../../support/host.ts";
import { listOf } from "../../../support/list.ts";

const { toDevice, fromDevice, bidirectional } = DIR;

function bench() {
  const arena = Arena.create();
  const errors: DebugError[] = [];
  startDebug(arena);
  const debug = { arena, lockOwner: 0, report: (error: DebugError) => void errors.push(error), job: 1, io: 10 };
  const device = makeDevice();
  return {
    arena,
    debug,
    device,
    errors,
    kinds: () => errors.map(({ kind }) => kind),
    map: (call: DebugCall, checked = true) => {
      debugMapPhys(debug, device, call);
      if (checked) debugMappingError(debug, device, call.dmaAddr);
    },
    unmap: (call: DebugCall) => debugUnmapPhys(debug, device, call),
    sync: (call: DebugCall, forCpu: boolean) => debugSyncSingle(debug, device, call, forCpu),
  };
}

const page: DebugCall = { dmaAddr: 0x1000, bytes: 4096, dir: toDevice };

describe("dma-debug", () => {
  it("is silent about correct use, and empty after it", () => {
    const b = bench();
    for (let i = 0; i < 200; i += 1) b.map({ ...page, dmaAddr: i * 4096 });
    for (let i = 0; i < 200; i += 1) b.unmap({ ...page, dmaAddr: i * 4096 });
    expect(b.errors).toEqual([]);
    expect(debugCounters(b.arena)).toMatchObject({
      numFreeEntries: DEBUG_ENTRIES_FIRST,
      minFreeEntries: DEBUG_ENTRIES_FIRST - 200,
      errorCount: 0,
    });
  });

  it("does nothing when it is off", () => {
    const b = bench();
    const off = { ...b.debug, arena: Arena.create() };
    debugUnmapPhys(off, b.device, page);
    expect(b.errors).toEqual([]);
  });

  it.each([
    [{ ...page, dmaAddr: DMA_MAPPING_ERROR }, "free of error value"],
    [{ ...page, dmaAddr: 0x2000 }, "free of unknown"],
    [{ ...page, bytes: 2048 }, "free size"],
    [{ ...page, kind: DEBUG_KIND.coherent }, "free function"],
    [{ ...page, dir: fromDevice }, "free direction"],
  ])("unmap %j: %s", (call, kind) => {
    const b = bench();
    b.map(page);
    b.unmap(call as DebugCall);
    expect(b.kinds()).toEqual([kind]);
  });

  it("names who mapped and who unmapped", () => {
    const b = bench();
    b.map(page);
    b.debug.job = 7;
    b.debug.io = 99;
    b.unmap({ ...page, bytes: 2048 });
    const [error] = b.errors;
    expect(error?.text).toBe(
      "device driver frees DMA memory with different size [device address=0x0000000000001000] [map size=4096 bytes] [unmap size=2048 bytes]",
    );
    expect(error?.mapped).toMatchObject({ job: 1, io: 10, bytes: 4096 });
    expect(error?.call).toMatchObject({ job: 7, io: 99 });
  });

  it("several things can be wrong at once, and num_errors limits what is printed", () => {
    const b = bench();
    b.map(page, false);
    b.unmap({ ...page, bytes: 1, dir: fromDevice });
    expect(b.kinds()).toEqual(["free size", "free direction", "unchecked"]);
    expect(b.errors.map(({ printed }) => printed)).toEqual([true, false, false]);
    expect(debugCounters(b.arena)).toMatchObject({ errorCount: 3, numErrors: 0 });
  });

  it("coherent memory is freed with its CPU address, and needs no check", () => {
    const b = bench();
    const memory = { dmaAddr: 0x4000, bytes: 8192, dir: bidirectional, kind: DEBUG_KIND.coherent, phys: 0x9000 };
    b.map(memory, false);
    b.unmap({ ...memory, phys: 0xa000 });
    expect(b.kinds()).toEqual(["free CPU address"]);
  });

  it("of several mappings at one address it takes the one that fits, or none", () => {
    const b = bench();
    b.map(page);
    b.map({ ...page, bytes: 512 });
    b.unmap({ ...page, bytes: 512 });
    expect(b.errors).toEqual([]);
    b.map({ ...page, bytes: 512 });
    b.unmap({ ...page, bytes: 1024 });
    expect(b.kinds()).toEqual(["free of unknown"]);
  });

  it.each([
    [{ ...page, dmaAddr: 0x1800, bytes: 512 }, true, ["sync read-only"], toDevice, fromDevice],
    [{ ...page, dmaAddr: 0x1800, bytes: 512 }, true, [], toDevice, toDevice],
    [page, false, ["sync write-only"], fromDevice, toDevice],
    [page, true, [], fromDevice, fromDevice],
    [{ ...page, bytes: 8192 }, true, ["sync of unknown"], fromDevice, fromDevice],
    [page, true, [], bidirectional, toDevice],
  ] as const)("sync %j for CPU %s: %j", (call, forCpu, kinds, mappedDir, syncDir) => {
    const b = bench();
    b.map({ ...page, dir: mappedDir });
    b.sync({ ...call, dir: syncDir }, forCpu);
    expect(b.kinds().filter((kind) => kind !== "sync direction")).toEqual(kinds);
    expect(b.kinds().includes("sync direction")).toBe(
      kinds[0] !== "sync of unknown" && mappedDir !== 0 && mappedDir !== syncDir,
    );
  });

  it("a second mapping that the device writes may not share a cache line", () => {
    const b = bench();
    b.map({ ...page, dir: fromDevice, phys: 0x5000 });
    b.debug.io = 11;
    b.map({ ...page, dmaAddr: 0x9000, dir: fromDevice, phys: 0x5020 });
    expect(b.errors).toMatchObject([{ kind: "overlap", mapped: { io: 10 }, call: { io: 11 } }]);
    b.map({ ...page, dmaAddr: 0xa000, dir: toDevice, phys: 0x5000 });
    b.map({ ...page, dmaAddr: 0xb000, dir: fromDevice, phys: 0x5040 });
    b.map({ ...page, dmaAddr: 0xc000, dir: fromDevice, phys: 0x5000, attrs: ATTR.skipCpuSync });
    expect(b.errors).toHaveLength(1);
    for (const [dmaAddr, phys] of [
      [0x1000, 0x5000],
      [0x9000, 0x5020],
      [0xc000, 0x5000],
    ] as const) {
      b.unmap({ ...page, dmaAddr, dir: fromDevice, phys });
    }
    b.map({ ...page, dmaAddr: 0xd000, dir: fromDevice, phys: 0x5000 });
    expect(b.errors).toHaveLength(1);
  });

  it("warns once when a line has more than seven overlaps", () => {
    const b = bench();
    for (let i = 0; i < 12; i += 1) {
      b.map({ ...page, dmaAddr: i * 4096, dir: fromDevice, phys: 0x5000, attrs: ATTR.skipCpuSync });
    }
    expect(b.kinds()).toEqual(["overlap limit"]);
  });

  it("reports what is mapped when the driver lets go, and dumps it", () => {
    const b = bench();
    b.map(page);
    b.map({ ...page, dmaAddr: 0x3000 }, false);
    debugRelease(b.debug, b.device);
    expect(b.errors[0]?.text).toContain("[count=2]");
    expect(debugDump(b.debug, () => "nvme0")).toEqual([
      "nvme0 phys P=1000 D=1000 L=1000 DMA_TO_DEVICE dma map error checked (job 1, I/O 10)",
      "nvme0 phys P=3000 D=3000 L=1000 DMA_TO_DEVICE dma map error not checked (job 1, I/O 10)",
    ]);
  });

  it("gives up when it finds no entry", () => {
    const b = bench();
    for (let i = 0; i <= REGIONS.debugEntries.count; i += 1)
      debugMapPhys(b.debug, b.device, { ...page, dmaAddr: i * 4096 });
    expect(b.kinds()).toEqual(["out of memory"]);
    expect(debugCounters(b.arena)).toMatchObject({ disabled: true, nrTotalEntries: REGIONS.debugEntries.count });
  });

  it.each(["stack", "kernel text", "vmalloc", "invalid area"] as const)("names memory in %s", (source) => {
    const b = bench();
    b.map({ ...page, source });
    expect(b.kinds()).toEqual([source]);
  });
});

describe("dma-debug around lists", () => {
  function mappedList(max: number) {
    const b = bench();
    const ctx = makeContext({ arena: b.arena });
    const device = makeDevice({ domain: setUpDomain(ctx), maxSegBytes: max });
    const sg = listOf(b.arena, [
      [0x10000, 4096],
      [0x50000, 4096],
      [0x70000, 8192],
    ]);
    const ret = mapSg(ctx, device, sg, 3, fromDevice, 0);
    debugMapSg(b.debug, device, sg, 3, ret, fromDevice, 0);
    return { ...b, ctx, device, sg, ret };
  }

  it("is silent about correct use of a merged list", () => {
    const b = mappedList(65536);
    expect(b.ret).toBe(1);
    debugSyncSg(b.debug, b.device, b.sg, 3, fromDevice, true);
    debugUnmapSg(b.debug, b.device, b.sg, 3, fromDevice);
    unmapSg(b.ctx, b.device, b.sg, 3, fromDevice, 0);
    expect(b.errors).toEqual([]);
    expect(debugCounters(b.arena).numFreeEntries).toBe(DEBUG_ENTRIES_FIRST);
  });

  it("wants the original number of entries back", () => {
    const b = mappedList(65536);
    debugSyncSg(b.debug, b.device, b.sg, 1, fromDevice, true);
    debugUnmapSg(b.debug, b.device, b.sg, 1, fromDevice);
    expect(b.kinds()).toEqual(["sync list length", "free list length"]);
  });

  it("checks entries against the device's segment limit", () => {
    expect(mappedList(4096).kinds()).toContain("segment length");
  });
});
