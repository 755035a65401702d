import { describe, expect, it } from "vitest";
import { RateServer } from "#dmasim/timing/server.js";
import { Timeline } from "#dmasim/timing/timeline.js";

describe("a timeline", () => {
  it("gives idle time before a reservation to those who arrive earlier", () => {
    const timeline = new Timeline();
    expect(timeline.reserve(1000, 100)).toBe(1000);
    expect(timeline.reserve(0, 300)).toBe(0);
    expect(timeline.reserve(100, 700)).toBe(300);
    // Nothing is left before the first.
    expect(timeline.reserve(0, 1)).toBe(1100);
  });

  it("leaves spans that are too short, and those of the past", () => {
    const timeline = new Timeline();
    timeline.reserve(100, 10);
    timeline.reserve(160, 10);
    expect(timeline.reserve(0, 120)).toBe(170);
    expect(timeline.reserve(120, 45)).toBe(290);
    expect(timeline.reserve(120, 40)).toBe(120);
  });

  it("never serves two at a time, whatever the order", () => {
    const timeline = new Timeline();
    const taken: (readonly [number, number])[] = [];
    let seed = 7;
    const draw = (below: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    for (let i = 0; i < 2000; i += 1) {
      const nowPs = i * 50 + draw(5000);
      const servicePs = 1 + draw(60);
      const startPs = timeline.reserve(nowPs, servicePs);
      expect(startPs).toBeGreaterThanOrEqual(nowPs);
      taken.push([startPs, startPs + servicePs]);
    }
    taken.sort((a, b) => a[0] - b[0]);
    for (let i = 1; i < taken.length; i += 1) expect(taken[i]?.[0]).toBeGreaterThanOrEqual(taken[i - 1]?.[1] as number);
  });

  it("moves with the epoch", () => {
    const timeline = new Timeline();
    timeline.reserve(1000, 100);
    timeline.rebase(900);
    expect(timeline.reserve(50, 40)).toBe(50);
    expect(timeline.reserve(50, 40)).toBe(200);
  });
});

describe("a burst", () => {
  it("is passed on piece by piece", () => {
    const [first, second] = ["a", "b"].map((name) => new RateServer(name, "link", 1e12)) as [RateServer, RateServer];
    const burst = { bytes: 400, pieces: 4, leadPs: 0 };
    expect(first.serveBurst(0, burst)).toBe(400);
    expect(burst.leadPs).toBe(300);
    // One piece later, not four.
    expect(second.serveBurst(400, burst)).toBe(500);
  });

  it("that comes in one piece is stored first", () => {
    const second = new RateServer("b", "link", 1e12);
    expect(second.serveBurst(400, { bytes: 400, pieces: 1, leadPs: 0 })).toBe(800);
  });
});
