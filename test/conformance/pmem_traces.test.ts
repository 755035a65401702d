import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { packagePath } from "#dmasim/base/package_root.js";
import { planNamespace } from "#dmasim/memory/namespace.js";
import { previewMapping } from "#dmasim/sim/mapping/preview.js";
import { resolveMapRequest } from "#dmasim/sim/mapping/request.js";

interface TracedList {
  readonly dir: string;
  readonly phys: readonly string[];
  readonly bytes: readonly number[];
  readonly segments: number;
  readonly sameAddress: boolean;
}

interface Scenario {
  readonly name: string;
  readonly iommu: boolean;
  readonly namespace: {
    readonly map: "mem" | "dev";
    readonly align: number;
    readonly raw: number;
    readonly size: number;
    readonly dataStart: string;
  };
  readonly lists: readonly TracedList[];
}

const { scenarios } = JSON.parse(readFileSync(packagePath("data", "pmem-traces.json"), "utf8")) as {
  scenarios: Scenario[];
};

describe.each(scenarios)("$name", ({ iommu, namespace, lists }) => {
  it("lays the namespace out as the kernel did", () => {
    const { map, align, raw, size, dataStart } = namespace;
    const start = 0x100000000;
    const plan = planNamespace("5.3", {
      name: "namespace0.0",
      start,
      bytes: raw,
      map,
      alignBytes: align,
      ram: [],
      neighbours: [],
    });
    expect(plan.dataBytes).toBe(size);
    expect(start + plan.dataOffsetBytes).toBe(Number(dataStart));
  });

  it.each(lists)("maps $phys like RAM", ({ dir, phys, bytes, segments, sameAddress }) => {
    const set = iommu ? [] : [{ path: "iommu.mode", value: "off" }];
    const entries = phys.map((at, index) => `pmem@${at}+${bytes[index]}`);
    const { mapped, pins, leaks } = previewMapping(
      resolveMapRequest({ machine: "qemu-q35", dev: "nvme0", dir, entries, set }),
    );
    expect(mapped?.segments).toHaveLength(segments);
    expect(pins.pageless).toEqual([]);
    expect(leaks).toEqual([]);
    for (const [index, segment] of (mapped?.segments ?? []).entries()) {
      const at = Number(phys[index]);
      expect(segment.dmaAddr === at).toBe(sameAddress);
      expect(segment.dmaAddr % 4096).toBe(at % 4096);
      expect(segment.bytes).toBe(segments === 1 ? bytes.reduce((sum, each) => sum + each, 0) : bytes[index]);
    }
  });
});
