import { describe, expect, it } from "vitest";
import { DeviceAccess } from "#dmasim/device/access.js";
import { PhysMap, type PhysRegion } from "#dmasim/memory/physmap.js";
import { Arena } from "#dmasim/shm/arena.js";
import { DMA_STATUS } from "#dmasim/shm/dma_status.js";

const region = (kind: PhysRegion["kind"], start: number, bytes: number): PhysRegion => ({
  name: `${kind}@${start}`,
  kind,
  start,
  bytes,
  memmap: kind === "ram" ? "ram" : "none",
  node: 0,
  deviceIndex: -1,
});
const map = new PhysMap([
  region("ram", 0x80000000, 0x40000000),
  region("device", 0xfe000000, 0x1000),
  region("ram", 0x100000000, 0x40000000),
]);
const window = (busStart: number, bytes: number, phys: number) => ({
  busStart,
  busEnd: busStart + bytes,
  physDelta: phys - busStart,
});
const peers = [window(0x7000, 0x1000, 0xfe000000)];
const inbound = [window(0, 0x40000000, 0x80000000), window(0x50000000, 0x2000, 0xc0000000)];
const access = new DeviceAccess(Arena.create(), map, null, peers, inbound);

function resolve(dmaAddr: number, bytes: number): number[] {
  const status = access.resolve(dmaAddr, bytes, true);
  return status === DMA_STATUS.ok ? [access.phys, access.bytes] : [-status];
}

describe("bus addresses of a device behind dma-ranges", () => {
  it("are translated window by window, up to the window's end", () => {
    expect(resolve(0x1000, 0x2000)).toEqual([0x80001000, 0x2000]);
    expect(resolve(0x3ffff000, 0x2000)).toEqual([0xbffff000, 0x1000]);
    expect(access.walkLevels).toBe(0);
  });

  it("are a bus error where no window, or no memory, answers", () => {
    expect(resolve(0x40000000, 1)).toEqual([-DMA_STATUS.busError]);
    expect(resolve(0x80000000, 1)).toEqual([-DMA_STATUS.busError]);
    expect(resolve(0x100000000, 1)).toEqual([-DMA_STATUS.busError]);
    expect(resolve(0x50000000, 1)).toEqual([-DMA_STATUS.busError]);
  });

  it("reach MMIO at its own address, and peers below the switch first", () => {
    expect(resolve(0xfe000010, 4)).toEqual([0xfe000010, 4]);
    expect(resolve(0xfe000ffc, 8)).toEqual([-DMA_STATUS.busError]);
    expect(resolve(0x7010, 4)).toEqual([0xfe000010, 4]);
  });
});
