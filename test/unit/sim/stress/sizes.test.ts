import { describe, expect, it } from "vitest";
import { RssWatch } from "#dmasim/sim/stress/rss_watch.js";
import { bucketEnd, medianSize, SIZE_BUCKETS, sizeBucket } from "#dmasim/sim/stress/sizes.js";

const MIB = 2 ** 20;

describe("buckets of sizes", () => {
  it("end at every power of two, hold what lies up to their end, and grow with the size", () => {
    for (let bits = 0; bits <= 26; bits += 1) expect(bucketEnd(sizeBucket(2 ** bits))).toBe(2 ** bits);
    let last = 0;
    for (let bytes = 1; bytes <= 2 ** 26; bytes = Math.ceil(bytes * 1.01)) {
      const bucket = sizeBucket(bytes);
      expect(bucket).toBeLessThan(SIZE_BUCKETS);
      expect(bucketEnd(bucket)).toBeGreaterThanOrEqual(bytes);
      expect(bucketEnd(bucket)).toBeLessThanOrEqual(Math.ceil(bytes * 1.125));
      expect(bucket).toBeGreaterThanOrEqual(last);
      last = bucket;
    }
  });

  it("give the median", () => {
    const sizes = Array.from({ length: SIZE_BUCKETS }, () => 0);
    expect(medianSize(sizes)).toBe(0);
    for (const bytes of [1, 100, 4096, 65536, 2 ** 26]) sizes[sizeBucket(bytes)] = 1;
    expect(medianSize(sizes)).toBe(4096);
  });
});

describe("the watch over memory", () => {
  const run = (seconds: number, rssAt: (s: number) => number) => {
    let now = 0;
    const watch = new RssWatch(() => rssAt(now));
    for (now = 0; now <= seconds; now += 1) watch.sample(now);
    return watch.verdict();
  };

  it("judges nothing below two minutes", () => {
    expect(run(119, () => 100 * MIB)).toBeNull();
  });

  it("compares the last minute with the second, not with the first", () => {
    expect(run(600, (s) => (s < 60 ? 10 * MIB : 400 * MIB))).toMatchObject({
      secondMinuteBytes: 400 * MIB,
      lastMinuteBytes: 400 * MIB,
      limitBytes: 436 * MIB,
      holds: true,
    });
    expect(run(600, (s) => (400 + s * 0.05) * MIB)?.holds).toBe(true);
    expect(run(600, (s) => (400 + s * 0.1) * MIB)?.holds).toBe(false);
  });

  it("takes medians: a short peak is no growth", () => {
    expect(run(600, (s) => (s > 590 ? 900 : 400) * MIB)?.holds).toBe(true);
  });
});
