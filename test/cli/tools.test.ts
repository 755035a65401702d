import { describe, expect, it } from "vitest";
import { dmasim } from "../support/cli.ts";

const json = (args: readonly string[]) => {
  const { code, stdout, stderr } = dmasim([...args, "--json", "-"]);
  return { code, stderr, result: JSON.parse(stdout) };
};

const SUMMARY = /^dma0chan0-copy0: summary 50 tests, 0 failures \d+\.\d\d iops \d+ KB\/s \(0\)$/m;

describe("dmasim dmatest", () => {
  it("prints the kernel's lines, checks every byte, leaks nothing", () => {
    const { code, stdout } = dmasim([
      "dmatest",
      "iterations=50",
      "max_channels=2",
      "threads_per_chan=2",
      "--dma-debug",
    ]);
    expect(stdout).toMatch(SUMMARY);
    expect(stdout.match(/ summary 50 tests, 0 failures /g)).toHaveLength(4);
    expect(stdout).toMatch(/checked, 0 bad, 0 leaks/);
    expect(stdout).toMatch(/dma-debug +0 errors, 400 mappings checked/);
    expect(code).toBe(0);
  });

  it("KB are units of 1024 bytes, figures those of the line", () => {
    const { result } = json(["dmatest", "iterations=64", "max_channels=1", "transfer_size=4096", "norandom"]);
    const [thread] = result.threads;
    expect(thread.bytes).toBe(64 * 4096);
    expect(thread.kb_per_s).toBe(Math.floor((64 * 4 * 1e6) / Math.trunc(thread.runtime_us)));
    expect(thread.latency_ns.percentile["99.000000"]).toBeGreaterThan(0);
    expect([result.schema, result.run.schema]).toEqual(["dmasim/dmatest@1", "dmasim/result@1"]);
  });

  it("the same for any number of workers, payload or none; another seed draws others", () => {
    const threadsOf = (...flags: string[]) =>
      json(["dmatest", "iterations=40", "max_channels=2", ...flags]).result.threads;
    const one = threadsOf("--workers", "1");
    expect(threadsOf("--workers", "2")).toEqual(one);
    expect(threadsOf("--no-payload")).toEqual(one);
    expect(threadsOf("--seed", "2")).not.toEqual(one);
  });

  it("under the wall clock the same bytes arrive", () => {
    const args = ["dmatest", "iterations=40", "max_channels=2", "--workers", "2"];
    const wall = json([...args, "--clock", "wall"]).result;
    expect(wall.threads.map((thread: { bytes: number }) => thread.bytes)).toEqual(
      json(args).result.threads.map((thread: { bytes: number }) => thread.bytes),
    );
    expect([wall.run.host.integrity.mismatches, wall.run.integrity.leaks]).toEqual([0, []]);
  });

  it("wrong data: a result line with the place, exit code 3", () => {
    const hook = { DMASIM_TEST_HOOK: "flip-byte:3" };
    const { code, stdout } = dmasim(["dmatest", "iterations=8", "max_channels=1", "verbose"], hook);
    expect(stdout).toMatch(
      /^dma0chan0-copy0: result #4: 'data error' with src_off=0x\w+ dst_off=0x\w+ len=0x\w+ \(1\)$/m,
    );
    expect(stdout.match(/'test passed'/g)).toHaveLength(7);
    expect(stdout).toMatch(/summary 8 tests, 1 failures/);
    expect(code).toBe(3);
  });

  it("bounces keep every byte, odd lengths included", () => {
    const set = ["--set", "iommu.mode=off", "--set", "devices[*].dma_mask_bits=32"];
    const { code, stderr, stdout } = dmasim(["dmatest", "iterations=30", "max_channels=1", ...set]);
    expect([stderr, code]).toEqual(["", 0]);
    expect(stdout).toContain("0 bad, 0 leaks");
  });

  it.each([
    [["iteration=4"], /did you mean "iterations"/],
    [["transfer_size=16384"], /below test_buf_size, 16384/],
    [["dmatest=1"], /No channels configured/],
    [["channel=dma7chan0"], /No channels configured[\s\S]*dma0chan0/],
    [["iterations=-3"], /allowed: 0 to/],
    [["timeout"], /name=value/],
    [["--machine", "kunpeng-920"], /has no DMA engine/],
    [["threads_per_chan=256"], /too many threads|allowed/],
  ])("%j: one clear message", (args, message) => {
    const { code, stdout, stderr } = dmasim(["dmatest", ...args]);
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([2, ""]);
  });
});

