import { describe, expect, it } from "vitest";
import { DmasimError } from "#dmasim/base/errors.js";
import { parseMeasurements } from "#dmasim/sim/validate/row_file.js";

const ROW = {
  id: "A-1",
  group: "A",
  topic: "pcie-model",
  system: { platform: "formula", pcie_gen: 3, lanes: 8 },
  workload: { initiator: "device", op: "read", access_bytes: 64 },
  quantity: "bandwidth",
  statistic: "computed",
  unit: "Gbit/s",
  value: 8,
  unit_si: "bytes_per_s",
  value_si: 1e9,
  scope: "tool",
};

function failure(rows: unknown): DmasimError {
  try {
    parseMeasurements("rows.json", JSON.stringify(rows, null, 1));
  } catch (error) {
    if (error instanceof DmasimError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

describe("measurement files", () => {
  it("are read in the program's words", () => {
    const [row] = parseMeasurements("rows.json", JSON.stringify([ROW]));
    expect(row).toMatchObject({ id: "A-1", measuredSi: 1e9, unitSi: "bytes_per_s", relativeTo: null, resolutionSi: 0 });
    expect(row?.toleranceRel).toBeNull();
  });

  it("without a field are refused with file, line, row and key", () => {
    const { value_si: _, ...rest } = ROW;
    const error = failure([ROW, { ...rest, id: "A-2" }]);
    expect(error.exitCode).toBe(2);
    expect(error.message).toMatch(/^rows\.json:\d+:\d+: \[1\]\.value_si: row A-2: missing key "value_si"/);
  });

  it.each([
    [
      "text for a number",
      { workload: { access_bytes: "64" } },
      /workload\.access_bytes: row A-1: not a value of this key/,
    ],
    ["out of range", { system: { lanes: 64 } }, /system\.lanes: row A-1: .*got 64.*from 1 to 32/],
    ["a fraction of a byte", { workload: { access_bytes: 1.5 } }, /a whole number/],
    ["a word for a switch", { system: { ddio: "yes" } }, /system\.ddio: .*true or false/],
    ["a list as value", { system: { lanes: [8] } }, /row A-1/],
    ["another scope", { scope: "guess" }, /\.scope: row A-1: not one of the allowed values/],
    ["another unit", { unit_si: "furlong" }, /\.unit_si: row A-1/],
    ["no finite value", { value_si: null }, /\.value_si: row A-1/],
    ["a factor between value and value_si", { value_si: 8e9 }, /row A-1: value_si and unit_si are not what/],
    ["a baseline that is not there", { relative_to: "B-1" }, /relative_to: row A-1: no row has this id \(got "B-1"\)/],
    ["itself as baseline", { relative_to: "A-1" }, /own baseline/],
  ])("with %s are refused", (_name, change, message) => {
    expect(failure([{ ...ROW, ...change }]).message).toMatch(message);
  });

  it("with an id twice are refused", () => {
    expect(failure([ROW, ROW]).message).toMatch(/\[1\]\.id: row A-1: this id is taken/);
  });

  it.each([[{}], [[]], ["x"]])("that are no list of rows are refused: %j", (document) => {
    expect(failure(document).message).toMatch(/a measurement file/);
  });

  it("that are no JSON are refused where they stop being it", () => {
    expect(() => parseMeasurements("rows.json", '[{"id": 1,]')).toThrow(/rows\.json:1:\d+: this file is not JSON/);
  });
});
