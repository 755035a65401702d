import { describe, expect, it } from "vitest";
import type { PathName } from "#dmasim/base/cost.js";
import { bytesOf, CLOCKS, expectClean, jobOf, type RunChanges, runJobs } from "../support/run.ts";

interface Case extends RunChanges {
  readonly what: string;
  readonly job: string;
  /** Expected share of every path; the others are 0. */
  readonly path: Partial<Record<PathName, number>>;
  /** Bytes that the job moves. */
  readonly bytes: number;
}

const MIB = 2 ** 20;

/** One job for every way that bytes can go. */
const PATHS: readonly Case[] = [
  {
    what: "direct",
    job: "{ name: a, rw: randrw, bs: 4k, size: 2MiB, iodepth: 8, device: nvme2 }",
    path: { direct: 1 },
    bytes: 2 * MIB,
  },
  {
    what: "direct, mapped once",
    job: "{ name: a, rw: randrw, bs: 4k, size: 2MiB, iodepth: 8, device: nvme2, map: persistent }",
    path: { direct: 1 },
    bytes: 2 * MIB,
  },
  {
    what: "IOMMU strict",
    job: "{ name: a, rw: randrw, bs: 4k, size: 2MiB, iodepth: 8, device: nvme0 }",
    path: { iommu: 1 },
    bytes: 2 * MIB,
  },
  {
    what: "IOMMU strict, mapped once",
    job: "{ name: a, rw: randrw, bs: 16k, size: 4MiB, iodepth: 8, device: nvme0, map: persistent }",
    path: { iommu: 1 },
    bytes: 4 * MIB,
  },
  {
    what: "IOMMU lazy",
    job: "{ name: a, rw: randrw, bs: 4k, size: 8MiB, iodepth: 8, device: nvme1 }",
    path: { iommu: 1 },
    bytes: 8 * MIB,
  },
  {
    what: "bounce: a 32-bit device behind an identity mapping",
    job: "{ name: a, rw: rw, bs: 16k, size: 2MiB, iodepth: 4, device: capture0 }",
    path: { bounce: 1 },
    bytes: 2 * MIB,
  },
  {
    what: "bounce: a confidential guest",
    machine: "confidential-vm",
    job: "{ name: a, rw: randrw, bs: 4k, size: 4MiB, iodepth: 8, numjobs: 2 }",
    path: { bounce: 1 },
    bytes: 8 * MIB,
  },
  {
    what: "bounce: a non-coherent board",
    machine: "soc-30bit",
    job: "{ name: a, rw: randrw, bs: 4k, size: 1MiB, iodepth: 4 }",
    path: { bounce: 1 },
    bytes: MIB,
  },
  {
    what: "peer to peer below one switch",
    job: '{ name: a, rw: randrw, bs: 4k, size: 2MiB, iodepth: 8, device: nvme2, target: "bar:nvme3" }',
    path: { p2p: 1 },
    bytes: 2 * MIB,
  },
  {
    what: "page-less persistent memory behind the IOMMU",
    job: "{ name: a, rw: randrw, bs: 4k, size: 2MiB, iodepth: 8, device: nvme0, target: pmem0 }",
    path: { iommu: 1 },
    bytes: 2 * MIB,
  },
  {
    what: "page-less persistent memory by physical address",
    job: "{ name: a, rw: randrw, bs: 4k, size: 2MiB, iodepth: 8, device: nvme2, target: pmem0 }",
    path: { direct: 1 },
    bytes: 2 * MIB,
  },
  {
    what: "persistent memory with struct pages",
    job: "{ name: a, rw: randrw, bs: 4k, size: 2MiB, iodepth: 8, device: nvme0, target: pmem1 }",
    path: { iommu: 1 },
    bytes: 2 * MIB,
  },
  {
    what: "lists that mix pages and page-less entries",
    job: "{ name: a, rw: randrw, bs: 64k, size: 4MiB, iodepth: 4, device: nvme0, sg: { pageless_share: 0.25 } }",
    path: { iommu: 1 },
    bytes: 4 * MIB,
  },
  {
    what: "an on-chip copy engine",
    job: "{ name: a, rw: copy, bs: 64k, size: 4MiB, iodepth: 4, device: ioat0, target: pmem0 }",
    path: { iommu: 1 },
    bytes: 4 * MIB,
  },
  {
    what: "an on-chip copy engine, mapped once",
    job: "{ name: a, rw: copy, bs: 64k, size: 4MiB, iodepth: 4, device: ioat0, target: pmem0, map: persistent }",
    path: { iommu: 1 },
    bytes: 4 * MIB,
  },
  {
    what: "DAX: the CPU copies",
    job: "{ name: a, ioengine: dev-dax, rw: randrw, bs: 64k, size: 4MiB, filename: /dev/dax0.0 }",
    path: { cpu: 1 },
    bytes: 4 * MIB,
  },
  {
    what: "a network card",
    job: "{ name: a, rw: rw, bs: 1500, size: 300000, iodepth: 16, device: nic0 }",
    path: { iommu: 1 },
    bytes: 300000,
  },
];

