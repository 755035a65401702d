import { describe, expect, it } from "vitest";
import { debugMapPhys, debugUnmapPhys } from "#dmasim/host/dma/debug/shadow.js";
import { DIR } from "#dmasim/host/dma/device.js";
import { Arena } from "#dmasim/shm/arena.js";
import { REGIONS } from "#dmasim/shm/layout.js";
import { attachRunDebug, debugResult, type RunDebug, releaseDevices, startRunDebug } from "#dmasim/sim/run_debug.js";
import { System } from "#dmasim/sim/system.js";
import { machineOf, profileOf } from "../../support/run.ts";

const system = new System(machineOf());
const profile = profileOf(
  "{ name: first, rw: read, bs: 4k, size: 1MiB }",
  "{ name: second, rw: read, bs: 4k, size: 1MiB }",
);
const WHAT = { job: 1, engine: 0, io: 77, unit: 0, version: 0 };
const page = { bytes: 4096, dir: DIR.toDevice };

function bench() {
  const arena = Arena.create();
  startRunDebug(arena);
  const [a, b] = [0, 1].map((owner) => attachRunDebug(arena, owner, system, profile) as RunDebug) as [
    RunDebug,
    RunDebug,
  ];
  const device = system.devices[0] as (typeof system.devices)[number];
  const map = (debug: RunDebug, dmaAddr: number) => {
    debug.enter(WHAT, 1);
    debugMapPhys(debug, device, { ...page, dmaAddr });
  };
  return { arena, a, b, device, map, result: () => debugResult(arena, [a.plain(), b.plain()]) };
}

describe("dma-debug in a run", () => {
  it("is off unless it was started", () => {
    expect(attachRunDebug(Arena.create(), 0, system, profile)).toBeNull();
  });

  it("adds up what the threads did; one may unmap what another mapped", () => {
    const { a, b, device, map, result } = bench();
    map(a, 0x1000);
    map(b, 0x2000);
    debugUnmapPhys(b, device, { ...page, dmaAddr: 0x1000, dir: DIR.fromDevice });
    const { errors, mappings, entries_hiwater, disabled, first } = result();
    expect({ errors, mappings, entries_hiwater, disabled }).toEqual({
      errors: 2,
      mappings: 2,
      entries_hiwater: 2,
      disabled: undefined,
    });
    expect(first[0]).toMatch(
      /^DMA-API: nvme 0000:01:00\.0: device driver frees DMA memory with different direction \[device address=0x0000000000001000\] \[size=4096 bytes\] \[mapped with DMA_TO_DEVICE\] \[unmapped with DMA_FROM_DEVICE\] Mapped at: job second, I\/O 77$/,
    );
    expect(first[1]).toMatch(/failed to check map error/);
  });

  it("counts all errors and keeps the first 16 messages", () => {
    const { a, device, result } = bench();
    for (let i = 0; i < 40; i += 1) debugUnmapPhys(a, device, { ...page, dmaAddr: i * 4096 });
    expect(result()).toMatchObject({ errors: 40, first: { length: 16 } });
  });

  it("finds what is still mapped when the drivers let go of their devices", () => {
    const { arena, a, map, result } = bench();
    map(a, 0x1000);
    map(a, 0x2000);
    releaseDevices(a, system);
    expect(result().first).toEqual([
      expect.stringMatching(/has pending DMA allocations while released from device \[count=2\]/),
    ]);
    expect(debugResult(arena, []).errors).toBe(1);
  });

  it("gives up without blaming the driver when the shadow is full", () => {
    const { a, map, result } = bench();
    for (let i = 0; i <= REGIONS.debugEntries.count; i += 1) map(a, i * 4096);
    expect(result()).toMatchObject({ errors: 0, disabled: true, first: [expect.stringContaining("out of memory")] });
  });
});
