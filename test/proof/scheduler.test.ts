import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeBundle } from "./bundle.ts";
import { bounded, explore, random, replayOf } from "./harness.ts";

/** More than any toy needs. */
const UNBOUNDED = 100;

let bundle: { readonly path: string; remove(): void };
beforeAll(async () => {
  bundle = await makeBundle([]);
});
afterAll(() => bundle.remove());

describe("the search", () => {
  it.each([
    [0, 2],
    [1, 6],
    [UNBOUNDED, 20],
  ])(
    "with at most %i preemptions runs each of the %i schedules of two times three steps once",
    async (bound, schedules) => {
      const report = await explore(bundle.path, "stores", ["twice", "twice"], bounded(bound, ["end"]));
      expect(report).toMatchObject({ schedules, outcomes: { end: schedules }, finding: null });
    },
  );

  it("runs each of the 1680 schedules of three threads with three steps each", async () => {
    const report = await explore(bundle.path, "stores", ["twice", "twice", "twice"], bounded(UNBOUNDED, ["end"]));
    expect(report.schedules).toBe(1680);
  });

  it("sees every outcome of store buffering that sequential consistency allows, and no other", async () => {
    const acceptable = ["0 0", "0 1", "1 0", "1 1"];
    const { outcomes } = await explore(
      bundle.path,
      "store buffering",
      ["first", "second"],
      bounded(UNBOUNDED, acceptable),
    );
    expect(Object.keys(outcomes).sort()).toEqual(["0 1", "1 0", "1 1"]);
  });

  it("begins every schedule with the same memory", async () => {
    const report = await explore(bundle.path, "kept update", ["add", "add"], bounded(UNBOUNDED, ["sum"]));
    expect(report.finding).toBeNull();
    expect(report.outcomes).toEqual({ sum: report.schedules });
  });

  it("finds a lost update with one preemption, none without, and replays it", async () => {
    const none = await explore(bundle.path, "lost update", ["add", "add"], bounded(0, ["sum"]));
    expect(none.finding).toBeNull();
    const { finding } = await explore(bundle.path, "lost update", ["add", "add"], bounded(1, ["sum"]));
    expect(finding).toMatchObject({ outcome: "update lost", preemptions: 1 });
    if (finding === null) return;
    const again = await explore(bundle.path, "lost update", ["add", "add"], replayOf(finding, ["sum"]));
    expect(again.schedules).toBe(1);
    expect(again.finding).toMatchObject({ outcome: finding.outcome, steps: finding.steps, choices: finding.choices });
    expect(finding.steps).toContain("0 add: load header[0].pins");
  });

  it("finds a race of plain accesses without running into it", async () => {
    const { finding } = await explore(bundle.path, "plain update", ["add", "add"], bounded(0, ["sum"]));
    expect(finding).toMatchObject({ outcome: "data race on header[0].pins", schedule: 1 });
  });

  it.each([
    [["sleep", "spin"], "deadlock"],
    [["spin", "idle"], "deadlock"],
    [["nap", "spin"], "deadlock"],
    [["retry", "idle"], "no end"],
  ])("%j ends in: %s", async (roles, outcome) => {
    const { finding } = await explore(bundle.path, "stuck", roles, bounded(0, ["end"]));
    expect(finding?.outcome).toBe(outcome);
  });

  it("ends a sleep at its deadline only when nobody else can run", async () => {
    const late = await explore(bundle.path, "stuck", ["nap"], bounded(0, ["end"]));
    expect(late.finding?.outcome).toBe("slept to the deadline");
    const woken = await explore(bundle.path, "stuck", ["nap", "wake"], bounded(UNBOUNDED, ["end"]));
    expect(woken.finding).toBeNull();
    const inTime = await explore(bundle.path, "stuck", ["nap", "wake"], bounded(0, ["end"]));
    expect(inTime.schedules).toBeLessThan(woken.schedules);
  });

  it("walks at random the same way for the same seed", async () => {
    const walk = (seed: number) =>
      explore(bundle.path, "store buffering", ["first", "second"], random(100, seed, ["0 1", "1 0", "1 1"]));
    const [one, same, other] = [await walk(1), await walk(1), await walk(2)];
    expect(same).toEqual(one);
    expect(other.outcomes).not.toEqual(one.outcomes);
  });
});
