/** The arena's layout for people: where every region lies, who writes it, and the fields of one record. */
import { hex } from "../../base/addr.ts";
import { formatBytes } from "../../base/units.ts";
import type { PlacedField, RecordMeta, Region } from "../../shm/record.ts";
import type { Screen } from "../style.ts";
import { type Column, renderTable } from "../table.ts";

/** What `inspect layout` shows, as plain data. */
export interface LayoutView {
  readonly controlBytes: number;
  readonly arenaBytes: number;
  readonly hash: string;
  readonly regions: readonly Region[];
}

const REGION_COLUMNS: readonly Column[] = [
  { head: "region", align: "left" },
  { head: "record", align: "left" },
  { head: "byte offset", align: "right" },
  { head: "records", align: "right" },
  { head: "bytes each", align: "right" },
  { head: "size", align: "right" },
  { head: "written by", align: "left" },
];

/** One line per region; a record's name or a region's name leads to its fields. */
export function renderLayout(screen: Screen, view: LayoutView): string {
  const rows = view.regions.map((region) => [
    region.name,
    region.record.name,
    hex(region.byte),
    String(region.count),
    String(region.stride * 4),
    formatBytes(region.bytes),
    ownersText(region.record),
  ]);
  const free = `${hex(view.controlBytes)} to ${hex(view.arenaBytes)}: 64 KiB chunks with the bytes of RAM, PMEM and device memory`;
  return [
    screen.colors.dim(`layout ${view.hash.slice(0, 16)}: control words below ${hex(view.controlBytes)}`),
    "",
    ...renderTable(screen, REGION_COLUMNS, rows, (cell, _row, column) =>
      column === 0 ? screen.colors.bold(cell) : cell,
    ),
    ` ${free}`,
    "",
    screen.colors.dim(" fields of a record: dmasim inspect layout RECORD"),
    "",
  ].join("\n");
}

function ownersText(record: RecordMeta): string {
  return [...new Set(record.fields.map((field) => field.owner))].join(", ");
}

const FIELD_COLUMNS: readonly Column[] = [
  { head: "byte", align: "right" },
  { head: "word", align: "right" },
  { head: "field", align: "left" },
  { head: "kind", align: "left" },
  { head: "written by", align: "left" },
  { head: "rank", align: "right" },
  { head: "meaning", align: "left" },
];

/** Fields of the record that `regions` are made of, with their byte offsets inside the record. */
export function renderRecord(screen: Screen, regions: readonly Region[], record: RecordMeta): string {
  const rows = record.fields.map(fieldRow);
  const places = regions.map((region) => ` ${region.name}: ${region.count} at ${hex(region.byte)}, ${region.note}`);
  const bytes = regions[0] === undefined ? 0 : regions[0].stride * 4;
  return [
    `${screen.colors.bold(record.name)} ${screen.colors.dim(`${bytes} bytes`)}`,
    ...places,
    "",
    ...renderTable(screen, FIELD_COLUMNS, rows, (cell, _row, column) =>
      column === 2 ? screen.colors.bold(cell) : cell,
    ),
    "",
  ].join("\n");
}

function fieldRow(field: PlacedField): string[] {
  const kind = field.count > 1 ? `${field.kind}[${field.count}]` : field.kind;
  const rank = field.kind === "mutex" ? String(field.rank) : "";
  return [String(field.word * 4), String(field.word), field.name, kind, field.owner, rank, field.note];
}
