import { describe, expect, it } from "vitest";
import { FaultLog } from "#dmasim/sim/stress/faults/log.js";
import { FAULT_NAMES, FAULTS, type FaultName } from "#dmasim/sim/stress/faults/table.js";
import { resolveChoice } from "#dmasim/sim/stress/machine.js";
import type { StressOp } from "#dmasim/sim/stress/operation.js";
import { makePlace, type StressPlace } from "#dmasim/sim/stress/place.js";
import { replayOn } from "#dmasim/sim/stress/replay.js";
import { ShapeSource } from "#dmasim/sim/stress/shape.js";

const COUNT = 12;
const places = new Map<string, StressPlace>();

/** Machines have one place for all tests: what a fault leaves behind would be a finding of the next one. */
function placeOf(machine: string): StressPlace {
  const known =
    places.get(machine) ?? makePlace(resolveChoice({ machine, set: [{ path: "swiotlb.size", value: "2MiB" }] }), 1);
  places.set(machine, known);
  return known;
}

function injections({ system, areas, targets }: StressPlace, fault: FaultName): StressOp[] {
  const cpus = system.machine.cpus.count;
  const source = new ShapeSource({
    seed: 3,
    round: 0,
    worker: 0,
    devices: system.devices,
    areas,
    targets,
    cpus,
    faults: [fault],
  });
  const ops: StressOp[] = [];
  for (let i = 0; i < 200_000 && ops.length < COUNT; i += 1) {
    const op = source.next();
    if (op.fault !== null) ops.push(op);
  }
  return ops;
}

describe("every fault ends as it declares", () => {
  const onMappings = FAULT_NAMES.filter((name) => FAULTS[name].paths.length > 0);
  it.each(onMappings)("%s", (fault) => {
    const place = placeOf(fault === "window-revoked" ? "desktop-gpu-256m" : "intel-vtd-2s");
    const log = new FaultLog();
    const found = replayOn(place, { seed: 1, worker: 0, workers: 1, operations: injections(place, fault) }, log);
    expect(found).toBeNull();
    const count = log.counts.get(fault);
    expect(count?.injected).toBeGreaterThan(0);
    expect(count?.unexplained).toBe(0);
    // Alone on the machine something notices it; what is harmless needs luck or another worker.
    expect(count?.detected).toBeGreaterThan(0);
  });
});

describe("faults of a link strike whatever the link's Max_Payload_Size", () => {
  it.each([128, 256, 512])("%i", (mps) => {
    const link = { gen: 4, lanes: 4, mps };
    const set = Object.entries(link).map(([key, value]) => ({
      path: `devices.nvme0.link.${key}`,
      value: String(value),
    }));
    const place = makePlace(resolveChoice({ machine: "intel-vtd-2s", set }), 1);
    const sizes = [1, mps - 1, mps, mps + 1, 2 * mps, 2 * mps + 1, 4 * mps];
    const faults: FaultName[] = ["surprise-link-down", "poisoned-tlp", "completion-timeout", "device-unplugged"];
    const operations = faults.flatMap((fault, f) =>
      sizes.flatMap((bytes, s) =>
        [0, 1].map((odd): StressOp => {
          const { call, dir } = FAULTS[fault];
          const pieces = [{ area: 0, offset: 4096, bytes }];
          const id = (f * sizes.length + s) * 2 + odd;
          return { id, device: 0, path: 1, call, dir, attrs: 0, cpu: 0, pieces, reuse: false, hold: 0, fault };
        }),
      ),
    );
    const log = new FaultLog();
    expect(replayOn(place, { seed: 1, worker: 0, workers: 1, operations }, log)).toBeNull();
    for (const { injected, detected } of log.counts.values()) expect(detected).toBe(injected);
    expect(log.counts.size).toBe(faults.length);
  });
});

describe("outcomes", () => {
  it("that no fault declares are unexplained", () => {
    const log = new FaultLog();
    for (const name of FAULT_NAMES) expect(log.add(name, "nothing noticed", 1)).toBe("unexplained");
  });

  it("are declared once, with what is at risk and when it shows", () => {
    for (const { detected, harmless, after, risk, what } of Object.values(FAULTS)) {
      expect(new Set([...detected, ...harmless]).size).toBe(detected.length + harmless.length);
      expect(detected.length).toBeGreaterThan(0);
      for (const text of [after, risk, what]) expect(text).not.toBe("");
    }
  });
});
