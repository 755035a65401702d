import { describe, expect, it } from "vitest";
import { stageRows } from "#dmasim/report/explain/stage_rows.js";
import { renderExplanation } from "#dmasim/report/explain/terminal.js";
import { timelineText } from "#dmasim/report/explain/timeline.js";
import { createScreen } from "#dmasim/report/style.js";
import type { ExplainedIo, ExplainedStep, StageName } from "#dmasim/sim/explain/result.js";
import { explainIo } from "#dmasim/sim/explain/stages.js";
import { runResult } from "../../support/result.js";

const SCREEN = createScreen(false, 100);

function step(stage: StageName, start: number, wait: number, service: number): ExplainedStep {
  return { stage, place: stage, start_ns: start, wait_ns: wait, service_ns: service };
}

function io(which: ExplainedIo["which"], mediaPs: number): ExplainedIo {
  const steps = [
    { phase: "map", place: "cpu", waitPs: 0, servicePs: 500_400 },
    { phase: "media", place: "nvme0 media", waitPs: 1_000_300, servicePs: mediaPs },
    { phase: "transfer", place: "nvme0 link up", waitPs: 0, servicePs: 600_300 },
    { phase: "transfer", place: "rc0", waitPs: 0, servicePs: 300_000 },
    { phase: "unmap", place: "invalidation queue 0", waitPs: 900_000, servicePs: 2_000_000 },
  ];
  const latencyPs = steps.reduce((sum, { waitPs, servicePs }) => sum + waitPs + servicePs, 0);
  const shape = { bytes: 4096, commands: 1, commandBytes: 4096, quanta: 8, walks: 1, levels: 4, write: false };
  return explainIo(which, { clone: 0, io: 7, latencyPs, steps, ...shape });
}

describe("explanation", () => {
  it("draws both I/Os in 100 columns, and their rows sum to the latency", () => {
    const transfers = [io("median", 80e6), io("p99", 99e6)];
    const run = runResult();
    const text = renderExplanation(SCREEN, {
      schema: "dmasim/explain@1",
      job: "a",
      direction: "read",
      ios: 900,
      transfers,
      run,
    });
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
    expect(text).toContain("MEDIAN READ 85.3 us: 2 % waiting, most of it for nvme0 media (media)");
    expect(text).toMatch(/ sum +85\.3 us +1901 +83400 {2}100 %/);
    expect(text).toMatch(/p99 - median +p99 is 19 us longer: media \+19 us/);
    expect(text).toMatch(/one I\/O waits +median: nvme0 media 1 us \(1 %\)/);
  });

  it("stages without time have a row that says why; whole nanoseconds add up", () => {
    const rows = stageRows(io("median", 80e6));
    expect(rows.map(({ stage }) => stage)).toEqual([
      "map",
      "bounce",
      "media",
      "link",
      "walk",
      "root complex",
      "memory",
      "unmap",
    ]);
    expect(rows.reduce((sum, { waitNs, serviceNs }) => sum + waitNs + serviceNs, 0)).toBe(85301);
  });

  it("a bar lies where its time lies; what is too short has a mark", () => {
    expect(timelineText(SCREEN, [step("media", 25, 25, 50)], 100, 8)).toBe("  ░░████");
    expect(timelineText(SCREEN, [step("map", 0, 0, 1)], 100, 8)).toBe("▏");
    expect(timelineText(SCREEN, [], 100, 8)).toBe("");
  });
});
