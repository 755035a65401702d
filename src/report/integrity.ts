/** Whether the bytes arrived and everything was given back; leaks and mismatches with their exact places. */
import type { Leak, Mismatch, RunResult } from "../sim/result.ts";
import { dataText, plural } from "./figures.ts";
import { labelled, plain, type Screen, shorten } from "./style.ts";
import { type Column, renderTable } from "./table.ts";

const LEAKS_SHOWN = 8;
const MISMATCHES_SHOWN = 8;
const MESSAGES_SHOWN = 8;

/** `4 GB checked, 0 bad, 0 leaks`, red when anything is wrong. */
export function renderIntegrity(screen: Screen, result: RunResult): string[] {
  const { colors } = screen;
  const { bytes_verified: checked, mismatches } = result.host.integrity;
  const leaked = result.integrity.leaks.reduce((sum, leak) => sum + leak.count, 0);
  const bytes = checked === 0 ? uncheckedText(result) : `${dataText(checked)} checked, ${mismatches} bad`;
  const paint = mismatches > 0 || leaked > 0 ? colors.red : checked === 0 ? colors.yellow : colors.green;
  const image = result.host.memory_image;
  return [
    ...labelled(screen, "integrity", `${bytes}, ${plural(leaked, "leak")}`, paint),
    ...renderDmaDebug(screen, result),
    ...(image === undefined ? [] : labelled(screen, "memory image", `sha256 ${image}`)),
  ];
}

/** `0 errors, 1,000 mappings checked`, and the first errors as the kernel would log them. */
function renderDmaDebug(screen: Screen, { dma_debug: debug }: RunResult): string[] {
  if (debug === undefined) return [];
  const { colors } = screen;
  const { errors, mappings, disabled, first } = debug;
  const end = disabled === true ? "; it ran out of entries and gave up" : "";
  const paint = errors > 0 ? colors.red : disabled === true ? colors.yellow : colors.green;
  return [
    ...labelled(screen, "dma-debug", `${plural(errors, "error")}, ${plural(mappings, "mapping")} checked${end}`, paint),
    ...first.slice(0, MESSAGES_SHOWN).flatMap((message) => labelled(screen, "", message, colors.red)),
    ...moreLine(screen, errors - Math.min(first.length, MESSAGES_SHOWN), "errors"),
  ];
}

function uncheckedText(result: RunResult): string {
  return result.host.payload ? "no bytes checked" : "no bytes checked (payload off)";
}

/** A line per leak: what, how many, where. */
export function renderLeaks(screen: Screen, result: RunResult): string[] {
  const { leaks } = result.integrity;
  if (leaks.length === 0) return [];
  const columns: readonly Column[] = [
    { head: "leak", align: "left" },
    { head: "count", align: "right" },
    { head: "where", align: "left" },
  ];
  const rows = leaks.slice(0, LEAKS_SHOWN).map((leak: Leak) => [leak.kind, String(leak.count), plain(leak.where)]);
  return [...renderTable(screen, columns, rows), ...moreLine(screen, leaks.length - rows.length, "leaks")];
}

const MISMATCH_COLUMNS: readonly Column[] = [
  { head: "mismatch", align: "left" },
  { head: "job", align: "left" },
  { head: "I/O", align: "right" },
  { head: "offset", align: "right" },
  { head: "physical", align: "right" },
  { head: "DMA address", align: "right" },
  { head: "expected", align: "right" },
  { head: "found", align: "right" },
  { head: "version", align: "right" },
  { head: "seed", align: "left" },
];

/** A line per recorded mismatch with the exact addresses of its first wrong byte. */
export function renderMismatches(screen: Screen, result: RunResult): string[] {
  const { first, mismatches } = result.host.integrity;
  if (first.length === 0) return [];
  const rows = first.slice(0, MISMATCHES_SHOWN).map(mismatchRow);
  return [
    ...renderTable(screen, MISMATCH_COLUMNS, rows, (cell, _row, column) =>
      column === 0 ? screen.colors.red(cell) : cell,
    ),
    ...moreLine(screen, mismatches - rows.length, "mismatches"),
  ];
}

function mismatchRow(mismatch: Mismatch): string[] {
  return [
    mismatch.kind,
    shorten(plain(mismatch.job), 16),
    String(mismatch.io),
    String(mismatch.offset),
    mismatch.phys,
    mismatch.dma_addr,
    byteText(mismatch.expected),
    byteText(mismatch.actual),
    String(mismatch.version),
    String(mismatch.seed),
  ];
}

function byteText(byte: number): string {
  return `0x${byte.toString(16).padStart(2, "0")}`;
}

function moreLine(screen: Screen, more: number, noun: string): string[] {
  return more > 0 ? [screen.colors.dim(` ${more} more ${noun}: see --json`)] : [];
}
