import { describe, expect, it } from "vitest";
import { predictApp } from "#dmasim/sim/validate/predict_app.js";
import type { RowKeys, RowQuestion } from "#dmasim/sim/validate/row.js";
import { allConstants } from "#dmasim/timing/calibration/all.js";
import { Constants } from "#dmasim/timing/calibration/constant.js";

const SYSTEM: RowKeys = {
  uarch: "cascade-lake",
  arch: "x86_64",
  nic_gbit_per_s: 100,
  iommu_kind: "vtd",
  kernel: "6.0",
};
const WORKLOAD: RowKeys = {
  initiator: "app",
  op: "receive",
  path: "iommu",
  iommu_mode: "strict",
  transport: "tcp",
  app: "iperf",
  mtu_bytes: 4096,
  cores: 5,
  flows: 5,
};

function asked(quantity: string, workload: RowKeys, system: RowKeys = {}): RowQuestion {
  const question = { system: { ...SYSTEM, ...system }, workload: { ...WORKLOAD, ...workload } };
  return { topic: "iommu-net", ...question, quantity, statistic: "mean" };
}

function answer(quantity: string, workload: RowKeys, system: RowKeys = {}): number {
  const prediction = predictApp(asked(quantity, workload, system), new Constants(allConstants()));
  if (prediction.status !== "ok") throw new Error(prediction.detail);
  return prediction.valueSi;
}

describe("NICs behind an IOMMU", () => {
  it("miss once a page at least in strict mode, and more with more flows", () => {
    const counts = [5, 10, 20, 40].map((flows) => answer("misses_per_page", { structure: "iotlb", flows }));
    expect(counts[0]).toBeGreaterThan(1);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
  });

  it("read what all levels miss", () => {
    const of = (structure: string) => answer("misses_per_page", { structure, flows: 20 });
    const sum = of("iotlb") + of("ptcache_l1") + of("ptcache_l2") + of("ptcache_l3");
    expect(answer("reads_per_page", { structure: "walk", flows: 20 })).toBeCloseTo(sum, 6);
  });

  it("lose the tables of the last level more often with larger rings", () => {
    const of = (ring: number) => answer("misses_per_page", { structure: "ptcache_l3", ring_entries: ring });
    expect(of(2048)).toBeGreaterThan(of(256));
  });

  it("keep their tables where one command ends a descriptor, or commands are deferred", () => {
    const strict = answer("misses_per_page", { structure: "ptcache_l3", flows: 40 });
    const kept = { structure: "ptcache_l3", flows: 40, variant: "fast_and_safe" };
    expect(answer("misses_per_page", kept)).toBeLessThan(strict / 10);
    expect(answer("misses_per_page", { structure: "ptcache_l3", flows: 40, iommu_mode: "lazy" })).toBeLessThan(
      strict / 10,
    );
  });

  it("reach the goodput of untranslated receivers when tables are kept, and less in strict mode", () => {
    const off = answer("bandwidth", { flows: 40, iommu_mode: "off", path: "direct" });
    expect(answer("bandwidth", { flows: 40, variant: "fast_and_safe" })).toBeCloseTo(off, 0);
    expect(answer("bandwidth", { flows: 40, iommu_mode: "passthrough" })).toBeCloseTo(off, 0);
    expect(answer("bandwidth", { flows: 40 })).toBeLessThan(off / 2 + off / 10);
    expect(answer("bandwidth_loss", { flows: 40, baseline: "iommu_off" })).toBeGreaterThan(0.4);
  });

  it("translate nothing without an IOMMU", () => {
    expect(answer("reads_per_page", { iommu_mode: "off", path: "direct" })).toBe(0);
  });

  it("walk less often for superpages", () => {
    expect(answer("misses_per_page", { structure: "iotlb", mapping_page_bytes: 2 ** 21 })).toBeLessThan(0.5);
  });

  it("are refused where the load or the program is not known", () => {
    const { flows: _, cores: __, ...bare } = WORKLOAD;
    const question = { topic: "iommu-net", system: SYSTEM, workload: bare, quantity: "bandwidth", statistic: "mean" };
    expect(predictApp(question, new Constants(allConstants())).status).toBe("unsupported");
    expect(predictApp(asked("bandwidth", { app: "redis" }), new Constants(allConstants())).status).toBe("unsupported");
  });
});

describe("programs that keep a device busy", () => {
  const drive: RowKeys = { device: "ssd-nvme-gen4", pcie_gen: 4 };
  const read: RowKeys = { initiator: "app", op: "read", app: "gdsio", access_bytes: 2 ** 20, threads: 8 };
  const rate = (path: string, threads = 8) => {
    const question = { topic: "p2p", system: drive, workload: { ...read, path, threads }, quantity: "bandwidth" };
    const prediction = predictApp({ ...question, statistic: "mean" }, new Constants(allConstants()));
    return prediction.status === "ok" ? prediction.valueSi : 0;
  };

  it("read a drive at the rate of its link wherever the bytes land", () => {
    expect(rate("p2p")).toBeGreaterThan(6e9);
    expect(rate("p2p")).toBeLessThan(7.9e9);
    expect(rate("staged") / rate("direct")).toBeCloseTo(1, 2);
  });

  it("wait for staged copies when one thread reads", () => {
    expect(rate("staged", 1)).toBeLessThan(rate("p2p", 1));
  });
});
