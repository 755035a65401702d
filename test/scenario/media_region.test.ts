import { describe, expect, it } from "vitest";
import type { DmaDevice } from "#dmasim/host/dma/device.js";
import { type Attachment, DmaBuf } from "#dmasim/host/dma/dma_buf.js";
import { fillPhys, readByte, writeByte } from "#dmasim/memory/copy.js";
import { CpuCache, sharedLines } from "#dmasim/memory/cpu_cache.js";
import { Arena } from "#dmasim/shm/arena.js";
import { DMA_STATUS } from "#dmasim/shm/dma_status.js";
import { makeHostContext } from "#dmasim/sim/host_ports.js";
import { previewMapping } from "#dmasim/sim/mapping/preview.js";
import { resolveMapRequest } from "#dmasim/sim/mapping/request.js";
import { loadShippedProfile } from "#dmasim/sim/profile/load.js";
import type { RunResult } from "#dmasim/sim/result.js";
import { runProfile } from "#dmasim/sim/run.js";
import { initSystem, System } from "#dmasim/sim/system.js";
import { expectClean, jobOf, machineOf, optionsOf, runJobs } from "../support/run.ts";

const FRAME = 0xb1000000;
const FRAME_BYTES = 65536;
const OWNER = 1;

/** Runs the shipped profile with `map` for both jobs. */
function capture(map: string, set: Readonly<Record<string, string>> = {}): Promise<RunResult> {
  const overrides = [{ path: "jobs[*].map", value: map }];
  const profile = { ...loadShippedProfile("capture-carveout", { overrides }), file: "load.yaml" };
  return runProfile(optionsOf(profile, { machine: "media-board", set, limitIos: 64 }));
}

/** An empty board: its devices, their ways to memory, and what maps for them. */
function board() {
  const system = new System(machineOf("media-board"));
  const arena = Arena.create();
  initSystem(arena, system);
  const ctx = makeHostContext(arena, system, OWNER, { copy: () => true, fill: () => true });
  const index = (name: string) => system.machine.devices.findIndex((device) => device.name === name);
  return {
    system,
    arena,
    ctx,
    device: (name: string) => system.devices[index(name)] as DmaDevice,
    /** What the device writes there; the status of the access. */
    write(name: string, dmaAddr: number, bytes: number, value: number): number {
      const access = system.accessOf(arena, index(name));
      for (let done = 0; done < bytes; done += access.bytes) {
        const status = access.resolve(dmaAddr + done, bytes - done, true);
        if (status !== DMA_STATUS.ok) return status;
        fillPhys(arena, access.phys, value, access.bytes);
      }
      return DMA_STATUS.ok;
    },
  };
}

describe("capture into a carve-out without struct pages", () => {
  it("works as page-less lists, behind an SMMU and behind a bus offset", async () => {
    const result = await capture("per-io");
    expectClean(result);
    expect(jobOf(result).path.iommu).toBe(1);
    expect(jobOf(result, 1).path.direct).toBe(1);
  });

  it("fails with raw physical addresses: faults behind the SMMU, nothing or the wrong memory behind the offset", async () => {
    const result = await capture("raw");
    expect(jobOf(result).error_text).toContain("not present");
    expect(jobOf(result).faults).toBeGreaterThan(0);
    expect(jobOf(result, 1).error_text).toContain("bus error");
    // An offset that keeps the address inside the window: no fault, other memory is overwritten, and only the bytes tell.
    const near = "[{ cpu: 0x80000000, bus: 0x60000000, size: 0x70000000 }]";
    const silent = await capture("raw", { "devices[1].dma_ranges": near });
    expect(jobOf(silent, 1)).toMatchObject({ faults: 0, error: 0 });
    expect(silent.host.integrity.mismatches).toBeGreaterThan(0);
    expectClean(await capture("per-io", { "devices[1].dma_ranges": near }));
  });

  it("shows both ways in a preview of the same list", () => {
    const preview = (dev: string) =>
      previewMapping(
        resolveMapRequest({ machine: "media-board", dev, dir: "FROM", entries: [`video+0x1000000+${FRAME_BYTES}`] }),
      );
    const camera = preview("camera0");
    expect(camera.entries[0]).toMatchObject({ hasPage: false, space: "iova", state: "mapped" });
    expect(camera.pins.pageless).toEqual([0]);
    expect(preview("encoder0").entries[0]).toMatchObject({ space: "window", dmaAddr: FRAME - 0x80000000 });
  });
});

