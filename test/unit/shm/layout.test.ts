import { describe, expect, it } from "vitest";
import { CHUNK_BYTES, CHUNK_COUNT, CONTROL_BYTES } from "#dmasim/shm/capacities.js";
import { RANK, REGIONS } from "#dmasim/shm/layout.js";
import { layoutHash } from "#dmasim/shm/layout_hash.js";
import type { PlacedField, RecordMeta, Region } from "#dmasim/shm/record.js";

const regions: Region[] = Object.values(REGIONS);
const records = new Map<string, RecordMeta>(regions.map((region) => [region.record.name, region.record]));

function regionLine(region: Region): string {
  return [region.name, region.byte, region.bytes, region.stride * 4, region.count, region.record.name].join(" ");
}

function fieldLine(record: RecordMeta, field: PlacedField): string {
  return `${record.name}.${field.name} ${field.kind} word ${field.word} words ${field.words} ${field.owner}`;
}

describe("layout", () => {
  it("has the positions of the snapshot (run vitest -u after a change on purpose)", async () => {
    const lines = [
      `hash ${layoutHash()}`,
      "",
      "# region byte bytes stride count record",
      ...regions.map(regionLine),
      "",
      "# record.field kind position size owner",
      ...[...records.values()].flatMap((record) => record.fields.map((field) => fieldLine(record, field))),
      "",
    ];
    await expect(lines.join("\n")).toMatchFileSnapshot("layout.snapshot.txt");
  });

  it("keeps regions apart, page aligned and below the data chunks", () => {
    let end = 0;
    for (const region of regions) {
      expect(region.byte, region.name).toBeGreaterThanOrEqual(end);
      expect(region.byte % 4096, region.name).toBe(0);
      expect(region.bytes, region.name).toBe(region.stride * 4 * region.count);
      end = region.byte + region.bytes;
    }
    expect(end).toBeLessThanOrEqual(CONTROL_BYTES);
    expect(CONTROL_BYTES + CHUNK_COUNT * CHUNK_BYTES).toBe(2 ** 32);
  });

  it("aligns numbers to 8 bytes in every record of an array", () => {
    for (const region of regions) {
      if (!region.record.fields.some((field) => field.kind === "f64")) continue;
      expect((region.stride * 4) % 8, region.name).toBe(0);
      for (const field of region.record.fields.filter((each) => each.kind === "f64")) {
        expect(field.word % 2, `${region.record.name}.${field.name}`).toBe(0);
      }
    }
  });

  it("gives fields of a record no byte twice", () => {
    for (const record of records.values()) {
      let end = 0;
      for (const field of record.fields) {
        expect(field.word, `${record.name}.${field.name}`).toBeGreaterThanOrEqual(end);
        end = field.word + field.words;
      }
    }
  });

  it("gives every lock a declared rank", () => {
    const ranks = new Set<number>(Object.values(RANK));
    expect(ranks.size).toBe(Object.values(RANK).length);
    for (const record of records.values()) {
      for (const field of record.fields) {
        if (field.kind === "mutex") expect(ranks.has(field.rank), `${record.name}.${field.name}`).toBe(true);
      }
    }
  });

  it("never lets two sides of a protocol write the same 64 bytes", () => {
    const sides = new Set(["producer", "consumer", "worker", "coordinator"]);
    for (const name of ["ring", "worker", "header"]) {
      const record = records.get(name) as RecordMeta;
      for (const a of record.fields) {
        for (const b of record.fields) {
          if (Math.floor(a.word / 16) !== Math.floor(b.word / 16)) continue;
          const conflict = sides.has(a.owner) && sides.has(b.owner) && a.owner !== b.owner;
          expect(conflict, `${name}: ${a.name} (${a.owner}) and ${b.name} (${b.owner})`).toBe(false);
        }
      }
    }
  });
});