describe("dmasim map-benchmark", () => {
  it("prints the lines of the kernel's tool in the era's form", () => {
    const { code, stdout } = dmasim(["map-benchmark", "-t", "2", "-s", "1", "-d", "1", "--limit-ios", "2000"]);
    expect(stdout).toMatch(/^dma mapping benchmark: threads:2 seconds:1 node:-1 dir:TO_DEVICE granule: 1$/m);
    expect(stdout).toMatch(/^average map latency\(us\):\d+\.\d standard deviation:\d+\.\d$/m);
    expect(stdout).toMatch(/^average unmap latency\(us\):\d+\.\d standard deviation:\d+\.\d$/m);
    expect(code).toBe(0);
    const newer = dmasim(["map-benchmark", "-m", "1", "--set", 'kernel.era="7.x"', "--limit-ios", "100"]);
    expect(newer.stdout).toMatch(/^dma mapping benchmark\(SG_MODE\): .* granule:1$/m);
  });

  it("repeats itself, adds up, and leaks nothing", () => {
    const args = ["map-benchmark", "-t", "8", "-g", "4", "-x", "1000", "--limit-ios", "3000"];
    const { result } = json(args);
    expect(json(args).result).toEqual(result);
    expect([result.schema, result.scaled, result.integrity.leaks]).toEqual(["dmasim/map-benchmark@1", true, []]);
    expect(result.loops).toBe(3000);
    expect(result.avg_map_100ns).toBe(Math.floor(result.avg_map_100ns));
    expect(Math.abs(result.map_ns.mean / 100 - result.avg_map_100ns)).toBeLessThan(2);
    expect(result.unmap_ns.percentile["50.000000"]).toBeGreaterThan(result.map_ns.percentile["50.000000"]);
  });

  it("strict unmaps wait for each other, lazy ones do not", () => {
    const unmapNs = (mode: string, threads: string) =>
      json(["map-benchmark", "-t", threads, "--set", `iommu.mode=${mode}`, "--limit-ios", "4000"]).result.unmap_ns.mean;
    expect(unmapNs("strict", "8")).toBeGreaterThan(3 * unmapNs("strict", "1"));
    expect(unmapNs("lazy", "8")).toBeLessThan(unmapNs("strict", "1"));
  });

  it("runs for the seconds it was asked", () => {
    const { result } = json(["map-benchmark", "-s", "1", "-x", "10000000", "-t", "2"]);
    expect(result.scaled).toBeUndefined();
    expect(result.runtime_s).toBeGreaterThanOrEqual(1);
    expect(result.runtime_s).toBeLessThan(1.02);
  });

  it("under the wall clock on real threads", () => {
    const { code, result } = json(["map-benchmark", "-t", "4", "-s", "1", "--clock", "wall", "--workers", "2"]);
    expect([code, result.clock, result.integrity.leaks]).toEqual([0, "wall", []]);
    expect(result.loops).toBeGreaterThan(100);
  });

  it("a mapping that no pool can hold ends its thread, as -ENOMEM ends the ioctl", () => {
    const { code, stdout } = dmasim([
      "map-benchmark",
      "--machine",
      "confidential-vm",
      "-g",
      "128",
      "--limit-ios",
      "10",
    ]);
    expect(stdout).toContain("ioctl: Cannot allocate memory");
    expect(stdout).toMatch(/swiotlb buffer is full/);
    expect(code).toBe(4);
  });

  it.each([
    [["-t", "1025"], /1 to 1024/],
    [["-s", "0"], /1 to 300/],
    [["-b", "65"], /20 to 64/],
    [["-b", "20"], /unsupported DMA mask/],
    [["-n", "99"], /invalid numa node/],
    [["-x", "10000001"], /0 to 10000000/],
    [["--dev", "nvme9"], /no device of this name/],
  ])("%j: one clear message", (args, message) => {
    const { code, stdout, stderr } = dmasim(["map-benchmark", ...args]);
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([2, ""]);
  });
});
