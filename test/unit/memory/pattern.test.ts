import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { checkPattern, fillPattern, patternKey, UNIT_BYTES, VERSION_FOLLOW } from "#dmasim/memory/pattern.js";
import { Arena } from "#dmasim/shm/arena.js";
import { CONTROL_BYTES } from "#dmasim/shm/capacities.js";

const arena = Arena.create();
const KEY_LO = 0x12345678;
const KEY_HI = 0x9abcdef0;
const UNIT = 2 ** 33 + 5;
const VERSION = 0xfedcba98;
const U64 = (1n << 64n) - 1n;

/** The pattern by its definition, with BigInt and without any shortcut. */
function referenceWord(unit: bigint, version: bigint, word: number): bigint {
  if (word === 0) return (version << 32n) | (unit & 0xffffffffn);
  const key = (BigInt(KEY_HI) << 32n) | BigInt(KEY_LO);
  let x = key ^ ((unit * 0x9e3779b97f4a7c15n) & U64) ^ ((version * 0xd1b54a32d192ed03n) & U64);
  x = (x + BigInt(word) * 0xbf58476d1ce4e5b9n) & U64;
  x = ((x ^ (x >> 32n)) * 0x94d049bb133111ebn) & U64;
  return x ^ (x >> 29n);
}

function referenceBytes(bytes: number, streamOff: number): Buffer {
  const first = Math.floor(streamOff / UNIT_BYTES);
  const last = Math.floor((streamOff + bytes - 1) / UNIT_BYTES);
  const whole = Buffer.alloc((last - first + 1) * UNIT_BYTES);
  for (let at = 0; at < whole.length; at += 8) {
    const unit = BigInt(UNIT + first + Math.floor(at / UNIT_BYTES));
    whole.writeBigUInt64LE(referenceWord(unit, BigInt(VERSION), (at % UNIT_BYTES) / 8), at);
  }
  const lead = streamOff - first * UNIT_BYTES;
  return whole.subarray(lead, lead + bytes);
}

function fill(at: number, bytes: number, streamOff: number): Buffer {
  arena.ops.patternFill(at, bytes, KEY_LO, KEY_HI, UNIT, VERSION, streamOff);
  return Buffer.from(arena.u8.slice(at, at + bytes));
}

function check(at: number, bytes: number, streamOff: number, follow = 0): number {
  return arena.ops.patternCheck(at, bytes, KEY_LO, KEY_HI, UNIT, follow === 0 ? VERSION : 0, streamOff, follow);
}

describe("verification pattern", () => {
  it("has the bytes that earlier versions wrote", () => {
    const bytes = fill(CONTROL_BYTES + 3, 8192, 40);
    expect(bytes.subarray(0, 32).toString("hex")).toBe(
      "08b17bc91c1f0cf8f279a27ef6846ad728d1dc4c4c1b024be271a121683f671e",
    );
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(
      "e1d63d1d6c282be4296b61c8f87ed61223f0297e2e224005de40b5c889313c84",
    );
  });

  it("agrees with its definition at every offset and length around unit ends", () => {
    for (const streamOff of [0, 1, 7, 8, 9, 504, 505, 511, 512, 513, 1000, 2 ** 34 + 3]) {
      for (const bytes of [1, 7, 8, 9, 63, 504, 511, 512, 513, 520, 1024, 1535, 1537]) {
        const found = fill(CONTROL_BYTES + 16384 + (streamOff & 7), bytes, streamOff);
        expect(found.equals(referenceBytes(bytes, streamOff)), `offset ${streamOff}, ${bytes} bytes`).toBe(true);
      }
    }
  });

  it("writes nothing outside its range", () => {
    const at = CONTROL_BYTES + 32768;
    arena.ops.fill(at, 0x5a, 4096);
    fill(at + 100, 1501, 17);
    expect(arena.ops.findOther(at, 0x5a, 100)).toBe(-1);
    expect(arena.ops.findOther(at + 1601, 0x5a, 4096 - 1601)).toBe(-1);
  });

  it("reports the first differing byte wherever it lies, and what it expected", () => {
    const at = CONTROL_BYTES + 65536;
    const lead = 500;
    const good = fill(at, 2100, lead);
    expect(check(at, 2100, lead)).toBe(-1);
    for (let bad = 0; bad < 2100; bad += 1) {
      arena.u8[at + bad] = (good[bad] as number) ^ 0x40;
      if (bad + 9 < 2100) arena.u8[at + bad + 9] = (good[bad + 9] as number) ^ 1;
      expect(check(at, 2100, lead)).toBe(bad);
      expect(arena.ops.lastExpected()).toBe(good[bad]);
      arena.u8[at + bad] = good[bad] as number;
      if (bad + 9 < 2100) arena.u8[at + bad + 9] = good[bad + 9] as number;
    }
  });

  it("follows the version of every unit when asked to, and keeps it between pieces", () => {
    const at = CONTROL_BYTES + 2 * 65536;
    fill(at, 2048, 0);
    expect(check(at, 2048, 0, 1)).toBe(-1);
    expect(arena.ops.lastVersion() >>> 0).toBe(VERSION);
    expect(check(at, 700, 0, 1)).toBe(-1);
    expect(check(at + 700, 2048 - 700, 700, 1)).toBe(-1);
    arena.ops.patternFill(at + 512, 512, KEY_LO, KEY_HI, UNIT, 7, 512);
    expect(check(at, 2048, 0, 0)).toBe(512 + 4);
    expect(check(at, 2048, 0, 1)).toBe(-1);
  });

  it("detects a unit that arrived at another place", () => {
    const at = CONTROL_BYTES + 3 * 65536;
    fill(at, 1024, 0);
    arena.ops.copy(at + 512, at, 512);
    expect(check(at, 1024, 0, 1)).toBe(512);
  });

  it("crosses chunks, and takes untouched memory for a difference", () => {
    const key = patternKey(1, 2);
    const phys = 2 ** 40 - 300;
    expect(checkPattern(arena, phys, 1000, key.lo, key.hi, 9, 4, 0)).toBe(0);
    expect(fillPattern(arena, phys, 1000, key.lo, key.hi, 9, 4, 0)).toBe(true);
    expect(checkPattern(arena, phys, 1000, key.lo, key.hi, 9, 4, 0)).toBe(-1);
    expect(checkPattern(arena, phys, 1000, key.lo, key.hi, 9, VERSION_FOLLOW, 0)).toBe(-1);
    expect(checkPattern(arena, phys, 1000, key.lo, key.hi, 9, 5, 0)).toBe(4);
  });
});
