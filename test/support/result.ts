/** Hand-made results for tests of reports: one plain run, changed key by key. */
import type { DirectionResult, JobResult, RunResult } from "#dmasim/sim/result.js";

const P = (p50: number) => ({
  "1.000000": p50 * 0.6,
  "50.000000": p50,
  "95.000000": p50 * 1.3,
  "99.000000": p50 * 1.5,
  "99.900000": p50 * 1.8,
});

export function direction(iops: number, blockBytes: number, p50: number, runtimeMs = 2000): DirectionResult {
  const ios = Math.round((iops * runtimeMs) / 1000);
  return {
    io_bytes: ios * blockBytes,
    bw_bytes: iops * blockBytes,
    iops,
    total_ios: ios,
    runtime: ios === 0 ? 0 : runtimeMs,
    clat_ns: { min: p50 / 2, max: p50 * 2, mean: p50 * 1.05, stddev: p50 * 0.1, percentile: ios === 0 ? {} : P(p50) },
  };
}

export function jobResult(changes: Partial<JobResult> = {}): JobResult {
  return {
    jobname: "rand-read",
    groupid: 0,
    clones: 8,
    device: "nvme0",
    target: "ram",
    depth: 32,
    read: direction(2_800_000, 4096, 2_900_000),
    write: direction(0, 4096, 0),
    error: 0,
    path: { direct: 0, iommu: 1, bounce: 0, p2p: 0, cpu: 0, staged: 0 },
    map_ns: 90,
    unmap_ns: 9800,
    faults: 0,
    retries: 0,
    verified_ios: 5_600_000,
    notes: [],
    ...changes,
  };
}

const JOB_SPEC = {
  name: "rand-read",
  rw: "randread",
  submission: "async",
  iodepth: 32,
  numjobs: 8,
  ioengine: "libaio",
  direct: true,
  sizeBytes: 2 ** 30,
  runtimeNs: 60e9,
  timeBased: true,
  blockSizes: {
    read: [{ bytesMin: 4096, bytesMax: 4096, weight: 1 }],
    write: [{ bytesMin: 4096, bytesMax: 4096, weight: 1 }],
  },
};

export function runResult(changes: Partial<RunResult> = {}): RunResult {
  return {
    schema: "dmasim/result@1",
    version: "0.1.0",
    seed: 42,
    clock: "virtual",
    machine: {
      name: "arm-smmu-8nvme",
      title: "Arm server with 8 NVMe drives",
      era: "6.12",
      defects: "shipped",
      iommu: "smmuv3 strict",
    },
    profile: { name: "8nvme-modes", jobs: [JOB_SPEC] },
    jobs: [jobResult()],
    resources: [
      { name: "smmu0.cmdq", kind: "invalidation queue", utilization: 0.98, wait_ns: 7.1e9 },
      { name: "nvme0.media", kind: "media", utilization: 0.17, wait_ns: 2.1e9 },
      { name: "rp0.link", kind: "link fromDevice", utilization: 0.11, wait_ns: 0.3e9 },
      { name: "cpu3", kind: "CPU", utilization: 0.42, wait_ns: 0.1e9 },
      { name: "smmu0.walkers", kind: "page walkers", utilization: 0.002, wait_ns: 0 },
    ],
    bottleneck: {
      bound: "resource",
      resource: "smmu0.cmdq",
      share: 0.71,
      why: "every unmap waits for its own invalidation; 71 % of I/O time is waiting for the SMMU command queue",
      moves: ["iommu.mode=lazy 5.9× (stale window up to 10 ms)", "persistent maps 5.9×", "a second SMMU about 2×"],
      next: [
        { resource: "cpu3", share: 0.42, headroom: 2.38 },
        { resource: "nvme0.media", share: 0.17, headroom: 5.88 },
      ],
    },
    confidence: {
      level: "extrapolated",
      band: null,
      parts: [
        { part: "PCIe", level: "extrapolated", band: 0.105, topics: ["pcie-dma"], why: "as haswell-ep" },
        { part: "SMMUv3 strict maps", level: "calibrated", band: 0.173, topics: ["iommu-invalidation"], why: "" },
        { part: "nvme", level: "extrapolated", band: null, topics: [], why: "data-sheet figures" },
      ],
      not_modelled: ["FTL", "thermal limits", "C-states"],
    },
    counters: {
      iommu: { mappings: 5_600_000, unmappings: 5_600_000, invalidations: 5_600_000, domain_flushes: 0 },
      iotlb: { hits: 120_000, misses: 6_700_000 },
      iova: { magazine_hits: 5_599_000, depot_exchanges: 80, tree_ops: 920 },
      swiotlb: { used_hiwater: 0 },
      link: { bytes_to_device: 358_400_000, bytes_from_device: 22_900_000_000 },
    },
    integrity: { leaks: [] },
    virtual: { duration_ns: 2e9, events: 61_000_000 },
    notes: [],
    host: {
      workers: 2,
      payload: true,
      integrity: { bytes_verified: 4e9, mismatches: 0, first: [] },
      wall_s: 9.1,
      cpu_s: 14.8,
      bytes_per_s: 2.5e9,
      ios_per_s: 615_000,
      peak_rss_bytes: 412 * 2 ** 20,
      touched_bytes: 64 * 2 ** 20,
      node: "v20.20.2",
      cpus: 2,
    },
    ...changes,
  };
}

