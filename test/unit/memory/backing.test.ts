import { describe, expect, it } from "vitest";
import { chunksUsed, commit, lookup, toChunkEnd } from "#dmasim/memory/backing.js";
import { copyPhys, fillPhys, findOtherPhys, readByte, writeByte } from "#dmasim/memory/copy.js";
import { Arena } from "#dmasim/shm/arena.js";
import { CHUNK_BYTES, CHUNK_COUNT, CONTROL_BYTES } from "#dmasim/shm/capacities.js";
import { HEADER, REGIONS } from "#dmasim/shm/layout.js";

describe("backing", () => {
  it("commits one chunk per 64 KiB, once, anywhere below 2^52", () => {
    const arena = Arena.create();
    expect(lookup(arena, 2 ** 51)).toBe(-1);
    expect(commit(arena, 2 ** 51 + 5)).toBe(CONTROL_BYTES + 5);
    expect(commit(arena, 2 ** 51 + 65535)).toBe(CONTROL_BYTES + 65535);
    expect(commit(arena, 0)).toBe(CONTROL_BYTES + CHUNK_BYTES);
    expect(chunksUsed(arena)).toBe(2);
    expect(toChunkEnd(2 ** 51 + 65535)).toBe(1);
  });

  it("says -1 when the arena is full, and keeps what it has", () => {
    const arena = Arena.create();
    const kept = commit(arena, 4096);
    arena.i32[REGIONS.header.word + HEADER.chunkNext] = CHUNK_COUNT;
    expect(commit(arena, 2 ** 30)).toBe(-1);
    expect(commit(arena, 4096)).toBe(kept);
    expect(chunksUsed(arena)).toBe(CHUNK_COUNT);
    expect(fillPhys(arena, 2 ** 30, 1, 10)).toBe(false);
  });
});

describe("copy", () => {
  it("crosses chunks on both sides and reads untouched memory as zero", () => {
    const arena = Arena.create();
    const src = 2 ** 40 - 100;
    const dst = 2 ** 41 - 60;
    expect(findOtherPhys(arena, src, 0, 200_000)).toBe(-1);
    expect(findOtherPhys(arena, src, 1, 10)).toBe(0);
    for (let i = 0; i < 200; i += 1) writeByte(arena, src + i, i + 1);
    expect(copyPhys(arena, dst, src, 200)).toBe(true);
    for (let i = 0; i < 200; i += 1) expect(readByte(arena, dst + i)).toBe(i + 1);
    expect(copyPhys(arena, dst + 50, 2 ** 42, 20)).toBe(true);
    expect(findOtherPhys(arena, dst + 50, 0, 21)).toBe(20);
  });
});
