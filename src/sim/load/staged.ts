/**
 * The CPU-staged way: where Linux refuses two peers, the data go to memory by DMA and the CPU moves them over the BAR.
 *
 * ```
 * read of a device into a peer's BAR:   device ─ DMA ─► RAM ─ stores of the CPU ─► BAR
 * write of a device from a BAR:         BAR ─ loads of the CPU ─► RAM ─ DMA ─► device
 * ```
 * A program does this, not the kernel: it is named in the result, and a profile may forbid it (`p2p: {staged: forbid}`).
 */
import { PEER_ROUTE } from "../../host/context.ts";
import { peerReasonText, peerRemedyText } from "../../host/p2p/words.ts";
import type { PhysRegion } from "../../memory/physmap.ts";
import type { Profile } from "../profile/job.ts";
import type { System } from "../system.ts";

/** Why a job's data are staged. */
export interface StagedWay {
  readonly provider: string;
  readonly reason: string;
  readonly remedy: string | null;
}

/** The staged way of `device` to memory of `region`; null when it is not refused, or staging is forbidden. */
export function stagedWay(system: System, profile: Profile, device: number, region: PhysRegion): StagedWay | null {
  const index = system.peers.regionAt(region.start);
  if (index < 0 || system.machine.era === "4.1" || profile.p2p?.staged === "forbid") return null;
  const decision = system.peers.decision(index, device);
  if (decision.route !== PEER_ROUTE.notSupported) return null;
  const provider = system.machine.devices[system.peers.region(index).device]?.name ?? region.name;
  return { provider, reason: peerReasonText(decision), remedy: peerRemedyText(decision) };
}

/** What the result says about a staged job. */
export function stagedNote(way: StagedWay): string {
  const remedy = way.remedy === null ? "" : `; ${way.remedy}`;
  return `staged through memory by the CPU, ${way.provider} is no peer: ${way.reason}${remedy}`;
}

/** What the result says about a job whose driver forces refused peers; null when none of `targets` is one. */
export function forcedNote(system: System, device: number, targets: readonly string[]): string | null {
  for (const target of targets) {
    const region = system.map.regions.find(({ name }) => name === target);
    const index = region === undefined ? -1 : system.peers.regionAt(region.start);
    if (index < 0 || !system.peers.decision(index, device).forced) continue;
    return `forced to ${target} although the kernel refuses: ${peerReasonText(system.peers.decision(index, device))}`;
  }
  return null;
}
