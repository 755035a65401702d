import { describe, expect, it } from "vitest";
import { resolveMachine } from "#dmasim/sim/machine/load.js";
import { parseEntries, parseEntry } from "#dmasim/sim/mapping/entries.js";
import { System } from "#dmasim/sim/system.js";

const system = new System(resolveMachine("intel-vtd-2s"));

describe("scatterlist entries", () => {
  it.each([
    ["ram@0x10800+0x800", { kind: "ram", region: "ram-low", phys: 0x10800, bytes: 0x800, hasPage: true }],
    ["pmem@0x1_0005_0000+4k", { kind: "pmem", region: "pmem0", phys: 0x100050000, bytes: 4096, hasPage: false }],
    ["pmem0+0x50000+0x1000", { kind: "pmem", region: "pmem0", phys: 0x100050000, bytes: 4096, hasPage: false }],
    ["pmem1+0+2MiB", { kind: "pmem", region: "pmem1", phys: 0x14080000000, bytes: 2 ** 21, hasPage: true }],
    ["bar:nvme3+4k+4k", { kind: "bar", region: "bar:nvme3", phys: 0x210010001000, bytes: 4096, hasPage: true }],
    ["bar@0x210010000000+512", { kind: "bar", region: "bar:nvme3", phys: 0x210010000000, bytes: 512, hasPage: true }],
    ["pfn:0x10+0x800", { kind: "pfn", region: "ram-low", phys: 0x10000, bytes: 0x800, hasPage: false }],
    ["pfn:16+4k@0x200", { kind: "pfn", region: "ram-low", phys: 0x10200, bytes: 4096, hasPage: false }],
    ["pfn:0x10+4k@0x1200", { kind: "pfn", region: "ram-low", phys: 0x11200, bytes: 4096, hasPage: false }],
  ])("reads %s", (text, entry) => {
    expect(parseEntry(system, text)).toEqual({ text, ...entry });
  });

  it.each([
    ["", "no scatterlist entry"],
    ["ram", "no scatterlist entry"],
    ["ram@0x1000", "no scatterlist entry"],
    ["rom@0x1000+4k", "no scatterlist entry"],
    ["ram@0x1000+4k+4k", "no scatterlist entry"],
    ["pfn:0x10", "no scatterlist entry"],
    ["pfn:0x10+4k@1@2", "no scatterlist entry"],
    ["ram@0x1000+many", 'got "many"'],
    ["ram@+4k", 'got ""'],
    ["pfn:-1+4k", 'got "-1"'],
    ["ram0+0+0", "got 0"],
    ["ram@0x10800+4GiB", "struct scatterlist keeps 32 bits"],
    ["ram@0xa0000+4k", "nearest: ram-low 0x1000-0x9efff, ram0"],
    ["ram@0x100050000+0x1000", "write pmem@0x100050000+0x1000"],
    ["pmem@0x10800+0x800", "ram-low 0x1000-0x9efff does"],
    ["pmem9+0+4k", "did you mean pmem0?"],
    ["ram0+0x7feff000+8k", "make it 0x1000 bytes or shorter"],
    ["ram0+0x7ff00000+4k", "starts behind the end of ram0"],
    ["pfn:0x100000000000+4k", "nothing answers"],
    ["ram@0x7c000000+4k", "belongs to the bounce pool"],
    ["ram@0x7bfff800+4k", "belongs to the bounce pool"],
  ])("refuses %j with a way out", (text, message) => {
    expect(() => parseEntry(system, text)).toThrow(message);
    expect(() => parseEntry(system, text)).toThrow(/remedy: /);
  });

  it("a list has 1 to 2048 entries", () => {
    const entry = "ram0+0+4k";
    expect(parseEntries(system, Array(2048).fill(entry))).toHaveLength(2048);
    expect(() => parseEntries(system, Array(2049).fill(entry))).toThrow("at most 2048 (SG_MAX_SEGMENTS)");
    expect(() => parseEntries(system, [])).toThrow("at least one entry");
  });
});