describe("who owns the memory", () => {
  it("nobody, with a raw address: the exporter frees, the device writes into what was freed", () => {
    const { arena, write } = board();
    const raw = FRAME - 0x80000000;
    fillPhys(arena, FRAME, 0x11, FRAME_BYTES);
    expect(write("encoder0", raw, 4096, 0xee)).toBe(DMA_STATUS.ok);
    // The exporter has unmapped and given the range to somebody else.
    fillPhys(arena, FRAME, 0x22, FRAME_BYTES);
    expect(write("encoder0", raw, 4096, 0xee)).toBe(DMA_STATUS.ok);
    expect(readByte(arena, FRAME)).toBe(0xee);
  });

  it("the importers, with a dma-buf: memory goes back after the last of them, and then the address is dead", () => {
    const { arena, ctx, device, write } = board();
    let freed = false;
    const buffer = new DmaBuf(ctx, [{ phys: FRAME, bytes: FRAME_BYTES }], () => {
      freed = true;
    });
    const camera = buffer.attach(device("camera0"), 1) as Attachment;
    const encoder = buffer.attach(device("encoder0"), 1) as Attachment;
    expect(write("camera0", camera.dmaAddrs[0] as number, FRAME_BYTES, 0x33)).toBe(DMA_STATUS.ok);
    expect(write("encoder0", encoder.dmaAddrs[0] as number, 4096, 0x44)).toBe(DMA_STATUS.ok);
    expect([readByte(arena, FRAME), readByte(arena, FRAME + 4096)]).toEqual([0x44, 0x33]);
    expect(buffer.close()).toBe(-16);
    expect(buffer.attach(device("encoder0"), 1)).toBe(-19);
    buffer.detach(encoder);
    expect(freed).toBe(false);
    // The camera may still write: the memory is still the buffer's.
    expect(write("camera0", camera.dmaAddrs[0] as number, 4096, 0x55)).toBe(DMA_STATUS.ok);
    buffer.detach(camera);
    expect(freed).toBe(true);
    fillPhys(arena, FRAME, 0x66, FRAME_BYTES);
    expect(write("camera0", camera.dmaAddrs[0] as number, 4096, 0x77)).not.toBe(DMA_STATUS.ok);
    expect(readByte(arena, FRAME)).toBe(0x66);
  });
});

describe("ranges that do not touch", () => {
  const ranges = [
    { phys: FRAME, bytes: 4096 },
    { phys: FRAME + 0x10000, bytes: 4096 },
  ];

  it("become one range for a device that takes one address: it writes over the neighbour", () => {
    const { arena, write } = board();
    fillPhys(arena, FRAME + 4096, 0x11, 4096);
    expect(write("encoder0", FRAME - 0x80000000, 8192, 0xee)).toBe(DMA_STATUS.ok);
    expect(readByte(arena, FRAME + 4096)).toBe(0xee);
    expect(readByte(arena, FRAME + 0x10000)).toBe(0);
  });

  it("are refused by an importer that takes one range, and become one IOVA range for a list behind an SMMU", () => {
    const { ctx, device } = board();
    const buffer = new DmaBuf(ctx, ranges, () => {});
    expect(buffer.attach(device("encoder0"), 1)).toBeLessThan(0);
    expect(buffer.importers).toBe(0);
    const entries = ["video+0x1000000+4096", "video+0x1010000+4096"];
    const { mapped } = previewMapping(
      resolveMapRequest({ machine: "media-board", dev: "camera0", dir: "FROM", entries }),
    );
    expect(mapped?.segments).toHaveLength(1);
  });

  it("bound what a run's device writes: every entry verified, nothing beside it", async () => {
    const job =
      "{ name: frames, device: encoder0, rw: read, bs: 64k, io_size: 2MiB, target: video, sg: { entry: 4k } }";
    expectClean(await runJobs([job], { machine: "media-board" }));
  });
});

describe("cache lines that are not the buffer's alone", () => {
  it("counts them", () => {
    expect(sharedLines(FRAME, FRAME_BYTES)).toBe(0);
    expect(sharedLines(FRAME + 32, FRAME_BYTES)).toBe(2);
    expect(sharedLines(FRAME + 32, 8)).toBe(1);
    expect(sharedLines(FRAME, 96)).toBe(1);
  });

  it("lose the device's bytes or the CPU's; whole lines lose neither", () => {
    for (const [offset, survives] of [
      [32, false],
      [0, true],
    ] as const) {
      const arena = Arena.create();
      fillPhys(arena, FRAME - 64, 0x11, 256);
      const cache = new CpuCache(arena);
      const buffer = FRAME + offset;
      cache.flush(buffer, 64);
      // The CPU writes its own word just before the buffer while the device writes the buffer.
      cache.store(buffer - 1, 0x99);
      fillPhys(arena, buffer, 0xdd, 64);
      // The line is evicted.
      cache.flush(buffer - 1, 1);
      expect(readByte(arena, buffer - 1)).toBe(0x99);
      expect(readByte(arena, buffer) === 0xdd).toBe(survives);
    }
  });

  it("show the CPU old bytes when nobody invalidates", () => {
    const arena = Arena.create();
    writeByte(arena, FRAME, 1);
    const cache = new CpuCache(arena);
    expect(cache.load(FRAME)).toBe(1);
    fillPhys(arena, FRAME, 2, 64);
    expect(cache.load(FRAME)).toBe(1);
    cache.invalidate(FRAME, 64);
    expect(cache.load(FRAME)).toBe(2);
  });
});
