import { describe, expect, it } from "vitest";
import { DmasimError } from "#dmasim/base/errors.js";
import { Arena } from "#dmasim/shm/arena.js";
import { ARENA_BYTES, CONTROL_BYTES } from "#dmasim/shm/capacities.js";
import { HEADER, REGIONS } from "#dmasim/shm/layout.js";

const header = REGIONS.header.word;

/** What attaching to an arena says after one identity word was changed. */
function refusal(word: number): DmasimError {
  const arena = Arena.create();
  arena.i32[header + word] = (arena.i32[header + word] as number) ^ 1;
  try {
    Arena.attach(arena.handle);
  } catch (error) {
    expect(error).toBeInstanceOf(DmasimError);
    return error as DmasimError;
  }
  return expect.fail("attached to a foreign arena");
}

describe("Arena", () => {
  it("is shared: what one view writes the other sees", () => {
    const arena = Arena.create();
    const other = Arena.attach(arena.handle);
    arena.u8[ARENA_BYTES - 1] = 77;
    expect(other.u8[ARENA_BYTES - 1]).toBe(77);
    expect(other.i32.buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  it("refuses another layout, another build, and what is no arena", () => {
    expect(refusal(HEADER.layoutHash).message).toMatch(/another layout/);
    for (let word = 0; word < 4; word += 1) expect(refusal(HEADER.buildId + word).message).toMatch(/another build/);
    const foreign = refusal(HEADER.magic);
    expect(foreign.message).toMatch(/another arena/);
    expect(foreign).toMatchObject({ code: "DMASIM_ARENA_MISMATCH", exitCode: 1 });
  });

  it("starts with zero bytes and index 0 reserved", () => {
    const arena = Arena.create();
    expect(arena.ops.findOther(CONTROL_BYTES, 0, 2 ** 20)).toBe(-1);
    for (const word of [HEADER.iovaNodeNext, HEADER.magazineNext, HEADER.mediaNext, HEADER.sgNext]) {
      expect(arena.i32[header + word]).toBe(1);
    }
  });
});

describe("arena operations", () => {
  const arena = Arena.create();
  const at = CONTROL_BYTES + 64;

  it("copies overlapping ranges like memmove", () => {
    for (let i = 0; i < 32; i += 1) arena.u8[at + i] = i;
    arena.ops.copy(at + 3, at, 20);
    expect([...arena.u8.slice(at, at + 24)]).toEqual([0, 1, 2, ...Array(20).keys(), 23]);
  });

  it("finds the first difference and the first other byte at every offset", () => {
    for (const bytes of [1, 7, 8, 9, 31]) {
      for (let bad = 0; bad < bytes; bad += 1) {
        arena.ops.fill(at, 0x33, 64);
        arena.ops.fill(at + 101, 0x33, 64);
        arena.u8[at + bad] = 0x34;
        expect(arena.ops.findOther(at, 0x33, bytes)).toBe(bad);
        expect(arena.ops.compare(at, at + 101, bytes)).toBe(bad);
        expect(arena.ops.findOther(at, 0x33, bad)).toBe(-1);
        expect(arena.ops.compare(at, at + 101, bad)).toBe(-1);
      }
    }
  });

  it("carries 64-bit values as two halves", () => {
    arena.ops.store64(at, 0x89abcdef, 0x01234567);
    expect([arena.ops.load64(at) >>> 0, arena.ops.hi()]).toEqual([0x89abcdef, 0x01234567]);
    expect(arena.ops.cas64(at, 0x89abcdef, 0x01234568, 1, 2)).toBe(0);
    expect(arena.ops.hi()).toBe(0x01234567);
    expect(arena.ops.cas64(at, 0x89abcdef, 0x01234567, -1, 2)).toBe(1);
    expect([arena.ops.exchange64(at, 0, 0), arena.ops.hi()]).toEqual([-1, 2]);
    expect([arena.ops.load64(at), arena.ops.hi()]).toEqual([0, 0]);
  });
});
