import { describe, expect, it } from "vitest";
import { StageLog } from "#dmasim/timing/stage_log.js";

function logAt(startPs: number, phase = "transfer"): StageLog {
  const log = new StageLog(startPs);
  log.phase = phase;
  return log;
}

function total({ steps }: StageLog): number {
  return steps.reduce((sum, { waitPs, servicePs }) => sum + waitPs + servicePs, 0);
}

describe("stage log", () => {
  it("steps follow one another; the sum is the time from start to end", () => {
    const log = logAt(100);
    log.step("link", 110, 130);
    log.serve("memory", 150);
    log.wait("cpu", 155);
    expect(log.steps.map(({ place, waitPs, servicePs }) => [place, waitPs, servicePs])).toEqual([
      ["link", 10, 20],
      ["memory", 0, 20],
      ["cpu", 5, 0],
    ]);
    expect([log.atPs, total(log)]).toEqual([155, 55]);
  });

  it("of stages that overlap only what comes later counts", () => {
    const log = logAt(0);
    log.step("link up", 0, 50);
    log.step("root", 20, 70);
    log.step("memory", 30, 60);
    expect([log.atPs, total(log)]).toEqual([70, 70]);
    expect(log.steps.at(-1)).toEqual({ phase: "transfer", place: "root", waitPs: 0, servicePs: 20 });
  });

  it("inserted time shifts what follows, until the times contain it", () => {
    const log = logAt(0);
    log.step("link up", 0, 10);
    log.insert("walk", 3, 7);
    log.step("memory", 10, 40);
    log.settle();
    log.wait("tags", 50);
    expect([log.atPs, total(log)]).toEqual([50, 50]);
    expect(log.steps.map(({ place }) => place)).toEqual(["link up", "walk", "memory"]);
  });

  it("appends another log without repeating an overlap; a moved epoch changes no duration", () => {
    const log = logAt(1000, "media");
    log.serve("media", 1100);
    const quantum = logAt(1080);
    quantum.step("engine", 1090, 1120);
    quantum.serve("link", 1150);
    log.append(quantum, 20);
    expect([log.atPs, total(log)]).toEqual([1150, 150]);
    log.rebase(1000);
    expect([log.atPs, total(log)]).toEqual([150, 150]);
  });
});
