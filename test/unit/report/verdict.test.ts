import { describe, expect, it } from "vitest";
import { judge, throughputText } from "#dmasim/report/verdict.js";
import { direction, jobResult, runResult, troubledResult } from "../../support/result.ts";

describe("verdict", () => {
  it("names the bottleneck and how busy it is", () => {
    expect(judge(runResult())).toEqual({
      level: "good",
      words: "LIMITED BY smmu0.cmdq (98 % busy): 11.5 GB/s, 2.8 M IOPS",
    });
  });

  it("what is wrong with the run stands before any figure, the worst first", () => {
    const all = troubledResult();
    expect(judge(all).words).toBe("WORKER 1 FAILED: no heartbeat for 10 s; figures are incomplete");
    const { worker_failure: _, ...host } = all.host;
    const data = { ...all, host };
    expect(judge(data).words).toBe(
      "WRONG DATA: 3 mismatches, first in job mixed-read-write-with-a-long-name at I/O 181223",
    );
    const leaks = { ...data, host: { ...host, integrity: { bytes_verified: 1, mismatches: 0, first: [] } } };
    const misuse = { ...leaks, dma_debug: { errors: 2, mappings: 9, entries_hiwater: 1, first: [] } };
    expect(judge(misuse).words).toBe("WRONG USE OF THE DMA API: 2 errors found by dma-debug");
    expect(judge(leaks).words).toBe("LEAKED 128 swiotlb slots, 1 iova");
    const failed = { ...leaks, integrity: { leaks: [] } };
    expect(judge(failed)).toMatchObject({
      level: "bad",
      words: expect.stringMatching(/^1 OF 3 JOBS FAILED: to-gpu: /),
    });
    const partial = { ...failed, jobs: [jobResult()] };
    expect(judge(partial)).toEqual({ level: "warn", words: "INTERRUPTED: 11.5 GB/s, 2.8 M IOPS ±30 % until then" });
  });

  it("several leaks of one kind are counted together, in English", () => {
    const leak = { kind: "page-table entry", where: "domain 1" } as const;
    const leaks = [
      { ...leak, count: 1 },
      { ...leak, count: 2 },
    ];
    expect(judge(runResult({ integrity: { leaks } })).words).toBe("LEAKED 3 page-table entries");
  });

  it("a missed latency target is said before the bottleneck", () => {
    const jobs = [jobResult({ latency_target: { depth: 1, met: false } })];
    expect(judge(runResult({ jobs })).words).toMatch(/^LATENCY TARGET MISSED by rand-read: /);
  });

  it("nothing saturated: the load sets the pace", () => {
    expect(judge(runResult({ bottleneck: null })).words).toMatch(/^NO RESOURCE IS SATURATED/);
  });

  it("rates of one group add up; groups run one after the other, so they do not", () => {
    const half = (groupid: number, iops: number) =>
      jobResult({ groupid, read: direction(iops, 4096, 1e5), write: direction(iops, 4096, 1e5) });
    expect(throughputText(runResult({ jobs: [half(0, 1000), half(0, 2000)] }))).toBe("0.0246 GB/s, 6 k IOPS");
    expect(throughputText(runResult({ jobs: [half(0, 1000), half(1, 2000)] }))).toBe(
      "0.00819 to 0.0164 GB/s, 2 k to 4 k IOPS in 2 groups, one after the other",
    );
  });

  it("a run without jobs has no rate", () => {
    expect(throughputText(runResult({ jobs: [] }))).toBe("0 GB/s, 0 IOPS");
  });
});
