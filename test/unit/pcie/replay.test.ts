import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Prng } from "#dmasim/base/prng.js";
import { AER, AerLog } from "#dmasim/pcie/aer.js";
import { QUIET_WIRE, ReplayLink } from "#dmasim/pcie/replay.js";

/** A wire that does what the lists say, over and over. */
function wireOf(damage: readonly boolean[], ackLoss: readonly boolean[]) {
  let tlps = 0;
  let acks = 0;
  return {
    damagesTlp: () => damage[tlps++ % damage.length] === true,
    losesAck: () => ackLoss[acks++ % ackLoss.length] === true,
  };
}

/** A wire that damages so many of a hundred TLPs and ACKs. */
function randomWire(seed: number, damagePercent: number, lossPercent: number) {
  const prng = new Prng(seed, 0);
  return { damagesTlp: () => prng.below(100) < damagePercent, losesAck: () => prng.below(100) < lossPercent };
}

function deliver(link: ReplayLink, count: number): number[] {
  const got: number[] = [];
  link.transfer(count, { receive: (index) => void got.push(index) });
  return got;
}

const percent = fc.integer({ min: 0, max: 80 });

describe("the data link layer", () => {
  it("delivers every TLP once and in order, whatever the wire damages", () => {
    fc.assert(
      fc.property(
        fc.nat(),
        percent,
        percent,
        fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 10 }),
        (seed, damage, loss, sizes) => {
          const link = new ReplayLink(randomWire(seed, damage, loss));
          for (const count of sizes) expect(deliver(link, count)).toEqual(Array.from({ length: count }, (_, i) => i));
        },
      ),
      { numRuns: 200 },
    );
  });

  it("passes the wrap of its sequence numbers", () => {
    const link = new ReplayLink(randomWire(7, 30, 30));
    for (let i = 0; i < 40; i += 1) expect(deliver(link, 257)).toHaveLength(257);
    expect(link.sent).toBeGreaterThan(4096);
  });

  it("sends each TLP once on a quiet wire", () => {
    const link = new ReplayLink(QUIET_WIRE);
    expect(deliver(link, 1000)).toHaveLength(1000);
    expect([link.sent, link.damaged, link.duplicates, link.rollovers]).toEqual([1000, 0, 0, 0]);
  });

  it("discards what comes twice when an ACK is lost, and retrains after four replays", () => {
    const link = new ReplayLink(wireOf([false], [true, true, true, true, false]));
    expect(deliver(link, 3)).toEqual([0, 1, 2]);
    expect([link.sent, link.duplicates, link.rollovers]).toEqual([15, 12, 1]);
  });
});

describe("AER", () => {
  it("counts correctable and uncorrectable errors of the same bit apart", () => {
    const log = new AerLog();
    log.record(AER.badTlp, 3);
    log.record(AER.poisonedTlp);
    expect([log.count(AER.badTlp), log.count(AER.poisonedTlp), log.count(AER.surpriseDown)]).toEqual([3, 1, 0]);
  });
});
