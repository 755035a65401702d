import { describe, expect, it } from "vitest";
import { exitCodeOf } from "#dmasim/cli/exit_code.js";
import { jobResult, runResult, troubledResult } from "../../support/result.ts";

describe("exit code of a run", () => {
  it("0 when all is well", () => {
    expect(exitCodeOf(runResult())).toBe(0);
  });

  it("3 for wrong data, leaks or a failed worker", () => {
    const { host } = runResult();
    const mismatched = { ...host, integrity: { bytes_verified: 1, mismatches: 1, first: [] } };
    const failed = { ...host, worker_failure: { worker: 0, cause: "exited", locks: [], in_flight: [] } };
    const leaks = [{ kind: "iova", where: "domain 0", count: 1 }] as const;
    expect(exitCodeOf(runResult({ host: mismatched }))).toBe(3);
    expect(exitCodeOf(runResult({ host: failed }))).toBe(3);
    expect(exitCodeOf(runResult({ integrity: { leaks } }))).toBe(3);
  });

  it("3 for errors of dma-debug, interrupted or not", () => {
    const clean = { errors: 0, mappings: 9, entries_hiwater: 1, first: [] };
    expect(exitCodeOf(runResult({ dma_debug: clean }))).toBe(0);
    expect(exitCodeOf(runResult({ dma_debug: { ...clean, errors: 2 } }))).toBe(3);
    expect(exitCodeOf(runResult({ dma_debug: { ...clean, errors: 2 }, partial: true }))).toBe(3);
  });

  it("130 when interrupted, unless the data are wrong", () => {
    expect(exitCodeOf(runResult({ partial: true }))).toBe(130);
    expect(exitCodeOf(runResult({ partial: true, integrity: troubledResult().integrity }))).toBe(130);
    expect(exitCodeOf(troubledResult())).toBe(3);
  });

  it("4 for a missed latency target", () => {
    expect(exitCodeOf(runResult({ jobs: [jobResult({ latency_target: { depth: 1, met: false } })] }))).toBe(4);
    expect(exitCodeOf(runResult({ jobs: [jobResult({ latency_target: { depth: 9, met: true } })] }))).toBe(0);
  });
});
