import { describe, expect, it } from "vitest";
import { quoteCell, renderCsv } from "#dmasim/report/csv.js";
import { direction, jobResult, runResult } from "../../support/result.ts";

describe("CSV", () => {
  it("quotes commas, quotes and line breaks, and nothing else", () => {
    expect(quoteCell("plain text")).toBe("plain text");
    expect(quoteCell("a,b")).toBe('"a,b"');
    expect(quoteCell('say "hi"')).toBe('"say ""hi"""');
    expect(quoteCell("two\nlines")).toBe('"two\nlines"');
    expect(quoteCell("cr\r")).toBe('"cr\r"');
    expect(quoteCell(1.5)).toBe("1.5");
  });

  it("one row per job and direction, every row as long as the header", () => {
    const both = jobResult({ jobname: "both", write: direction(1000, 4096, 1e5) });
    const rows = renderCsv(runResult({ jobs: [jobResult(), both] })).split("\r\n");
    expect(rows.pop()).toBe("");
    expect(rows).toHaveLength(4);
    const width = rows[0]?.split(",").length;
    for (const row of rows) expect(row.split(",")).toHaveLength(width ?? 0);
    expect(rows[2]).toContain(",both,");
    expect(rows[3]).toContain(",write,");
  });

  it("a job without I/O keeps one row, with empty percentiles", () => {
    const jobs = [jobResult({ read: direction(0, 4096, 0), error: 5, error_text: "full, really" })];
    const rows = renderCsv(runResult({ jobs })).split("\r\n");
    expect(rows).toHaveLength(3);
    expect(rows[1]).toMatch(/,5,"full, really"$/);
  });
});
