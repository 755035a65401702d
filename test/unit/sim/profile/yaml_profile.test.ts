import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { listShippedProfiles, loadProfile, loadShippedProfile, resolveProfile } from "#dmasim/sim/profile/load.js";
import { profileSchema } from "#dmasim/sim/profile/schema.js";
import { fioJob, userError, withFiles, yamlJobs } from "./files.ts";

const job = (text: string) => {
  const [only] = yamlJobs(`jobs:\n  - { name: a, rw: randread, ${text} }\n`);
  if (only === undefined) throw new Error("no job");
  return only;
};

describe("YAML profiles", () => {
  it("have defaults of their own: io_uring, direct, one deep, checked", () => {
    expect(job("bs: 8k")).toMatchObject({
      ioengine: "io_uring",
      submission: "async",
      direct: true,
      iodepth: 1,
      verify: true,
      verifyPass: false,
      target: "ram",
      source: "ram",
      device: null,
      map: "per-io",
    });
  });

  it.each([
    ["bs: 4KiB", 4096],
    ["bs: 4KB", 4000],
    ["bs: 4k", 4096],
    ["bs: 8192", 8192],
    ["bs: 0x1000", 4096],
    ["bs: { read: 16k }", 16384],
  ])("%s", (text, bytes) => expect(job(text).blockSizes.read[0]?.bytesMin).toBe(bytes));

  it("take durations as fio does", () => {
    expect(job("runtime: 2, thinktime: 5, startdelay: 1-2, latency_target: 10ms")).toMatchObject({
      runtimeNs: 2e9,
      thinktimeNs: 5e3,
      startDelayNs: [1e9, 2e9],
      latencyTarget: { targetNs: 10e6 },
    });
    expect(job("runtime: 1.5s").runtimeNs).toBe(1.5e9);
  });

  it("read bssplit as a list or as fio's text", () => {
    const list = job("bssplit: [{ bs: 4k, percent: 60 }, { bs: 64k }]").blockSizes;
    expect(list).toEqual(job("bssplit: 4k/60:64k").blockSizes);
    expect(list.read.map((share) => share.weight)).toEqual([60, 40]);
  });

  it("become the same job as fio's words", () => {
    const text =
      "rw: randrw, rwmixread: 70, bsrange: 4k-64k, iodepth: 8, numjobs: 2, size: 1g, rate: 1m, ioengine: libaio";
    const [yaml] = yamlJobs(`jobs:\n  - { name: job, ${text} }\n`);
    const fio = fioJob(`direct=1\n${text.replaceAll(", ", "\n").replaceAll(": ", "=")}`);
    expect({ ...yaml, at: null }).toEqual({ ...fio, at: null });
  });

  it("place buffers: device, target, copy source, scatterlist, mapping", () => {
    const [copy] = yamlJobs(`
global: { sg: { entry: 64k, scatter: false } }
jobs:
  - name: copy
    rw: copy
    device: dma0
    source: pmem0
    target: bar:gpu0
    pageless_target: pmem1
    sg: { offset: 0x800, pageless_share: 0.25 }
    map: persistent
    verify: false
`);
    expect(copy).toMatchObject({
      rw: "copy",
      device: "dma0",
      source: "pmem0",
      target: "bar:gpu0",
      pagelessTarget: "pmem1",
      sg: { entryBytes: 65536, offsetBytes: 0x800, pagelessShare: 0.25, scatter: false },
      map: "persistent",
      verify: false,
    });
  });

  it("inherit from global and override it", () => {
    const jobs = yamlJobs(
      "global: { rw: read, bs: 8k, target: pmem0 }\njobs: [{ name: a }, { name: b, bs: 16k, target: ram }]\n",
    );
    expect(jobs.map((one) => [one.rw, one.blockSizes.read[0]?.bytesMin, one.target])).toEqual([
      ["read", 8192, "pmem0"],
      ["read", 16384, "ram"],
    ]);
  });

  it("know where each job stands", () => {
    const [, second] = yamlJobs("jobs:\n  - name: a\n    rw: read\n  - name: b\n    rw: write\n");
    expect(second?.at.line).toBe(4);
  });

  it("carry name, title, machine and seed", () => {
    withFiles({ "x.yaml": "title: t\nmachine: m\nseed: 7\njobs: [{ name: a, rw: read }]\n" }, (folder) => {
      const profile = loadProfile(join(folder, "x.yaml"));
      expect(profile).toMatchObject({ name: "x", title: "t", machine: "m", seed: 7, file: join(folder, "x.yaml") });
    });
  });
});

describe("--set", () => {
  const text = "jobs:\n  - { name: a, rw: read, bs: 4k }\n  - { name: b, rw: read, bs: 4k }\n";
  const sizes = (path: string, value: string) =>
    yamlJobs(text, { overrides: [{ path, value }] }).map((one) => one.blockSizes.read[0]?.bytesMin);
  it("reaches list elements by index, name or all", () => {
    expect(sizes("jobs[0].bs", "8k")).toEqual([8192, 4096]);
    expect(sizes("jobs.1.bs", "8192")).toEqual([4096, 8192]);
    expect(sizes("jobs.b.bs", "8k")).toEqual([4096, 8192]);
    expect(sizes("jobs[*].bs", "8k")).toEqual([8192, 8192]);
  });

  it("makes absent maps", () =>
    expect(yamlJobs(text, { overrides: [{ path: "global.iodepth", value: "9" }] })[1]?.iodepth).toBe(9));

  it.each([
    ["jobs[0].bsz", "8k", /did you mean "bs"/],
    ["jobs.c.bs", "8k", /no element "c"/],
    ["jobs[0].bs", "[", /not YAML/],
    ["jobs[0].iodepth", "-1", /too small/],
    ["jobs[0].bs", "huge", /expected a size/],
    ["jobs..bs", "1", /empty part/],
    ["seed.x", "1", /expected a finite number|below a plain value/],
    ["__proto__.bs", "1", /unknown key/],
    ["title.bs", "1", /expected text/],
  ])("%s=%s is one located error", (path, value, message) => {
    const error = userError(() => yamlJobs(text, { overrides: [{ path, value }] }));
    expect(error.message).toMatch(message);
    expect(error.parts.at?.file).toMatch(/^--set /);
  });
});

describe("shipped profiles", () => {
  it("all load and have titles", () => {
    const shipped = listShippedProfiles();
    expect(shipped.map((one) => one.name)).toContain("rand-read-4k");
    for (const one of shipped) expect(one.title.length, one.name).toBeGreaterThan(0);
  });

  it("are found by name, files by path", () => {
    expect(resolveProfile("rand-read-4k").jobs[0]?.rw).toBe("randread");
    expect(resolveProfile(loadShippedProfile("seq-write-256k").file).name).toBe("seq-write-256k");
    expect(userError(() => resolveProfile("rand-raed-4k")).message).toMatch(/did you mean "rand-read-4k"/);
    expect(userError(() => loadProfile("x.txt")).message).toMatch(/\.fio/);
  });
});

describe("the schema", () => {
  it("exports as JSON Schema with a description of every key", () => {
    const schema = z.toJSONSchema(profileSchema) as {
      properties: Record<
        string,
        { description?: string; items?: { properties: Record<string, { description?: string }> } }
      >;
    };
    const jobKeys = schema.properties.jobs?.items?.properties ?? {};
    expect(Object.keys(jobKeys).length).toBeGreaterThanOrEqual(50);
    for (const [key, value] of Object.entries({ ...schema.properties, ...jobKeys })) {
      expect(value.description, key).toBeTruthy();
    }
  });
});
