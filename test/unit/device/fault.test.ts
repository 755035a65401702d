import { describe, expect, it } from "vitest";
import {
  faultCount,
  faultsOfDevice,
  formatFault,
  readFaults,
  recordFault,
  vtdFaultReason,
} from "#dmasim/device/fault.js";
import { Arena } from "#dmasim/shm/arena.js";
import { DMA_STATUS } from "#dmasim/shm/dma_status.js";
import { REGIONS } from "#dmasim/shm/layout.js";

describe("fault records", () => {
  it("say who was refused what and why", () => {
    const arena = Arena.create();
    expect(readFaults(arena)).toEqual([]);
    recordFault(arena, DMA_STATUS.notPresent, 2, true, 0xfffff123, 7, 2 ** 40);
    recordFault(arena, DMA_STATUS.busError, 3, false, 2 ** 50, 8, 9);
    const faults = readFaults(arena);
    expect(faults).toEqual([
      { status: DMA_STATUS.notPresent, device: 2, write: true, tag: 7, io: 2 ** 40, addr: 0xfffff123 },
      { status: DMA_STATUS.busError, device: 3, write: false, tag: 8, io: 9, addr: 2 ** 50 },
    ]);
    expect(formatFault(faults[0] as (typeof faults)[0])).toBe("device 2: DMA write of 0xfffff123: not present");
    expect(readFaults(arena, 1)).toHaveLength(1);
    expect([faultsOfDevice(arena, 2), faultsOfDevice(arena, 3), faultsOfDevice(arena, 4)]).toEqual([1, 1, 0]);
  });

  it("keep the first ones and count the others", () => {
    const arena = Arena.create();
    for (let i = 0; i < REGIONS.faults.count + 10; i += 1) recordFault(arena, DMA_STATUS.permission, 0, true, i, 0, 0);
    expect(faultCount(arena)).toBe(REGIONS.faults.count + 10);
    const faults = readFaults(arena);
    expect(faults).toHaveLength(REGIONS.faults.count);
    expect(faults.at(-1)?.addr).toBe(REGIONS.faults.count - 1);
  });

  it("have the reason numbers of VT-d", () => {
    const report = { status: DMA_STATUS.notPresent, device: 0, write: true, tag: 0, io: 0, addr: 0x1000 };
    expect(vtdFaultReason(report, 2 ** 48)).toBe(5);
    expect(vtdFaultReason({ ...report, write: false }, 2 ** 48)).toBe(6);
    expect(vtdFaultReason({ ...report, addr: 2 ** 48 }, 2 ** 48)).toBe(4);
    expect(vtdFaultReason({ ...report, status: DMA_STATUS.busError }, 2 ** 48)).toBe(0);
  });
});
