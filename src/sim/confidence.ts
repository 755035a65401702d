/**
 * How far the figures of a run can be trusted: from the parts of the machine that it used, and from how far off the predictions of
 * published measurements of such parts were (`data/validation.json`).
 *
 * A run is no better than its weakest part. A part is `calibrated` when rows of such a system were predicted: its band holds nine
 * of ten of them; `extrapolated` when its figures are a relative's, a data sheet's or assumed; a device of which nothing is known
 * but its link makes a `fabric ceiling`.
 */
import { familyOf } from "../timing/fabric/presets.ts";
import { machineDevice, partOfDevice } from "./confidence_device.ts";
import type { Machine } from "./machine/description.ts";
import type { JobSpec, Profile } from "./profile/job.ts";
import type { Confidence, ConfidencePart, JobResult, ResourceResult } from "./result.ts";
import { bandOf, systemsOf, type ValidationSummary } from "./validation_summary.ts";

/** What no run models; the report names it beside the figures. */
export const NOT_MODELLED: readonly string[] = [
  "FTL",
  "thermal limits",
  "interrupt moderation",
  "PRI",
  "PASID",
  "TDISP",
  "CXL.mem",
];

const WEAKEST: readonly ConfidencePart["level"][] = ["fabric ceiling", "extrapolated", "calibrated"];
/** Below this share of busy time CPUs do not set the pace. */
const CPU_MATTERS = 0.5;
/** I/Os shorter than this feel the time that software takes for each, about 1.5 us. */
const SHORT_IO_NS = 15_000;
/** Kinds of the measurement vocabulary, and topics of the calls that each I/O makes. */
const IOMMUS = {
  "intel-vtd": { name: "VT-d", kind: "vtd", strict: ["iommu-cost"], lazy: ["iova-allocator"] },
  "amd-vi": { name: "AMD-Vi", kind: "amdvi", strict: ["iommu-cost"], lazy: ["iova-allocator"] },
  smmuv3: { name: "SMMUv3", kind: "smmuv3", strict: ["dma-map-cost", "iommu-invalidation"], lazy: ["dma-map-cost"] },
  "virtio-iommu": { name: "virtio-iommu", kind: "virtio", strict: [], lazy: [] },
} as const;

/** A job that did I/O, as asked for and as it went. */
interface UsedJob {
  readonly spec: JobSpec;
  readonly result: JobResult;
}

/** Confidence of a run under the virtual clock. */
export function confidenceOf(
  machine: Machine,
  profile: Profile,
  results: readonly JobResult[],
  resources: readonly ResourceResult[],
  summary: ValidationSummary,
): Confidence {
  const jobs = profile.jobs.flatMap((spec, index): UsedJob[] => {
    const result = results[index];
    return result !== undefined && result.read.total_ios + result.write.total_ios > 0 ? [{ spec, result }] : [];
  });
  const parts = [
    ...fabricParts(machine, jobs, summary),
    ...iommuParts(machine, jobs, summary),
    ...pathParts(jobs, summary),
    ...memoryParts(machine, jobs),
    ...deviceParts(machine, jobs, summary),
    ...softwareParts(jobs, resources),
  ];
  const level = WEAKEST.find((each) => parts.some((part) => part.level === each)) ?? "extrapolated";
  const bands = parts.flatMap(({ band }) => band ?? []);
  const band = level === "calibrated" && bands.length > 0 ? Math.max(...bands) : null;
  return { level, band, parts, not_modelled: NOT_MODELLED };
}

/**
 * A part with rows of its own is calibrated; one of whose family others have rows stands as they do. A row that does not name its
 * core family or its IOMMU speaks for every one; `iommu` null = it does not matter.
 */
function measured(
  part: string,
  topics: readonly string[],
  { uarch, iommu }: { readonly uarch: string; readonly iommu: string | null },
  summary: ValidationSummary,
): ConfidencePart {
  const alike = systemsOf(summary, topics).filter((row) => iommu === null || row.iommu === null || row.iommu === iommu);
  const band = bandOf(summary, topics);
  if (alike.some((row) => row.uarch === null || row.uarch === uarch)) {
    return { part, level: "calibrated", band, topics, why: "" };
  }
  const relative = alike.find((row) => familyOf(row.uarch ?? "") === familyOf(uarch))?.uarch ?? null;
  if (relative === null) return assumedPart(part, "assumed");
  return { part, level: "extrapolated", band, topics, why: `as ${relative}` };
}

