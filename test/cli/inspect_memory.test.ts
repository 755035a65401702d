import { describe, expect, it } from "vitest";
import { resolveMachine } from "#dmasim/sim/machine/load.js";
import { memoryView } from "#dmasim/sim/machine/memory_view.js";

const GIB = 2 ** 30;

describe("inspect memory", () => {
  it("shows sections, the cost of struct pages, and what each kernel makes of a namespace", () => {
    const view = memoryView(resolveMachine("intel-vtd-2s"));
    const pmem1 = view.regions.find(({ name }) => name === "pmem1");
    expect(pmem1).toMatchObject({ sections: 4096, memmapBytes: 8 * GIB, shares: [] });
    expect(view.regions.find(({ name }) => name === "pmem0")?.memmapBytes).toBe(0);
    const pmem0 = view.namespaces.filter(({ region, map }) => region === "pmem0" && map === "dev");
    expect(pmem0.map(({ rule }) => rule)).toEqual(["4.3", "4.5", "5.3"]);
    expect(pmem0.every(({ plan }) => plan.memmapInRamBytes === 0)).toBe(true);
  });

  it("says which devices RAM is out of reach for", () => {
    const { devices } = memoryView(resolveMachine("intel-vtd-2s"));
    const way = Object.fromEntries(devices.map((each) => [each.device, each.way]));
    expect(way).toMatchObject({ nvme0: "translated", nvme2: "direct", capture0: "bounces above its limit" });
  });

  it("shows a section that a region shares with RAM", () => {
    const view = memoryView(
      resolveMachine("qemu-q35", [
        { path: "memory[2].start", value: "0x4c000000" },
        { path: "memory[1].size", value: "0x4bf00000" },
        { path: "swiotlb.start", value: "0x40000000" },
      ]),
    );
    expect(view.regions[2]).toMatchObject({ startInSection: 64 * 2 ** 20, shares: ["ram0"] });
    const plans = view.namespaces
      .filter(({ map }) => map === "mem")
      .map(({ rule, plan }) => [rule, plan.ret, plan.startPadBytes]);
    expect(plans).toEqual([
      ["4.3", -6, 0],
      ["4.5", 0, 64 * 2 ** 20],
      ["5.3", 0, 0],
    ]);
  });
});
