import { describe, expect, it } from "vitest";
import { bottleneckOf, type IoTotals } from "#dmasim/sim/bottleneck.js";
import type { ResourceResult } from "#dmasim/sim/result.js";
import type { ServerStats } from "#dmasim/timing/server.js";

const TOTALS: IoTotals = { ios: 1000, meanNs: 100_000, paced: false };

function resource(name: string, kind: string, utilization: number): ResourceResult {
  return { name, kind, utilization, wait_ns: 0 };
}

function server(name: string, kind: string, busyNs: number, waitNs = 0): ServerStats {
  return { name, kind, width: 1, busyPs: busyNs * 1000, waitPs: waitNs * 1000, rebase: () => {} };
}

function judge(resources: readonly ResourceResult[], servers: readonly ServerStats[] = [], totals = TOTALS) {
  return bottleneckOf(
    [...resources].sort((a, b) => b.utilization - a.utilization),
    servers,
    totals,
  );
}

describe("bottleneck", () => {
  it("a saturated server explains full tags, full credits and spinning CPUs", () => {
    const found = judge([
      resource("cpu 0", "cpu", 1),
      resource("rc0 write buffer", "credits", 0.99),
      resource("nvme0 tags", "tags", 0.98),
      resource("nvme0 link up", "link", 0.9),
      resource("nvme0 media", "media", 0.5),
      resource("nvme1 media", "media", 0.4),
      resource("dmar0 walkers", "iommu", 0.25),
    ]);
    expect(found).toMatchObject({ bound: "resource", resource: "nvme0 link up", share: 0.9 });
    expect(found?.why).toBe("nvme0 link up is 90 % busy: the wire carries no more TLPs");
    expect(found?.next).toEqual([
      { resource: "nvme0 media", share: 0.5, headroom: 2 },
      { resource: "dmar0 walkers", share: 0.25, headroom: 4 },
    ]);
  });

  it("full tags are the limit when no server is; CPUs only when nothing else is", () => {
    const cpu = resource("cpu 0", "cpu", 1);
    expect(judge([cpu, resource("nvme0 tags", "tags", 0.9)])?.resource).toBe("nvme0 tags");
    expect(judge([cpu, resource("nvme0 link up", "link", 0.6)])?.resource).toBe("cpu 0");
  });

  it("a CPU that is limited says how much of its time waits for others", () => {
    const servers = [server("cpu 0", "cpu", 1000), server("iova tree 0", "lock", 100, 500)];
    expect(judge([resource("cpu 0", "cpu", 1)], servers)?.why).toContain(
      "50 % of CPU time waits for other CPUs, most at iova tree 0",
    );
  });

  it("every kind has a reason and something that moves it", () => {
    for (const kind of "credits tags memory link iommu invalidation cpu device media lock"
      .split(" ")
      .concat("bounce pool")) {
      const found = judge([resource("it", kind, 0.99)]);
      expect(found?.why).toMatch(/^it is 99 % busy: \S/);
      expect(found?.moves.length).toBeGreaterThan(0);
    }
  });

  it("nothing saturated: the latency of one I/O, by what takes most of it", () => {
    const servers = [
      server("nvme0 media", "media", 80e6),
      server("nvme0 tags", "tags", 95e6),
      server("cpu 0", "cpu", 5e6),
    ];
    const found = judge([resource("cpu 0", "cpu", 0.05), resource("nvme0 media", "media", 0.01)], servers);
    expect(found).toMatchObject({ bound: "latency", resource: "cpu 0" });
    expect(found?.why).toBe("latency bound: media 80 us of 100 us; nothing is saturated (cpu 0 is 5 % busy)");
    expect(found?.moves[0]).toBe("a higher iodepth");
  });

  it("a load with a pace of its own, and one that waits for something without a server", () => {
    const resources = [resource("cpu 0", "cpu", 0.5)];
    expect(judge(resources, [], { ...TOTALS, paced: true })?.bound).toBe("pace");
    expect(judge(resources, [server("cpu 0", "cpu", 1e6)])?.bound).toBe("mixed");
  });

  it("no I/O: no limit", () => {
    expect(judge([resource("cpu 0", "cpu", 1)], [], { ...TOTALS, ios: 0 })).toBeNull();
    expect(judge([])).toBeNull();
  });
});
