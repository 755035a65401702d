import { describe, expect, it } from "vitest";
import { Constants } from "#dmasim/timing/calibration/constant.js";
import { MEMORY_CONSTANTS } from "#dmasim/timing/calibration/memory.js";
import { AccessLatency } from "#dmasim/timing/memory/access_latency.js";
import { HostContention } from "#dmasim/timing/memory/contention.js";
import { CpuMemory, type CpuStream } from "#dmasim/timing/memory/cpu_memory.js";
import { HostCredits } from "#dmasim/timing/memory/credits.js";
import { balance, kneeMin, overlapNs, queueing } from "#dmasim/timing/memory/knee.js";
import { type SocketShapeInput, socketShape } from "#dmasim/timing/memory/socket_shape.js";

const constants = new Constants(MEMORY_CONSTANTS);

function memory(input: SocketShapeInput = {}): CpuMemory {
  return new CpuMemory(
    constants,
    socketShape(constants, { uarch: "cascade-lake", dramChannels: 6, dramMts: 2666, pmemDimms: 6, ...input }),
  );
}

function stream(change: Partial<CpuStream> = {}): CpuStream {
  return {
    media: "dram",
    accessBytes: 256,
    sequential: true,
    threads: 1,
    remote: false,
    store: "nt",
    readShare: 1,
    ...change,
  };
}

describe("bends", () => {
  it("kneeMin stays below both and meets each far from the bend", () => {
    expect(kneeMin(1, 100, 5)).toBeCloseTo(1, 6);
    expect(kneeMin(100, 1, 5)).toBeCloseTo(1, 6);
    expect(kneeMin(10, 10, 5)).toBeLessThan(10);
    expect(kneeMin(0, 10, 5)).toBe(0);
  });

  it("overlap lies between the longer time and the sum", () => {
    expect(overlapNs(3, 4, 1)).toBeCloseTo(7);
    expect(overlapNs(3, 4, 1.5)).toBeGreaterThan(4);
    expect(overlapNs(3, 4, 1.5)).toBeLessThan(7);
  });

  it("one station is always balanced; queueing is finite", () => {
    expect(balance(1, 1)).toBe(1);
    expect(balance(1, 6)).toBeCloseTo(1 / 6);
    expect(queueing(0)).toBe(0);
    expect(queueing(2)).toBe(queueing(0.95));
  });
});

describe("DRAM traffic", () => {
  it("reads grow with threads and stay below the nominal rate", () => {
    const socket = memory();
    let last = 0;
    for (let threads = 1; threads <= 48; threads += 1) {
      const rate = socket.rate(stream({ threads }));
      expect(rate).toBeGreaterThan(last);
      last = rate;
    }
    expect(last).toBeLessThan(socket.dram.peakRate);
    expect(last).toBeGreaterThan(socket.dram.peakRate * 0.75);
  });

  it("a long stream gains by the prefetcher, a short access does not", () => {
    const off = memory({ prefetch: false });
    const long = { accessBytes: 65536 };
    expect(memory().rate(stream(long))).toBeGreaterThan(off.rate(stream(long)) * 1.2);
    expect(memory().rate(stream())).toBeCloseTo(off.rate(stream()), 6);
  });

  it("half the channels carry half, and a family without constants borrows the general one's", () => {
    const full = memory().rate(stream({ threads: 48 }));
    const half = memory({ dramChannels: 3 }).rate(stream({ threads: 48 }));
    expect(half / full).toBeCloseTo(0.5, 1);
    expect(memory({ uarch: "of-next-year" }).rate(stream())).toBeCloseTo(memory().rate(stream()), 6);
  });

  it("a copy is slower than either of its halves and grows with threads", () => {
    const socket = memory();
    const one = socket.copyBytesPerS("dram", "dram", 4096, 1);
    expect(one).toBeLessThan(socket.bandwidthBytesPerS(stream({ accessBytes: 4096 })));
    expect(socket.copyBytesPerS("dram", "dram", 4096, 4)).toBeGreaterThan(one);
    expect(socket.copyBytesPerS("dram", "pmem", 4096, 64)).toBeLessThan(13.9e9);
  });
});

