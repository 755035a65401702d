/** The page of `dmasim map`: request, answer, drawing, consequences, trust. */
import type { MappingSurvey } from "../sim/mapping/survey.ts";
import { renderArchPage } from "./map/arch_page.ts";
import { renderArchSummary, renderArchTable } from "./map/arch_table.ts";
import { renderDrawing } from "./map/drawing.ts";
import { renderEntries } from "./map/entries.ts";
import { renderExposure, renderFacts } from "./map/facts.ts";
import { renderRefusal } from "./map/refusal.ts";
import { renderAnswer, renderHead } from "./map/summary.ts";
import { renderElsewhere, renderEvidence } from "./map/trust.ts";
import { labelled, type Screen } from "./style.ts";

/** The page of `--arch`: the entries, then one architecture in full or all of them side by side. */
export function renderMapOnArchs(screen: Screen, { preview, archs }: MappingSurvey): string {
  const only = archs.length === 1 ? archs[0] : undefined;
  const body = only === undefined ? renderArchTable(screen, archs) : renderArchPage(screen, only);
  return `${[...renderEntries(screen, preview), "", ...body].join("\n")}\n`;
}

/** The whole page, ending with a newline. */
export function renderMap(screen: Screen, report: MappingSurvey): string {
  const { preview } = report;
  const { mapped, refusal } = preview;
  const blocks = [
    renderHead(screen, preview),
    renderAnswer(screen, preview),
    [...renderDrawing(screen, preview), ...(mapped === null ? [] : renderExposure(screen, preview, mapped.exposure))],
    mapped === null ? [] : renderFacts(screen, preview, mapped),
    refusal === null ? [] : renderRefusal(screen, preview, refusal),
    [
      ...renderEvidence(screen, report.evidence, preview.request.era),
      ...renderElsewhere(screen, report.elsewhere),
      ...renderArchSummary(screen, report.archs),
      ...report.notes.flatMap((note, at) => labelled(screen, at === 0 ? "notes" : "", note)),
    ],
  ];
  const text = blocks.filter((block) => block.length > 0).map((block) => block.join("\n"));
  return `${text.join("\n\n")}\n`;
}
