import { describe, expect, it } from "vitest";
import { groupedHex, indexList, limitBytesText, maskText } from "#dmasim/report/map/address.js";
import { elide } from "#dmasim/report/map/elide.js";
import { mapReportJson } from "#dmasim/report/map/json.js";
import { renderMap, renderMapOnArchs } from "#dmasim/report/map.js";
import { createScreen } from "#dmasim/report/style.js";
import type { MappingSurvey } from "#dmasim/sim/mapping/survey.js";
import { type PreviewWords, pagesApart, survey } from "../../support/mapping.ts";

const PLAIN = createScreen(false, undefined);
const NARROW = createScreen(false, 100);

const MIXED = ["ram@0x10800+0x800", "pmem@0x100050000+0x1000", "ram@0x30000+0x400"];
const PEERS = ["bar:nvme3+0+4k", "ram1+0x800+0x800", "pmem1+0x50000+0x1000", "ram2+0x30000+0x400", "ram2+0x100+0x200"];
const UNTRUSTED = { set: { "devices.nvme0.untrusted": true } };
const NO_POOL = { dev: "capture0", set: { "swiotlb.size": 0 } };

/** Every kind of page. */
const PAGES: readonly (readonly [name: string, entries: readonly string[], words: PreviewWords])[] = [
  ["iommu", MIXED, {}],
  ["peers", PEERS, { dev: "nvme3" }],
  ["bounced", ["ram0+0+0x800", "ram1+0x100+6000"], { dev: "capture0" }],
  ["untrusted", ["ram0+0x100+0x300", "ram0+4k+4k"], UNTRUSTED],
  ["lazy_long", pagesApart(300, 8704), { dev: "nvme1" }],
  ["refused", ["ram0+0+0x800", "ram1+0x258e000+8k", "ram0+64k+4k"], NO_POOL],
];

const surveys = new Map<string, MappingSurvey>(PAGES.map(([name, entries, words]) => [name, survey(entries, words)]));

function surveyOf(name: string): MappingSurvey {
  const found = surveys.get(name);
  if (found === undefined) throw new Error(`no page ${name}`);
  return found;
}

describe("the page of a mapping", () => {
  it.each(PAGES.map(([name]) => name))("%s", async (name) => {
    await expect(renderMap(PLAIN, surveyOf(name))).toMatchFileSnapshot(`snapshots/map_${name}.txt`);
  });

  it.each(PAGES.map(([name]) => name))("%s: no line is wider than the screen, none ends in space", (name) => {
    for (const screen of [PLAIN, NARROW]) {
      for (const line of renderMap(screen, surveyOf(name)).split("\n")) {
        expect(line.length).toBeLessThanOrEqual(screen.width);
        expect(line).toBe(line.trimEnd());
      }
    }
  });

  it.each(PAGES.map(([name]) => name))("%s: colour changes no text", (name) => {
    const colored = renderMap(createScreen(true, undefined), surveyOf(name));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: strips the colours again
    const stripped = colored.replaceAll(/\u001b\[\d+m/g, "");
    expect(colored).not.toBe(stripped);
    const trimmed = stripped.split("\n").map((line) => line.trimEnd());
    expect(trimmed).toEqual(renderMap(PLAIN, surveyOf(name)).split("\n"));
  });

  it("JSON: addresses are hexadecimal text, lengths are numbers", () => {
    const json = JSON.parse(JSON.stringify(mapReportJson(surveyOf("iommu"))));
    expect(json).toMatchObject({
      schema: "dmasim/map@1",
      request: { dmaMask: "0xffffffffffffffff", maxSegBytes: 4294967295 },
      mapped: { segments: [{ dmaAddr: "0xffffc800", bytes: 0x1c00 }], iova: { start: "0xffffc000", pages: 3 } },
      leaks: [],
    });
    expect(json.entries[1].pages[0]).toMatchObject({ phys: "0x100050000", word: "0x0000000100050002" });
    expect(json.mapped.exposure.ranges).toEqual([
      { start: "0x10000", last: "0x107ff" },
      { start: "0x30400", last: "0x30fff" },
    ]);
    expect(json.archs[0].runs.before.segments).toBeUndefined();
  });
});

describe("the pages of architectures", () => {
  it("all side by side, none wider than the screen", async () => {
    const text = renderMapOnArchs(PLAIN, survey(MIXED, { arch: "all" }));
    await expect(text).toMatchFileSnapshot("snapshots/map_archs.txt");
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(PLAIN.width);
  });

  it("one in full; a policy lets page-less entries pass a coherence index", () => {
    const refused = renderMapOnArchs(PLAIN, survey(MIXED, { arch: "parisc-ccio" }));
    expect(refused).toContain("refused at      coherence-index");
    const passed = renderMapOnArchs(PLAIN, survey(MIXED, { arch: "parisc-ccio", set: { pagelessPolicy: "index0" } }));
    expect(passed).toMatch(/dma_map_sg {6}→ 3: /);
    expect(passed).toContain("snoops of a stand-in line");
  });
});

describe("its parts", () => {
  it("long lists keep their ends and what matters", () => {
    expect(elide(24, null)).toHaveLength(24);
    expect(elide(300, 150)).toContainEqual({ first: 10, count: 139 });
    expect(elide(300, 150)).toContainEqual({ entry: 151 });
    const drawn = elide(2048, null).reduce((sum, item) => sum + ("entry" in item ? 1 : item.count), 0);
    expect(drawn).toBe(2048);
  });

  it("addresses and limits", () => {
    expect([0x10800, 0x100050000, 0].map(groupedHex)).toEqual(["0x1_0800", "0x1_0005_0000", "0x0"]);
    expect([0xffffffff, 65536].map(limitBytesText)).toEqual(["4 GiB - 1", "64 KiB"]);
    expect([0xffffffff, Number.MAX_SAFE_INTEGER, 0x12345].map(maskText)).toEqual(["32 bits", "64 bits", "0x12345"]);
    expect(indexList([1, 2, 3, 7])).toBe("1-3, 7");
  });
});
