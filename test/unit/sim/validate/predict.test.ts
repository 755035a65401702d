import { describe, expect, it } from "vitest";
import { answerRow } from "#dmasim/sim/validate/predict.js";
import type { RowQuestion } from "#dmasim/sim/validate/row.js";
import { allConstants } from "#dmasim/timing/calibration/all.js";

function question(changes: Partial<RowQuestion> = {}): RowQuestion {
  return {
    topic: "pcie-model",
    system: { platform: "formula", pcie_gen: 3, lanes: 8, mps_bytes: 256, mrrs_bytes: 512 },
    workload: { initiator: "device", op: "write", layer: "payload", access_bytes: 256 },
    quantity: "bandwidth",
    statistic: "computed",
    ...changes,
  };
}

async function answerTo(changes: Partial<RowQuestion>): Promise<number | string> {
  const { prediction } = await answerRow(question(changes), allConstants(), {});
  return prediction.status === "ok" ? prediction.valueSi : prediction.reason;
}

describe("dispatch", () => {
  it("answers link arithmetic without a device, and names its layers", async () => {
    const raw = (await answerTo({ workload: { layer: "raw" } })) as number;
    const tlp = (await answerTo({ workload: { layer: "tlp" } })) as number;
    const payload = (await answerTo({})) as number;
    expect(raw * 8e-9).toBeCloseTo(63.015, 3);
    expect(tlp * 8e-9).toBeCloseTo(57.885, 2);
    expect(payload * 8e-9).toBeCloseTo(52.92, 2);
  });

  it("charges ECRC, short addresses and completions cut at the RCB", async () => {
    const system = question().system;
    const read = { op: "read", access_bytes: 256 };
    const plain = (await answerTo({ workload: read })) as number;
    expect(await answerTo({ workload: read, system: { ...system, ecrc: true } })).toBeLessThan(plain);
    const chunked = (await answerTo({ workload: read, system: { ...system, completion_chunk: "rcb" } })) as number;
    expect(chunked / plain).toBeCloseTo((256 + 20) / (256 + 80), 6);
    const narrow = (await answerTo({ system: { ...system, addr_bits: 32 } })) as number;
    expect(narrow / ((await answerTo({})) as number)).toBeCloseTo((256 + 24) / (256 + 20), 6);
  });

  it("of words that the vocabulary does not have says so, with a reason of the closed list", async () => {
    expect(await answerTo({ workload: { initiator: "cpu", op: "juggle" } })).toBe("system-not-described");
    expect(await answerTo({ workload: { initiator: "cpu", op: "read", variant: "magic" } })).toBe(
      "software-outside-model",
    );
    expect(await answerTo({ system: { pcie_gen: 3, flux_capacitor: true } })).toBe("system-not-described");
  });

  it("does not need a known platform", async () => {
    const known = await answerTo({});
    expect(await answerTo({ system: { ...question().system, platform: "mine-9000" } })).toBe(known);
  });

  it("says nothing about other models", async () => {
    expect(await answerTo({ topic: "iommu-model", quantity: "model_constant" })).toBe("quantity-not-simulated");
    expect(await answerTo({ topic: "model-error", quantity: "bandwidth_ratio" })).toBe("quantity-not-simulated");
  });

  it("keeps a failing model to its row", async () => {
    const row = question({ topic: "pcie-dma", workload: { initiator: "device", op: "read", access_bytes: 64 } });
    const { prediction, failure } = await answerRow(row, {}, {});
    expect(prediction).toMatchObject({ status: "unsupported", reason: "quantity-not-simulated" });
    expect(failure).toMatch(/constant/);
  });
});
