import { describe, expect, it } from "vitest";
import { DmasimError } from "#dmasim/base/errors.js";
import { machineJsonSchema } from "#dmasim/sim/machine/schema.js";
import { loadText } from "./machine_file.ts";

const board = (keys: string) => `name: board
title: A board
arch: arm64
cpus: { cores_per_socket: 1 }
memory: [{ name: ram0, start: 0x80000000, size: 1GiB }]
devices: [{ name: mmc0, class: soc, ${keys} }]
`;
const ranged = (...ranges: readonly string[]) =>
  board(`dma_ranges: [${ranges.map((each) => `{ ${each} }`).join(", ")}]`);

function refused(text: string): string {
  try {
    loadText(text);
  } catch (error) {
    if (error instanceof DmasimError) return error.message;
  }
  throw new Error("the machine was accepted");
}

describe("dma_ranges of a device", () => {
  it("are null by default, and limit the bus to their last address otherwise", () => {
    expect(loadText(board("queues: 1")).devices[0]).toMatchObject({ dmaRanges: null, busDmaLimit: 0 });
    const both = ranged("cpu: 0x80000000, bus: 0x40000000, size: 512MiB", "cpu: 0xa0000000, bus: 0, size: 512MiB");
    expect(loadText(both).devices[0]).toMatchObject({
      dmaRanges: [
        { cpuStart: 0x80000000, dmaStart: 0x40000000, bytes: 0x20000000 },
        { cpuStart: 0xa0000000, dmaStart: 0, bytes: 0x20000000 },
      ],
      busDmaLimit: 0x5fffffff,
    });
    const narrow = board("bus_dma_limit: 0xfffffff, dma_ranges: [{ cpu: 0x80000000, bus: 0, size: 1GiB }]");
    expect(loadText(narrow).devices[0]?.busDmaLimit).toBe(0xfffffff);
  });

  it.each([
    ["no range at all", board("dma_ranges: []"), "devices[0].dma_ranges"],
    ["half a page", ranged("cpu: 0x80000000, bus: 0x800, size: 4k"), "devices[0].dma_ranges[0].bus"],
    ["beyond 2^52", ranged("cpu: 0xffffffffff000, bus: 0, size: 8k"), "devices[0].dma_ranges[0].size"],
    ["CPU overlap", ranged("cpu: 0, bus: 0, size: 8k", "cpu: 0x1000, bus: 0x8000, size: 4k"), "dma_ranges[1].cpu"],
    ["bus overlap", ranged("cpu: 0, bus: 0, size: 8k", "cpu: 0x8000, bus: 0x1000, size: 4k"), "dma_ranges[1].bus"],
  ])("%s is refused", (_title, text, path) => {
    expect(refused(text)).toContain(path);
  });

  it("are in the JSON Schema", () => {
    expect(JSON.stringify(machineJsonSchema())).toContain('"dma_ranges"');
  });
});