/** Sizes and offsets that fill no page, no granule and no sector. */
const SHAPES: readonly Case[] = [
  {
    what: "one sector",
    job: "{ name: a, rw: randrw, bs: 512, size: 128k, iodepth: 8 }",
    path: { iommu: 1 },
    bytes: 131072,
  },
  {
    what: "an offset of one sector",
    job: "{ name: a, rw: randrw, bs: 8k, size: 1MiB, iodepth: 8, sg: { offset: 512 } }",
    path: { iommu: 1 },
    bytes: MIB,
  },
  {
    what: "entries of 1000 bytes",
    job: "{ name: a, rw: randrw, bs: 8k, size: 1MiB, iodepth: 8, sg: { entry: 1000 } }",
    path: { iommu: 1 },
    bytes: MIB,
  },
  {
    what: "entries of 1000 bytes, side by side",
    job: "{ name: a, rw: randrw, bs: 8k, size: 1MiB, iodepth: 8, sg: { entry: 1000, scatter: false, offset: 24 } }",
    path: { iommu: 1 },
    bytes: MIB,
  },
  {
    what: "entries of 1000 bytes, bounced",
    machine: "confidential-vm",
    job: "{ name: a, rw: randrw, bs: 8k, size: 1MiB, iodepth: 8, sg: { entry: 1000, offset: 7 } }",
    path: { bounce: 1 },
    bytes: MIB,
  },
  {
    what: "entries of 512 KiB, bounced: cut at what slots hold",
    machine: "confidential-vm",
    job: "{ name: a, rw: randrw, bs: 512k, size: 8MiB, iodepth: 2, sg: { entry: 512k, scatter: false } }",
    path: { bounce: 1 },
    bytes: 8 * MIB,
  },
  {
    what: "a range of sizes",
    job: "{ name: a, rw: rw, bsrange: 512-64k, io_size: 8MiB, size: 16MiB, iodepth: 8 }",
    path: { iommu: 1 },
    bytes: 0,
  },
  {
    what: "1 MiB in two commands",
    job: "{ name: a, rw: randrw, bs: 1MiB, size: 16MiB, iodepth: 4 }",
    path: { iommu: 1 },
    bytes: 16 * MIB,
  },
  {
    what: "4 MiB in eight commands",
    job: "{ name: a, rw: rw, bs: 4MiB, size: 32MiB, iodepth: 2 }",
    path: { iommu: 1 },
    bytes: 32 * MIB,
  },
  {
    what: "contiguous buffers",
    job: "{ name: a, rw: randrw, bs: 256k, size: 8MiB, iodepth: 4, sg: { scatter: false } }",
    path: { iommu: 1 },
    bytes: 8 * MIB,
  },
  {
    what: "513 bytes on a wire",
    job: "{ name: a, rw: rw, bs: 513, size: 51300, iodepth: 8, device: nic0 }",
    path: { iommu: 1 },
    bytes: 51300,
  },
  {
    what: "513 bytes on a wire, bounced",
    machine: "confidential-vm",
    job: "{ name: a, rw: rw, bs: 513, size: 51300, iodepth: 8, device: eth0 }",
    path: { bounce: 1 },
    bytes: 51300,
  },
];

const NO_PATH = { direct: 0, iommu: 0, bounce: 0, p2p: 0, cpu: 0, staged: 0 };

describe.each(CLOCKS)("%s clock: bytes arrive by the path that they should take", (clock) => {
  it.each([...PATHS, ...SHAPES])("$what", async ({ what: _what, job, path, bytes, ...changes }) => {
    const result = await runJobs([job], { clock, workers: 2, ...changes });
    expectClean(result);
    const moved = jobOf(result);
    expect(moved.path).toEqual({ ...NO_PATH, ...path });
    if (bytes > 0) expect(bytesOf(moved)).toBe(bytes);
    expect(bytesOf(moved)).toBeGreaterThan(0);
    expect(result.host.integrity.bytes_verified).toBe(bytesOf(moved));
  });
});
