import { describe, expect, it } from "vitest";
import { renderIomem } from "#dmasim/report/inspect/iomem.js";
import { renderMachine } from "#dmasim/report/inspect/machine.js";
import { renderForest } from "#dmasim/report/inspect/tree.js";
import { createScreen } from "#dmasim/report/style.js";
import { loadShippedMachine } from "#dmasim/sim/machine/load.js";

describe("inspect views", () => {
  it("draws a forest", () => {
    const leaf = (text: string) => ({ text, children: [] });
    const root = { text: "root", children: [{ text: "a", children: [leaf("b"), leaf("c")] }, leaf("d")] };
    expect(renderForest([root, leaf("e")])).toEqual(["root", "├─ a", "│  ├─ b", "│  └─ c", "└─ d", "e"]);
  });

  it("machine: names the one flush queue of units that shadow their tables", () => {
    const textOf = (...set: readonly (readonly [string, string])[]) =>
      renderMachine(
        createScreen(false, 200),
        loadShippedMachine(
          "intel-vtd-2s",
          set.map(([path, value]) => ({ path, value })),
        ),
      ).replaceAll(/\s+/g, " ");
    const lazy = ["iommu.mode", "lazy"] as const;
    expect(textOf(lazy)).not.toContain("flush queue");
    expect(textOf(lazy, ["iommu.shadow_on_flush", "true"])).toContain("one flush queue of 32768 slots, 1000 ms");
  });

  it("iomem: rising ranges, the pool inside its RAM, BARs inside their window", () => {
    const lines = renderIomem(loadShippedMachine("intel-vtd-2s"));
    const starts = lines.map((line) => Number.parseInt(line.trim(), 16));
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
    expect(lines.find((line) => line.includes("software IO TLB"))).toMatch(/^ {2}\S/);
    expect(lines.find((line) => line.includes("nvme3 BAR 2"))).toMatch(/^ {2}\S+-\S+ : 0000:04:00\.0/);
    expect(lines[0]).toMatch(/^[0-9a-f]{12}-[0-9a-f]{12} : System RAM/);
  });
});