describe("Optane traffic", () => {
  const pmem = (change: Partial<CpuStream> = {}) => stream({ media: "pmem", ...change });

  it("single random lines cost a whole media line", () => {
    const one = memory({ pmemDimms: 1 });
    const line = one.rate(pmem({ accessBytes: 64, sequential: false, threads: 16 }));
    const whole = one.rate(pmem({ accessBytes: 256, sequential: false, threads: 16 }));
    expect(whole / line).toBeGreaterThan(3);
    expect(whole / line).toBeLessThanOrEqual(4);
    expect(one.pmem.mediaShare(64, false)).toBe(4);
    expect(one.pmem.mediaShare(257, false)).toBeCloseTo(512 / 257);
  });

  it("writes peak at few threads and then fall", () => {
    const six = memory();
    const write = pmem({ readShare: 0 });
    const peak = six.bestRate(write, 24);
    expect(write.threads).toBeLessThan(10);
    expect(six.rate(pmem({ readShare: 0, threads: 24 }))).toBeLessThan(peak * 0.75);
    expect(six.rate(pmem({ readShare: 0, threads: 200 }))).toBeGreaterThan(peak / 4.5);
  });

  it("more modules and the second series carry more", () => {
    const rates = [1, 2, 4, 6, 8].map((pmemDimms) => memory({ pmemDimms }).rate(pmem({ threads: 32 })));
    for (let i = 1; i < rates.length; i += 1) expect(rates[i]).toBeGreaterThan(rates[i - 1] as number);
    expect(memory({ pmemMedia: "optane_200" }).rate(pmem({ threads: 32 }))).toBeGreaterThan(rates[3] as number);
  });

  it("random accesses leave modules idle that a stream uses", () => {
    const six = memory();
    const few = { accessBytes: 4096, threads: 8 };
    expect(six.rate(pmem({ ...few, sequential: false }))).toBeLessThan(six.rate(pmem(few)));
  });

  it("two-pass amplification is 1 inside the buffer, 2 far beyond, and never falls", () => {
    const { pmem: part } = memory();
    let last = 1;
    for (let window = 4096; window <= 2 ** 20; window += 1024) {
      const now = part.twoPassAmplification(window);
      expect(now).toBeGreaterThanOrEqual(last - 1e-9);
      last = now;
    }
    expect(part.twoPassAmplification(16384)).toBe(1);
    expect(last).toBeCloseTo(2, 6);
  });

  it("remote mixes of several threads collapse, of one do not", () => {
    const six = memory();
    const mix = (threads: number, remote: boolean) => six.rate(pmem({ threads, remote, readShare: 0.5 }));
    expect(mix(1, true)).toBeGreaterThan(mix(1, false) * 0.6);
    expect(mix(4, true)).toBeLessThan(mix(4, false) * 0.5);
  });
});

describe("latencies", () => {
  const socket = memory();
  const latency = new AccessLatency(constants, socket);

  it("queueing adds with load and a hop adds when remote", () => {
    expect(latency.loadedWriteNs("pmem", false, 11)).toBeGreaterThan(latency.loadedWriteNs("pmem", false, 1));
    expect(latency.readNs("dram", true, true) - latency.readNs("dram", true, false)).toBe(socket.link.hopNs);
  });

  it("fenced writes grow with size, by whole media lines on Optane", () => {
    let last = 0;
    for (const bytes of [64, 128, 256, 512, 1024, 4096]) {
      const now = latency.fencedWriteNs("pmem", false, false, bytes);
      expect(now).toBeGreaterThan(last);
      last = now;
    }
    expect(latency.fencedWriteNs("dram", false, false, 4096)).toBeLessThan(last);
  });

  it("a device read is cheapest in the LLC and dearest on Optane", () => {
    expect(latency.deviceReadExtraNs("dram", false, true, 0)).toBe(0);
    const dram = latency.deviceReadExtraNs("dram", false, false, 0);
    expect(dram).toBeGreaterThan(30);
    expect(latency.deviceReadExtraNs("pmem", false, false, 0)).toBeGreaterThan(dram + 100);
  });
});

describe("host network", () => {
  it("credits follow Little's law up to the buffer", () => {
    const credits = new HostCredits(constants);
    expect(credits.writeLinesInUse(14, 0)).toBeCloseTo(65.6, 1);
    expect(credits.writeLinesInUse(100, 0)).toBe(credits.iioWriteLines);
    expect(credits.writeCeiling(100)).toBeLessThan(credits.writeCeiling(0));
  });

  it("cores slow down beside a device only when the channels are short", () => {
    const model = new HostContention(constants, memory({ dramChannels: 2, dramMts: 2933, prefetch: false }));
    expect(model.coreSlowdown(stream({ threads: 1 }), 14)).toBeCloseTo(1, 1);
    expect(model.coreSlowdown(stream({ threads: 8 }), 14)).toBeGreaterThan(1.3);
    expect(model.deviceSlowdown(stream({ threads: 8 }), 14)).toBeGreaterThanOrEqual(1);
  });
});
