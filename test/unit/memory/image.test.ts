import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { commitRange } from "#dmasim/memory/backing.js";
import { fillPhys, writeByte } from "#dmasim/memory/copy.js";
import { memoryImage } from "#dmasim/memory/image.js";
import { Arena } from "#dmasim/shm/arena.js";

const LOW = 0x12340000;
const HIGH = 2 ** 40 + 0x50000;

describe("memoryImage", () => {
  it("hashes address and bytes of touched chunks", () => {
    const arena = Arena.create();
    writeByte(arena, HIGH + 7, 9);
    const chunk = Buffer.alloc(65536);
    chunk[7] = 9;
    const address = Buffer.from([0, 0, 5, 0, 0, 1, 0, 0]);
    expect(memoryImage(arena)).toBe(createHash("sha256").update(address).update(chunk).digest("hex"));
  });

  it("does not depend on the order of commits, nor on chunks that stayed zero", () => {
    const one = Arena.create();
    writeByte(one, LOW, 1);
    writeByte(one, HIGH, 2);
    const other = Arena.create();
    commitRange(other, 0, 2 ** 20);
    writeByte(other, HIGH, 2);
    fillPhys(other, LOW - 65536, 0, 65536);
    writeByte(other, LOW, 1);
    expect(memoryImage(other)).toBe(memoryImage(one));
    writeByte(other, LOW, 0);
    expect(memoryImage(other)).not.toBe(memoryImage(one));
  });

  it("tells the same bytes at another address apart", () => {
    const one = Arena.create();
    writeByte(one, LOW, 1);
    const other = Arena.create();
    writeByte(other, LOW + 65536, 1);
    expect(memoryImage(other)).not.toBe(memoryImage(one));
  });

  it("of nothing is the hash of nothing", () => {
    expect(memoryImage(Arena.create())).toBe(createHash("sha256").digest("hex"));
  });
});
