import { beforeEach, describe, expect, it } from "vitest";
import { isPoisoned, overwritePoison, poisonedLines, poisonLine } from "#dmasim/memory/media_poison.js";
import { Arena } from "#dmasim/shm/arena.js";

const AT = 0x140000000;
let arena: Arena;
beforeEach(() => {
  arena = Arena.create();
});

describe("poisoned lines", () => {
  it("are whole lines, known once", () => {
    expect(poisonLine(arena, 0, AT + 70)).toBe(true);
    expect(poisonLine(arena, 0, AT + 64)).toBe(true);
    expect(poisonedLines(arena)).toBe(1);
    expect([AT + 63, AT + 64, AT + 127, AT + 128].map((at) => isPoisoned(arena, 0, at, 1))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(isPoisoned(arena, 0, AT, 4096)).toBe(true);
  });

  it("heal when they are written whole, and only then", () => {
    for (const off of [0, 64, 256]) poisonLine(arena, 0, AT + off);
    expect(overwritePoison(arena, 0, AT + 65, 4096)).toBe(1);
    expect(overwritePoison(arena, 0, AT + 64, 63)).toBe(0);
    expect(overwritePoison(arena, 0, AT, 128)).toBe(2);
    expect(poisonedLines(arena)).toBe(0);
    expect(isPoisoned(arena, 0, AT, 4096)).toBe(false);
  });

  it("are refused when the list is full", () => {
    for (let i = 0; i < 128; i += 1) expect(poisonLine(arena, 0, AT + i * 64)).toBe(true);
    expect(poisonLine(arena, 0, AT + 128 * 64)).toBe(false);
    expect(poisonLine(arena, 0, AT)).toBe(true);
  });
});
