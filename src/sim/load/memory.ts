/** The memory that one clone works on: buffers or copy areas, and the BAR areas that staged ones stand in for. */
import { DmasimError } from "../../base/errors.ts";
import { formatBytes } from "../../base/units.ts";
import { unassignedBar } from "../machine/named_bar.ts";
import type { JobSpec, Profile } from "../profile/job.ts";
import type { System } from "../system.ts";
import type { BufferAllocator, BufferPlan } from "./buffers.ts";
import { checkDaxTarget } from "./dax_target.ts";
import { type StagedWay, stagedWay } from "./staged.ts";

/** Memory areas of a `copy` job. */
export interface CopyAreas {
  readonly source: number;
  readonly destination: number;
  /** BAR areas that `source` and `destination` are staged for; null = they are the areas themselves. */
  readonly peerSource: number | null;
  readonly peerDestination: number | null;
  readonly bytes: number;
}

/** Whose memory it is. */
export interface MemoryOwner {
  readonly profile: Profile;
  readonly job: JobSpec;
  readonly extent: { readonly device: number };
  /** Set for jobs without DMA. */
  readonly dax: object | null;
}

/** How much is needed; `copyBytes` null = buffers, not copy areas. */
export interface MemoryNeed {
  readonly copyBytes: number | null;
  readonly commandBytesMax: number;
  readonly commands: number;
}

/** What a clone got. */
export interface ClonePlaces {
  readonly buffers: BufferPlan | null;
  readonly copy: CopyAreas | null;
  readonly staged: StagedWay | null;
  readonly peerBase: number | null;
}

/** Places everything; what is staged lies in RAM, with its like in the BAR. */
export function planMemory(
  system: System,
  allocator: BufferAllocator,
  { profile, job, extent, dax }: MemoryOwner,
  need: MemoryNeed,
): ClonePlaces {
  const { bounceRange } = system;
  for (const target of [job.target, job.source]) refuseUnassigned(system, job, target);
  const wayTo = (target: string) =>
    dax === null ? stagedWay(system, profile, extent.device, allocator.region(job, target)) : null;
  const staged = wayTo(job.target);
  const bytes = need.copyBytes;
  if (bytes !== null) {
    const stagedSource = wayTo(job.source);
    const area = (target: string) => allocator.area(job, target, bytes, bounceRange);
    const copy = {
      source: area(stagedSource === null ? job.source : "ram"),
      destination: area(staged === null ? job.target : "ram"),
      peerSource: stagedSource === null ? null : area(job.source),
      peerDestination: staged === null ? null : area(job.target),
      bytes,
    };
    return { buffers: null, copy, staged: staged ?? stagedSource, peerBase: null };
  }
  checkDaxTarget(job, allocator.region(job, job.target));
  const placed = dax !== null || staged !== null ? { ...job, target: "ram" } : job;
  const buffers = allocator.plan(placed, need.commandBytesMax, need.commands, bounceRange);
  const peerBase =
    staged === null ? null : allocator.area(job, job.target, buffers.stride * need.commands, bounceRange);
  return { buffers, copy: null, staged, peerBase };
}

/** A BAR for which the firmware found no room cannot be a target. */
function refuseUnassigned({ machine }: System, job: JobSpec, target: string): void {
  const bar = unassignedBar(machine, target);
  if (bar === null) return;
  throw new DmasimError({
    code: "DMASIM_BAR_UNASSIGNED",
    what: `job ${job.name} names a BAR that has no address: ${bar.kernelLine}`,
    value: target,
    limit: `${formatBytes(bar.bytes)} aligned to its size, in a window of the host bridge`,
    remedy: "enlarge the host bridge's windows (more address bits, or a larger share of them for MMIO)",
    at: job.at,
  });
}
