/** Why the page can be believed, and what would happen elsewhere. */

import type { OtherPath } from "../../sim/mapping/elsewhere.ts";
import type { EvidenceView } from "../../sim/mapping/evidence.ts";
import { plural } from "../figures.ts";
import { labelled, type Screen } from "../style.ts";

/** `iommu_dma_map_sg (…) 6.12: compiled, traced`. */
export function renderEvidence(screen: Screen, evidence: readonly EvidenceView[], era: string): string[] {
  const words = evidence.map(({ levels, source }) => `${source.split(" (")[0]} ${levels.join(" + ")}`);
  return labelled(screen, "evidence", `Linux ${era}: ${words.join(" · ")}`, screen.colors.dim);
}

/** The other paths, one line each. */
export function renderElsewhere(screen: Screen, paths: readonly OtherPath[]): string[] {
  if (paths.length === 0)
    return labelled(screen, "elsewhere", "no other path: memory encryption makes every DMA bounce");
  const others = paths.filter((path) => !path.current);
  const width = Math.max(...others.map(({ name }) => name.length)) + 2;
  return others.flatMap((path, at) =>
    labelled(screen, at === 0 ? "elsewhere" : "", `${path.name.padEnd(width)}${outcomeWords(path)}`),
  );
}

function outcomeWords(path: OtherPath): string {
  const { segments, refusal } = path;
  if (refusal === null)
    return `${plural(segments ?? 0, "segment")}${extraWords(path)}${path.assumed ? " (VT-d assumed)" : ""}`;
  const where = refusal.entry === null ? "" : ` at entry ${refusal.entry}`;
  return `refused${where}: ${refusal.name}${refusal.errnoName === "" ? "" : ` (${refusal.errnoName})`}`;
}

function extraWords({ name, bouncedEntries, slots, invalidations }: OtherPath): string {
  if (bouncedEntries > 0) return `, ${plural(bouncedEntries, "bounce")} in ${plural(slots, "slot")}`;
  if (name === "iommu lazy") return ", flushed within 10 ms";
  if (name === "iommu strict")
    return invalidations.length === 0 ? "" : `, ${plural(invalidations.length, "invalidation")}`;
  return "";
}
