/** Peer-to-peer runs: the staged way, its prohibition, and the incidents that concern topology. */
import { describe, expect, it } from "vitest";
import { EXIT } from "#dmasim/base/errors.js";
import { exitCodeOf } from "#dmasim/cli/exit_code.js";
import { System } from "#dmasim/sim/system.js";
import { pairView, surveyTopology } from "#dmasim/sim/topology/pairs.js";
import { CLOCKS, expectClean, jobOf, machineOf, runJobs } from "../support/run.ts";

const ARC = { machine: "arc-2-switch" } as const;
const CLEARED = {
  "pcie.sw0-dn0.acs": "[]",
  "pcie.sw0-dn1.acs": "[]",
  "pcie.card0-dn0.acs": "[]",
  "pcie.card1-dn0.acs": "[]",
} as const;
const INTO_PEER = '{ name: a, rw: read, bs: 64k, size: 4MiB, iodepth: 4, device: gpu0, target: "bar:gpu1" }';
const FROM_PEER = '{ name: a, rw: write, bs: 64k, size: 4MiB, iodepth: 4, device: gpu0, target: "bar:gpu1" }';
const COPY =
  '{ name: a, rw: copy, bs: 64k, size: 2MiB, iodepth: 4, device: gpu0, source: "bar:gpu1", target: "bar:gpu1" }';

describe.each(CLOCKS)("%s clock: the CPU stages between refused peers", (clock) => {
  it.each([
    ["into the BAR", INTO_PEER],
    ["out of the BAR", FROM_PEER],
    ["both, by a copy engine", COPY],
    ["mapped once", INTO_PEER.replace("iodepth: 4", "iodepth: 4, map: persistent")],
  ])("%s: named, with the data verified", async (_what, job) => {
    const result = await runJobs([job], { ...ARC, clock });
    expectClean(result);
    expect(jobOf(result).path).toMatchObject({ staged: 1, p2p: 0, direct: 0 });
    expect(jobOf(result).notes.join()).toContain("staged through memory by the CPU, gpu1 is no peer: ACS redirects");
  });
});

it("a staged run is the same for any number of workers", async () => {
  const runs = await Promise.all([1, 2].map((workers) => runJobs([INTO_PEER], { ...ARC, workers, image: true })));
  const [one, two] = runs.map((run) => JSON.stringify({ ...run, host: null }));
  expect(one).toBe(two);
});

it("a wrong byte fails the run, whatever its speed", async () => {
  const result = await runJobs([INTO_PEER], { ...ARC, testHook: "flip-byte:13" });
  expect(result.host.integrity.mismatches).toBeGreaterThan(0);
  expect(exitCodeOf(result)).toBe(EXIT.verification);
});

describe("two GPUs below one Gen4 switch, host bridge not on the list", () => {
  it("ACS redirect on: distance -1, the direct way refused; off: bus addresses, distance 8, data right", async () => {
    const on = pairView(new System(machineOf("arc-2-switch")), 0, 1);
    expect(on).toMatchObject({ distance: -1, hops: 8, mapType: "not supported", path: "staged" });
    const off = pairView(new System(machineOf("arc-2-switch", CLEARED)), 0, 1);
    expect(off).toMatchObject({ distance: 8, mapType: "bus address", path: "switch" });
    const result = await runJobs([INTO_PEER], { ...ARC, set: CLEARED });
    expectClean(result);
    expect(jobOf(result).path.p2p).toBe(1);
  });
});

describe("eight GPUs in two groups of four", () => {
  const redirected = Object.fromEntries(
    [0, 1].flatMap((sw) => [0, 1, 2, 3].map((at) => [`pcie.sw${sw}-dn${at}.acs`, "[request-redirect]"])),
  );

  it("redirects on, a host that does not forward: a pair of one group crosses its uplink twice", () => {
    const ids = { "pcie.rc0.id": '"8086:1234"', "pcie.rc1.id": '"8086:1234"' };
    const system = new System(machineOf("gpu-8-switch", { ...redirected, ...ids }));
    const [near, far] = [pairView(system, 0, 1), pairView(system, 0, 4)];
    expect([near.path, far.path]).toEqual(["staged", "staged"]);
    expect((near.exchangeBytesPerS ?? 0) / (far.exchangeBytesPerS ?? 1)).toBeCloseTo(0.5, 2);
  });

  it("redirects off: pairs of one group are direct and faster than those across", () => {
    const { pairs } = surveyTopology(machineOf("gpu-8-switch"));
    const gpus = pairs.filter(({ client, provider }) => client.startsWith("gpu") && provider.startsWith("gpu"));
    expect(gpus).toHaveLength(64);
    const near = gpus.filter(({ path }) => path === "switch");
    const far = gpus.filter(({ path }) => path === "sockets");
    expect([near.length, far.length]).toEqual([24, 32]);
    const slowest = Math.min(...near.map(({ bytesPerS }) => bytesPerS ?? 0));
    expect(slowest).toBeGreaterThan(Math.max(...far.map(({ bytesPerS }) => bytesPerS ?? 0)));
  });

  it("GPU and NIC below one switch: a redirect costs bandwidth, ATS with Direct Translated does not", () => {
    const on = (set: Record<string, string>) => pairView(new System(machineOf("gpu-8-switch", set)), 8, 0);
    const acs = { "pcie.sw0-dn0.acs": "[request-redirect]", "pcie.sw0-dn4.acs": "[request-redirect]" };
    const direct = on({});
    const redirect = on(acs);
    expect(direct).toMatchObject({ client: "nic0", path: "switch", distance: 4 });
    expect(redirect).toMatchObject({ path: "root", distance: 4, mapType: "through the host bridge" });
    expect(redirect.bytesPerS ?? 0).toBeLessThan(0.6 * (direct.bytesPerS ?? 0));
    const bits = "[request-redirect, direct-translated]";
    const translated = on({
      "pcie.sw0-dn0.acs": bits,
      "pcie.sw0-dn4.acs": bits,
      "devices.nic0.ats": "true",
      "iommu.mode": "strict",
    });
    expect(translated).toMatchObject({ path: "switch-ats", mapType: "through the host bridge" });
    expect(translated.bytesPerS).toBeCloseTo(direct.bytesPerS ?? 0, -6);
  });
});
