/** How far the figures can be trusted, and what the model leaves out. */
import type { Confidence, RunResult } from "../sim/result.ts";
import { bandText } from "./figures.ts";
import { labelled, type Screen } from "./style.ts";

const MEANING: Readonly<Record<Confidence["level"], string>> = {
  uncalibrated: "published values and presets, not measured on this machine: compare, do not quote",
  calibrated: "inside the range of this machine's calibration",
  extrapolated: "outside the range of this machine's calibration",
  "fabric ceiling": "an upper bound that links and memory set; the device itself may be slower",
  host: "measured on this computer; says nothing about the speed of the modelled machine",
};

/** The trust line and the not-modelled line. `UNCALIBRATED` stands in capitals: it must not be overlooked. */
export function renderTrust(screen: Screen, result: RunResult): string[] {
  const { level, band, not_modelled: missing } = result.confidence;
  const { colors } = screen;
  const weak = level === "uncalibrated" || level === "extrapolated";
  const word = `${weak ? level.toUpperCase() : level}${bandText(band)}`;
  const lines = labelled(screen, "trust", `${word}: ${MEANING[level]}`, weak ? colors.yellow : undefined);
  if (missing.length > 0) lines.push(...labelled(screen, "not modelled", missing.join(", ")));
  return lines;
}
