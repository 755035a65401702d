/** What happens on machines that do not refuse: a driver that forces peers, or maps private pages unchecked. */
import { describe, expect, it } from "vitest";
import { EXIT } from "#dmasim/base/errors.js";
import { exitCodeOf } from "#dmasim/cli/exit_code.js";
import { System } from "#dmasim/sim/system.js";
import { pairView } from "#dmasim/sim/topology/pairs.js";
import { bytesOf, CLOCKS, expectClean, hashOf, jobOf, machineOf, runJobs } from "../support/run.ts";

const FORCED = { "devices.gpu0.forces_peers": true, "devices.gpu0.ignores_aborts": true };
const job = (rw: string) => `{ name: a, rw: ${rw}, bs: 64k, size: 4MiB, iodepth: 4, device: gpu0, target: "bar:gpu1" }`;
const COPY_OUT =
  '{ name: a, rw: copy, bs: 64k, size: 2MiB, iodepth: 4, device: gpu0, source: "bar:gpu1", target: ram }';

function run(rw: string, set: Readonly<Record<string, string | boolean>>, more: object = {}) {
  return runJobs([job(rw)], { machine: "arc-2-switch", set, ...more });
}

describe.each(CLOCKS)("%s clock: refused peers, forced by the driver", (clock) => {
  it("reads are 0xFF: the run fails, however fast it was", async () => {
    const result = await run("write", FORCED, { clock });
    expect(result.host.integrity.first[0]).toMatchObject({ kind: "all-ones", actual: 0xff });
    expect(result.host.integrity.mismatches).toBeGreaterThan(0);
    expect(jobOf(result)).toMatchObject({ faults: 0, error: 0, path: { p2p: 1, staged: 0 } });
    expect(bytesOf(jobOf(result))).toBe(4 * 2 ** 20);
    expect(exitCodeOf(result)).toBe(EXIT.verification);
    expect(jobOf(result).notes.join()).toContain("forced to bar:gpu1 although the kernel refuses: ACS redirects");
  });

  it("writes are lost: the BAR keeps what it held", async () => {
    const result = await run("read", FORCED, { clock });
    expect(result.host.integrity.first[0]?.kind).toBe("under-copy");
    expect(result.integrity.leaks).toEqual([]);
    expect(exitCodeOf(result)).toBe(EXIT.verification);
  });

  it("a copy out of the peer brings ones to memory", async () => {
    const result = await runJobs([COPY_OUT], { machine: "arc-2-switch", set: FORCED, clock });
    expect(result.host.integrity.mismatches).toBeGreaterThan(0);
    expect(result.host.integrity.first[0]?.actual).toBe(0xff);
  });

  it("a device that looks at its completions reports a bus error instead", async () => {
    const result = await run("write", { "devices.gpu0.forces_peers": true }, { clock });
    expect(jobOf(result).error_text).toContain("bus error at 0x44");
    expect(bytesOf(jobOf(result))).toBe(0);
  });

  it("behind an IOMMU that translates a bus address is an IOVA that nobody mapped", async () => {
    const result = await run("read", { ...FORCED, "iommu.mode": "strict" }, { clock });
    expect(jobOf(result).error_text).toContain("not present");
  });

  it("cleared redirects make the same driver right", async () => {
    const ports = ["sw0-dn0", "sw0-dn1", "card0-dn0", "card1-dn0"];
    const cleared = Object.fromEntries(ports.map((port) => [`pcie.${port}.acs`, "[]"]));
    for (const rw of ["read", "write"]) expectClean(await run(rw, { ...FORCED, ...cleared }, { clock }));
  });
});

describe("fast but wrong", () => {
  it("the forced copy beats the staged one, and only verification tells", async () => {
    const big = job("read").replace("64k", "1m").replace("4MiB", "64MiB");
    const forced = await runJobs([big], { machine: "arc-2-switch", set: FORCED });
    const staged = await runJobs([big], { machine: "arc-2-switch" });
    expect(jobOf(forced).read.bw_bytes).toBeGreaterThan(1.3 * jobOf(staged).read.bw_bytes);
    expect([exitCodeOf(staged), exitCodeOf(forced)]).toEqual([EXIT.ok, EXIT.verification]);
  });

  it("figures do not depend on payload or workers", async () => {
    const one = hashOf(await run("write", FORCED));
    expect(hashOf(await run("write", FORCED, { workers: 2 }))).toBe(one);
    expect(hashOf(await run("write", FORCED, { payload: false }))).toBe(one);
  });

  it("the topology says what would come back", () => {
    const pair = pairView(new System(machineOf("arc-2-switch", FORCED)), 0, 1);
    expect(pair).toMatchObject({ path: "aborted", mapType: "not supported, forced", distance: -1, bytesPerS: null });
    expect(pair.reason).toContain("reads are 0xFF, writes are lost");
    expect(pair.remedy).toContain("pci=disable_acs_redir=");
  });
});

describe.each(CLOCKS)("%s clock: a private page mapped unchecked", (clock) => {
  const set = { "devices.gpu0.memory.importer": "unchecked" };
  const vram = (rw: string) =>
    `{ name: a, rw: ${rw}, bs: 16k, size: 1MiB, iodepth: 4, target: "vram:gpu0", working_set: 1MiB }`;

  it.each(["passthrough", "lazy"])("IOMMU %s: a bus error, or ones for a device that does not look", async (mode) => {
    const where = { machine: "desktop-gpu-256m", clock };
    const careful = await runJobs([vram("write")], { ...where, set: { ...set, "iommu.mode": mode } });
    expect(jobOf(careful).error_text).toContain("bus error");
    const careless = { ...set, "iommu.mode": mode, "devices.nvme0.ignores_aborts": true };
    const result = await runJobs([vram("write")], { ...where, set: careless });
    expect(result.host.integrity.first[0]).toMatchObject({ kind: "all-ones", actual: 0xff });
    expect(exitCodeOf(result)).toBe(EXIT.verification);
  });
});
