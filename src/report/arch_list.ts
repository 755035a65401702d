/** `dmasim list archs`: every dma_map_sg that the simulator can follow. */
import type { ArchRow } from "../host/arch/types.ts";
import { mergingWords, pagelessChange } from "./map/arch_words.ts";
import type { Screen } from "./style.ts";
import { type Column, renderTable } from "./table.ts";

const COLUMNS: readonly Column[] = [
  { head: "architecture", align: "left" },
  { head: "joins by", align: "left" },
  { head: "caches by", align: "left" },
  { head: "evidence", align: "left" },
  { head: "entry without a struct page", align: "left" },
  { head: "what it is", align: "left" },
];

/** One line for each row. */
export function renderArchList(screen: Screen, rows: readonly ArchRow[]): string {
  const cells = rows.map((row) => [
    row.name,
    mergingWords(row.merging),
    row.cache.by === "none" ? "–" : row.cache.by,
    row.evidence,
    pagelessChange(row),
    row.title,
  ]);
  const lines = renderTable(screen, COLUMNS, cells, (cell, _row, column) =>
    column === 0 ? screen.colors.bold(cell) : cell,
  );
  return `${lines.join("\n")}\n`;
}
