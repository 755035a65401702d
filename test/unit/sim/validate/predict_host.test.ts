import { describe, expect, it } from "vitest";
import { HostLab, type HostParts } from "#dmasim/sim/validate/host/host_lab.js";
import { predictApp } from "#dmasim/sim/validate/predict_app.js";
import { predictDriver } from "#dmasim/sim/validate/predict_driver.js";
import type { Prediction, RowKeys, RowQuestion } from "#dmasim/sim/validate/row.js";
import { Constants } from "#dmasim/timing/calibration/constant.js";
import { HOST_COST_CONSTANTS } from "#dmasim/timing/calibration/host_cost.js";

function question(topic: string, system: RowKeys, workload: RowKeys, quantity: string): RowQuestion {
  return { topic, system, workload, quantity, statistic: "mean" };
}

function value(prediction: Prediction): number {
  if (prediction.status !== "ok") throw new Error(prediction.detail);
  return prediction.valueSi;
}

const constants = () => new Constants(HOST_COST_CONSTANTS);
const KUNPENG = { uarch: "kunpeng", arch: "arm64", iommu_kind: "smmuv3", cores: 96 };

describe("rows of map calls", () => {
  const unmap = (workload: RowKeys): number =>
    value(
      predictDriver(
        question(
          "dma-map-cost",
          KUNPENG,
          { initiator: "driver", op: "unmap", path: "iommu", iommu_mode: "strict", step: "whole", ...workload },
          "unmap_latency",
        ),
        constants(),
      ),
    );

  it("pay a synchronisation for each page only in the per-page form", () => {
    const perPage = (pages: number) =>
      unmap({ access_bytes: pages * 4096, unmap_form: "per_page", invalidation: "per_page" });
    const range = (pages: number) =>
      unmap({ access_bytes: pages * 4096, unmap_form: "range", invalidation: "per_range" });
    expect(perPage(16) / perPage(1)).toBeGreaterThan(12);
    expect(range(16)).toBeLessThan(perPage(16) / 4);
    expect(range(1)).toBeCloseTo(perPage(1), 9);
  });

  it("see few entries where large pages fit", () => {
    const large = unmap({ access_bytes: 2 ** 21, mapping_page_bytes: 2 ** 21 });
    expect(large).toBeLessThan(unmap({ access_bytes: 2 ** 21, mapping_page_bytes: 4096 }) / 10);
  });

  it("wait for each other at one queue, less at several and with a better lock", () => {
    const contended = unmap({ threads: 64 });
    expect(contended).toBeGreaterThan(20 * unmap({ threads: 1 }));
    expect(unmap({ threads: 64, command_queues: 64 })).toBeLessThan(contended / 10);
    expect(unmap({ threads: 64, cmdq_lock: "improved" })).toBeLessThan(contended);
  });
});

describe("rows of cache maintenance", () => {
  it("add a barrier for each entry", () => {
    const sync = (barriers: string): number =>
      value(
        predictDriver(
          question(
            "cache-maintenance",
            { uarch: "cortex-a55", coherent: false },
            { initiator: "driver", op: "sync", nents: 256, entry_bytes: 4096, barriers },
            "duration",
          ),
          constants(),
        ),
      );
    const barrierS = constants().get("cache.barrierNs") * 1e-9;
    expect(sync("per_entry") - sync("per_list")).toBeCloseTo(255 * barrierS, 12);
  });
});

describe("rows of applications", () => {
  const rate = (topic: string, system: RowKeys, workload: RowKeys): number =>
    value(predictApp(question(topic, system, { initiator: "app", ...workload }, "io_rate"), constants()));

  it("scale with magazines and not with the tree", () => {
    const jobs = (count: number, allocator: string) =>
      rate(
        "iova-allocator",
        { device: "vduse-ram" },
        { path: "iommu", driver: "vduse", jobs: count, iova_allocator: allocator },
      );
    expect(jobs(4, "magazine") / jobs(1, "magazine")).toBeGreaterThan(3);
    expect(jobs(8, "tree")).toBeLessThan(jobs(2, "tree"));
  });

  it("slow down behind one bounce lock and not behind areas", () => {
    const jobs = (count: number, locks: string) =>
      rate(
        "swiotlb",
        { virt: "vm", vcpus: 8, swiotlb_force: true },
        { path: "bounce", op: "read", direction: "from_device", jobs: count, iodepth: 256, swiotlb_locks: locks },
      );
    expect(jobs(4, "single")).toBeLessThan(jobs(1, "single"));
    expect(jobs(4, "areas")).toBeGreaterThan(1.5 * jobs(1, "areas"));
  });

  it("hide bounces behind a slow device", () => {
    const wifi = (path: string) =>
      rate("swiotlb", { device: "wifi-vht80" }, { path, op: "transmit", transport: "udp" });
    expect(wifi("bounce")).toBeCloseTo(wifi("direct"), 0);
  });

  it("gain from pooled buffers where mapping traps", () => {
    const system = { virt: "vm", iommu_kind: "virtio", device: "ssd-nvme", uarch: "comet-lake" };
    const workload = {
      initiator: "app",
      path: "bounce",
      op: "read",
      direction: "from_device",
      access_bytes: 16384,
      iodepth: 64,
    };
    const row = { ...workload, variant: "pooled_bounce", baseline: "map_unmap_per_io" };
    expect(value(predictApp(question("bounce", system, row, "bandwidth_ratio"), constants()))).toBeGreaterThan(3);
  });

  it("are unsupported where their software is unknown", () => {
    const workload = { initiator: "app", path: "bounce", variant: "no_bounce_packet_reassembly" };
    expect(predictApp(question("bounce", {}, workload, "bandwidth_gain"), constants()).status).toBe("unsupported");
    expect(predictApp(question("iommu-net", {}, { initiator: "app" }, "bandwidth"), constants())).toMatchObject({
      status: "unsupported",
      reason: "software-outside-model",
    });
  });
});

describe("the host lab", () => {
  const parts: HostParts = {
    era: "6.12",
    cpus: 8,
    iommuKind: "virtio",
    iommuMode: "strict",
    pageBytesMax: 4096,
    bounceAreas: 0,
    coherent: true,
  };

  it("asks the hypervisor once for each entry mapped and once for the list unmapped, in any order of ends", () => {
    const lab = new HostLab(parts);
    const held = Array.from({ length: 64 }, () => lab.map(0, 4, 4096, 2));
    expect(lab.ctx.cost.requests).toBe(4);
    const requests = held.map((mapping) => {
      if (mapping === null) throw new Error("mapped");
      lab.unmap(0, mapping, 4, 4096, 2);
      return lab.ctx.cost.requests;
    });
    expect(new Set(requests)).toEqual(new Set([1]));
  });
});
