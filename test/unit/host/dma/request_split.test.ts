import { describe, expect, it } from "vitest";
import {
  maxHwRequestBytes,
  maxRequestBytes,
  type QueueLimits,
  requestBytes,
  splitBytes,
} from "#dmasim/host/dma/request_split.js";
import { setUpPool } from "../../../support/domain.ts";
import { makeContext, makeDevice, makeDomain } from "../../../support/host.ts";

const KIB = 1024;
const LAST_RAM = 2 ** 36 - 4096;
const NVME: QueueLimits = {
  maxTransferBytes: 512 * KIB,
  maxSegments: 128,
  maxSegBytes: 2 ** 32 - 1,
  logicalBlockBytes: 512,
  clamp: "optimal",
};
const AHCI: QueueLimits = { ...NVME, maxTransferBytes: 65535 * 512, maxSegBytes: 65536, clamp: "maximum" };

const pool = setUpPool(makeContext());
const direct = makeDevice({ minAlignMask: 4095 });
const translated = makeDevice({ domain: makeDomain(), minAlignMask: 4095, pool });
const bouncing = makeDevice({ forceBounce: true, pool, minAlignMask: 4095 });

describe("the largest request", () => {
  it("is 128 KiB behind an IOMMU for NVMe of a 6.12 kernel, the controller's before", () => {
    expect(maxRequestBytes("6.12", translated, NVME, LAST_RAM)).toBe(128 * KIB);
    expect(maxRequestBytes("6.1", translated, NVME, LAST_RAM)).toBe(512 * KIB);
    expect(maxRequestBytes("4.1", translated, NVME, LAST_RAM)).toBe(512 * KIB);
  });

  it("is 252 KiB where NVMe bounces, 256 KiB without an alignment mask", () => {
    expect(maxRequestBytes("6.12", bouncing, NVME, LAST_RAM)).toBe(252 * KIB);
    expect(maxRequestBytes("6.1", bouncing, NVME, LAST_RAM)).toBe(252 * KIB);
    const plain = makeDevice({ forceBounce: true, pool });
    expect(maxRequestBytes("6.12", plain, AHCI, LAST_RAM)).toBe(256 * KIB);
  });

  it("is the smaller of both for an untrusted device", () => {
    expect(maxHwRequestBytes("6.12", { ...translated, untrusted: true }, NVME, LAST_RAM)).toBe(128 * KIB);
    expect(maxHwRequestBytes("6.12", { ...translated, untrusted: true }, AHCI, LAST_RAM)).toBe(252 * KIB);
  });

  it("is the controller's when the device reaches all memory", () => {
    expect(maxRequestBytes("6.12", direct, NVME, LAST_RAM)).toBe(512 * KIB);
    expect(maxRequestBytes("6.12", { ...direct, dmaMask: 2 ** 32 - 1, pool }, NVME, LAST_RAM)).toBe(252 * KIB);
  });

  it("is capped by the kernel's default", () => {
    const caps = (["4.1", "6.1", "6.12", "7.x"] as const).map((era) => maxRequestBytes(era, direct, AHCI, LAST_RAM));
    expect(caps.map((bytes) => bytes / KIB)).toEqual([512, 1280, 1280, 4096]);
  });

  it("is limited by segments", () => {
    expect(requestBytes(512 * KIB, NVME, 4096)).toBe(512 * KIB);
    expect(requestBytes(512 * KIB, NVME, 1000)).toBe(128000);
    expect(requestBytes(512 * KIB, { ...NVME, maxSegments: 3 }, 1000)).toBe(2560);
    expect(requestBytes(512 * KIB, { ...NVME, maxSegments: 1 }, 100)).toBe(512);
  });
});

describe("splitBytes", () => {
  it("cuts an I/O into requests that end on physical blocks", () => {
    const pieces: number[] = [];
    const end = 512 + 300 * KIB;
    for (let at = 512; at < end; at += pieces.at(-1) ?? end) pieces.push(splitBytes(at, end - at, 128 * KIB, 4096));
    expect(pieces).toEqual([128 * KIB - 512, 128 * KIB, 44 * KIB + 512]);
  });

  it("takes what the limit allows when no block boundary is in reach", () => {
    expect(splitBytes(512, 8192, 1024, 4096)).toBe(1024);
    expect(splitBytes(0, 1000, 1024, 4096)).toBe(1000);
  });
});
