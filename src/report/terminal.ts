/**
 * The report of a run for people: verdict, why, detail, trust.
 *
 * ```
 * machine · kernel · load · clock          header
 *  LIMITED BY ...: 11.5 GB/s ...           verdict
 *  why / would move it / where I/O waits
 *  job table, path table                   detail
 *  integrity / trust / not modelled / notes
 *  worker failure, mismatches, leaks       evidence, only when something is wrong
 * ```
 * Pure: a result and a screen give text.
 */
import type { RunResult } from "../sim/result.ts";
import { renderFaults } from "./faults.ts";
import { renderHeader } from "./header.ts";
import { renderIntegrity, renderLeaks, renderMismatches } from "./integrity.ts";
import { renderJobNotes, renderJobTable } from "./job_table.ts";
import { renderMemoryEvents } from "./memory_events.ts";
import { renderHost, renderNotes } from "./notes.ts";
import { renderPathTable } from "./path_table.ts";
import { renderPowerCut } from "./power_cut.ts";
import type { Screen } from "./style.ts";
import { renderTrust } from "./trust.ts";
import { renderVerdict } from "./verdict.ts";
import { renderWaits } from "./waits.ts";
import { renderWorkerFailure } from "./worker_failure.ts";

/** Whole report, ending in a newline. */
export function renderRun(screen: Screen, result: RunResult): string {
  const blocks = [
    renderHeader(screen, result),
    [...renderVerdict(screen, result), ...renderWaits(screen, result)],
    renderWorkerFailure(screen, result),
    renderMismatches(screen, result),
    renderLeaks(screen, result),
    renderJobTable(screen, result),
    renderJobNotes(screen, result),
    renderPathTable(screen, result),
    renderMemoryEvents(screen, result),
    renderFaults(screen, result),
    renderPowerCut(screen, result),
    [
      ...renderIntegrity(screen, result),
      ...renderTrust(screen, result),
      ...renderNotes(screen, result),
      ...renderHost(screen, result),
    ],
  ];
  const text = blocks.filter((block) => block.length > 0).map((block) => block.join("\n"));
  return `${text.join("\n\n")}\n`;
}
