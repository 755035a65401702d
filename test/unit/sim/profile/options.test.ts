import { describe, expect, it } from "vitest";
import { closestEngine, findEngine } from "#dmasim/sim/profile/engines.js";
import { closestOption, FIO_OPTIONS, findOption, isNeutral } from "#dmasim/sim/profile/options.js";

const TYPES = new Set(
  (
    "str optional set bool int ints float percent percents size sizes sizepercent sizerange sizeranges time times " +
    "timerange bssplit distribution"
  ).split(" "),
);

describe("the option table", () => {
  it("knows fio's options, each once and of a known type", () => {
    expect(FIO_OPTIONS.length).toBeGreaterThanOrEqual(300);
    const names = FIO_OPTIONS.flatMap((option) => [option.name, ...option.aliases]);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
    for (const option of FIO_OPTIONS) {
      expect(option.name).toMatch(/^[a-z0-9_-]+$/);
      expect(TYPES.has(option.type), `${option.name}=${option.type}`).toBe(true);
      expect(option.remedy === null).toBe(option.meaning !== "refused");
    }
  });

  it("finds aliases and near misses", () => {
    expect(findOption("blocksize")?.name).toBe("bs");
    expect(findOption("timeout")?.name).toBe("runtime");
    expect(closestOption("iodpeth")).toBe("iodepth");
    expect(closestOption("no-such-thing-at-all")).toBeUndefined();
  });

  it.each([
    ["none", true],
    ["0", true],
    ["0m", true],
    ["0.0", true],
    ["zbd", false],
    ["10", false],
  ])("%s is neutral: %s", (text, neutral) => expect(isNeutral(text)).toBe(neutral));
});

describe("the engine table", () => {
  it.each(["net", "rdma", "rados", "http", "null", "cpuio", "external:/tmp/foo.so", "libcufile"])(
    "%s is refused with a remedy",
    (name) => expect(findEngine(name)).toMatchObject({ refused: expect.any(String), remedy: expect.any(String) }),
  );

  it("suggests a near miss", () => expect(closestEngine("libiao")).toBe("libaio"));
});