/** Everything that can go wrong at once, several jobs, mixed paths. */
export function troubledResult(): RunResult {
  const plain = runResult();
  return {
    ...plain,
    clock: "virtual",
    partial: true,
    scaled: { limit: "1,000,000 I/Os", full: "268,435,456 I/Os", jobs: ["rand-read", "mixed"] },
    machine: { ...plain.machine, defects: "corrected" },
    jobs: [
      jobResult({ depth: 1, depth_note: "submits at depth 1, not 32: libaio without direct=1 is synchronous" }),
      jobResult({
        jobname: "mixed-read-write-with-a-long-name",
        groupid: 1,
        clones: 1,
        device: "nvme1",
        target: "pmem0",
        read: direction(410_000, 4096, 310_000),
        write: direction(175_000, 4096, 42_000),
        path: { direct: 0, iommu: 0.83, bounce: 0.17, p2p: 0, cpu: 0, staged: 0 },
        faults: 3,
        retries: 117,
        notes: ["fsync=1 is read but has no meaning here"],
      }),
      jobResult({
        jobname: "to-gpu",
        groupid: 1,
        clones: 1,
        target: "bar:gpu0",
        read: direction(0, 4096, 0),
        error: 5,
        error_text:
          "nvme 0000:17:00.0: swiotlb buffer is full (sz: 262144 bytes), total 32768 (slots), used 32700 (slots)",
        path: { direct: 0, iommu: 0, bounce: 0, p2p: 0, cpu: 0, staged: 0 },
        map_ns: 0,
        unmap_ns: 0,
      }),
    ],
    confidence: { ...plain.confidence, level: "calibrated", band: 0.3 },
    counters: { ...plain.counters, swiotlb: { used_hiwater: 32_700, full: 117 } },
    integrity: {
      leaks: [
        { kind: "swiotlb slot", where: "pool 0 area 3, mapped by nvme1", count: 128 },
        { kind: "iova", where: "domain nvme1, 0xfffc8000-0xfffcbfff", count: 1 },
      ],
    },
    notes: ["machine intel-vtd-2s: the profile names none"],
    host: {
      ...plain.host,
      integrity: {
        bytes_verified: 1.2e9,
        mismatches: 3,
        first: [
          {
            kind: "stale",
            job: "mixed-read-write-with-a-long-name",
            io: 181_223,
            offset: 512,
            phys: "0x10080c200",
            dma_addr: "0xfffc8200",
            expected: 0x5a,
            actual: 0,
            version: 7,
            seed: 42,
          },
        ],
      },
      worker_failure: {
        worker: 1,
        cause: "no heartbeat for 10 s",
        locks: ["domain 3: IOVA tree"],
        in_flight: ["engine nvme0q3: tags 4, 5", "engine nvme1q0: tag 17"],
      },
    },
  };
}
