/** How far the figures can be trusted, and what the model leaves out. */
import type { Confidence, ConfidencePart, RunResult } from "../sim/result.ts";
import { bandText } from "./figures.ts";
import { labelled, type Screen } from "./style.ts";

const MEANING: Readonly<Record<Confidence["level"], string>> = {
  calibrated: "published measurements of such parts were predicted this well",
  extrapolated: "compare, do not quote",
  "fabric ceiling": "what links and memory allow, a device may be slower",
  host: "measured on this computer; says nothing about the speed of the modelled machine",
};

/** The trust line and the not-modelled line. A level other than `calibrated` stands in capitals: it must not be overlooked. */
export function renderTrust(screen: Screen, result: RunResult): string[] {
  const { level, band, parts, not_modelled: missing } = result.confidence;
  const { colors } = screen;
  const weak = level === "extrapolated" || level === "fabric ceiling";
  const word = `${weak ? level.toUpperCase() : level}${bandText(band)}: ${MEANING[level]}`;
  const lines = labelled(screen, "trust", [word, ...parts.map(partText)].join(" · "), weak ? colors.yellow : undefined);
  if (missing.length > 0) lines.push(...labelled(screen, "not modelled", missing.join(", ")));
  return lines;
}

/** `PCIe ±11 %` of a calibrated part; of the others what stands in, and the band that it has. */
function partText({ part, band, why }: ConfidencePart): string {
  return `${part}${why === "" ? "" : ` (${why})`}${bandText(band)}`;
}