function assumedPart(part: string, why: string): ConfidencePart {
  return { part, level: "extrapolated", band: null, topics: [], why };
}

/** Links and root complexes, when a device with a link moved something. */
function fabricParts(machine: Machine, jobs: readonly UsedJob[], summary: ValidationSummary): ConfidencePart[] {
  const linked = jobs.some(({ result }) => (machineDevice(machine, result.device)?.link ?? null) !== null);
  if (!linked) return [];
  return [measured("PCIe", ["pcie-dma", "pcie-latency"], { uarch: machine.cpus.uarch, iommu: null }, summary)];
}

/** Translation by the unit, and the calls that map and unmap. */
function iommuParts(machine: Machine, jobs: readonly UsedJob[], summary: ValidationSummary): ConfidencePart[] {
  const { kind } = machine.iommu;
  const translated = jobs.filter(({ result }) => result.path.iommu > 0);
  if (kind === "none" || translated.length === 0) return [];
  const { uarch } = machine.cpus;
  const unit = IOMMUS[kind];
  const system = { uarch, iommu: unit.kind };
  const parts = [measured(`${unit.name} walks`, ["iommu", "iommu-latency"], system, summary)];
  for (const mode of ["strict", "lazy"] as const) {
    const mapped = translated.some(
      ({ spec, result }) =>
        spec.map === "per-io" && (machineDevice(machine, result.device)?.iommuMode ?? machine.iommu.mode) === mode,
    );
    if (!mapped) continue;
    const name = `${unit.name} ${mode} maps`;
    const topics: readonly string[] = unit[mode];
    parts.push(topics.length === 0 ? assumedPart(name, "assumed") : measured(name, topics, system, summary));
  }
  return parts;
}

/** Bounces have rows, peers only whole systems; the CPU's own copies take one published rate. */
function pathParts(jobs: readonly UsedJob[], summary: ValidationSummary): ConfidencePart[] {
  const uses = (path: keyof JobResult["path"]) => jobs.some(({ result }) => result.path[path] > 0);
  return [
    ...(uses("bounce") ? [measured("bounces", ["bounce", "swiotlb"], { uarch: "", iommu: null }, summary)] : []),
    ...(uses("p2p") ? [assumedPart("peer memory", "assumed")] : []),
    ...(uses("cpu") ? [assumedPart("CPU copies", "one rate")] : []),
  ];
}

/** Persistent memory as a target of DMA. */
function memoryParts(machine: Machine, jobs: readonly UsedJob[]): ConfidencePart[] {
  const pmem = new Set(machine.memory.filter(({ kind }) => kind === "pmem").map(({ name }) => name));
  const used = jobs.some(
    ({ spec, result }) => result.path.cpu < 1 && (pmem.has(spec.target) || pmem.has(spec.pagelessTarget ?? "")),
  );
  return used ? [assumedPart("DMA to pmem", "rows of CPU accesses only")] : [];
}

/** Devices by what is known of them; those of which the same is known together. */
function deviceParts(machine: Machine, jobs: readonly UsedJob[], summary: ValidationSummary): ConfidencePart[] {
  const names = [...new Set(jobs.map(({ result }) => result.device))];
  const parts = names
    .flatMap((name) => machineDevice(machine, name) ?? [])
    .map((device) => partOfDevice(device, summary));
  const alike = (one: ConfidencePart, other: ConfidencePart) => one.why === other.why && one.band === other.band;
  const firsts = parts.filter((part, index) => parts.findIndex((other) => alike(other, part)) === index);
  return firsts.map((first) => {
    const together = new Set(parts.filter((other) => alike(other, first)).map(({ part }) => part));
    return { ...first, part: [...together].join(", ") };
  });
}

/** Drivers and the block layer, where their time shows. */
function softwareParts(jobs: readonly UsedJob[], resources: readonly ResourceResult[]): ConfidencePart[] {
  const busy = resources.some(({ kind, utilization }) => kind === "cpu" && utilization >= CPU_MATTERS);
  const short = jobs.some(({ result: { read, write } }) =>
    [read, write].some(({ total_ios: ios, clat_ns: latency }) => ios > 0 && latency.mean < SHORT_IO_NS),
  );
  return busy || short ? [assumedPart("host software", "assumed")] : [];
}
