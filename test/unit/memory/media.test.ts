import { describe, expect, it } from "vitest";
import { Prng } from "#dmasim/base/prng.js";
import { mediaRead, mediaWrite, nextVersion } from "#dmasim/memory/media.js";
import { MediaRuns } from "#dmasim/memory/media_runs.js";
import { Arena } from "#dmasim/shm/arena.js";
import { HEADER, REGIONS } from "#dmasim/shm/layout.js";

const OWNER = 1;
const SECTORS_10_GIB = (10 * 2 ** 30) / 512;

function runsOf(arena: Arena, device: number, sector: number, count: number, capacity = 4096) {
  const out = new MediaRuns(capacity);
  mediaRead(arena, OWNER, device, sector, count, out);
  const runs = [];
  for (let i = 0; i < out.length; i += 1) runs.push([out.offset[i], out.count[i], out.version[i]]);
  return runs;
}

function extentsUsed(arena: Arena): number {
  return (arena.i32[REGIONS.header.word + HEADER.mediaNext] as number) - 1;
}

describe("media", () => {
  it("reads never-written sectors as version 0", () => {
    expect(runsOf(Arena.create(), 0, 1000, 300)).toEqual([[0, 300, 0]]);
  });

  it("keeps devices apart and joins runs across groups", () => {
    const arena = Arena.create();
    expect(mediaWrite(arena, OWNER, 0, 100, 200, 5)).toBe(true);
    expect(mediaWrite(arena, OWNER, 1, 120, 8, 0xfffffff0)).toBe(true);
    expect(runsOf(arena, 0, 90, 220)).toEqual([
      [0, 10, 0],
      [10, 200, 5],
      [210, 10, 0],
    ]);
    expect(runsOf(arena, 1, 118, 16)).toEqual([
      [0, 2, 0],
      [2, 8, 0xfffffff0],
      [10, 6, 0],
    ]);
  });

  it("agrees with an array of versions under random writes", () => {
    const arena = Arena.create();
    const prng = new Prng(7);
    const sectors = 1024;
    const base = 2 ** 31 * 128 - 512;
    const model = new Uint32Array(sectors);
    for (let turn = 0; turn < 4000; turn += 1) {
      const at = prng.below(sectors);
      const count = 1 + prng.below(Math.min(prng.below(10) === 0 ? 400 : 17, sectors - at));
      const version = 1 + prng.below(9);
      expect(mediaWrite(arena, OWNER, 3, base + at, count, version)).toBe(true);
      model.fill(version, at, at + count);
      if (turn % 20 !== 0) continue;
      const seen = new Uint32Array(sectors);
      for (const [offset, length, found] of runsOf(arena, 3, base, sectors) as [number, number, number][]) {
        seen.fill(found, offset, offset + length);
      }
      expect(seen).toEqual(model);
    }
    // Freed extents are used again: without that, 4000 writes would take thousands.
    expect(extentsUsed(arena)).toBeLessThan(200);
  });

  it("stops when the runs are full and tells how far it came", () => {
    const arena = Arena.create();
    for (let sector = 0; sector < 10; sector += 1) mediaWrite(arena, OWNER, 0, sector, 1, sector + 1);
    const out = new MediaRuns(4);
    mediaRead(arena, OWNER, 0, 0, 10, out);
    expect([out.length, out.sectors]).toEqual([4, 4]);
  });

  it("holds 10^6 random 4 KiB writes over 10 GiB", () => {
    const arena = Arena.create();
    const prng = new Prng(1);
    for (let io = 0; io < 1e6; io += 1) {
      const written = mediaWrite(arena, OWNER, 0, prng.below(SECTORS_10_GIB / 8) * 8, 8, io + 1);
      if (!written) expect.fail(`out of extents at write ${io}`);
    }
    expect(extentsUsed(arena)).toBeLessThan(900_000);
  });

  it("holds 10 GiB of one version in one extent a group, and restamps them without more", () => {
    const arena = Arena.create();
    for (const version of [1, 2]) {
      for (let at = 0; at < SECTORS_10_GIB; at += 2048) {
        if (!mediaWrite(arena, OWNER, 0, at, 2048, version)) expect.fail(`out of extents at sector ${at}`);
      }
    }
    expect(extentsUsed(arena)).toBe(SECTORS_10_GIB / 128);
    expect(runsOf(arena, 0, 0, SECTORS_10_GIB)).toEqual([[0, SECTORS_10_GIB, 2]]);
  });

  it("reports exhaustion, leaves the group as it was, and still takes overwrites", () => {
    const arena = Arena.create();
    expect(mediaWrite(arena, OWNER, 0, 0, 8, 1)).toBe(true);
    arena.i32[REGIONS.header.word + HEADER.mediaNext] = REGIONS.mediaExtents.count;
    expect(mediaWrite(arena, OWNER, 0, 4, 8, 2)).toBe(false);
    expect(runsOf(arena, 0, 0, 16)).toEqual([
      [0, 8, 1],
      [8, 8, 0],
    ]);
    expect(mediaWrite(arena, OWNER, 0, 0, 8, 3)).toBe(true);
    expect(runsOf(arena, 0, 0, 8)).toEqual([[0, 8, 3]]);
  });

  it("hands out versions that are never 0 nor the follow mark", () => {
    const arena = Arena.create();
    expect([nextVersion(arena, 2), nextVersion(arena, 2), nextVersion(arena, 5)]).toEqual([1, 2, 1]);
    arena.i32[REGIONS.devices.word + 2 * REGIONS.devices.stride] = -3;
    expect([nextVersion(arena, 2), nextVersion(arena, 2)]).toEqual([0xfffffffe, 1]);
  });
});
