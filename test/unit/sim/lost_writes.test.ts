import { describe, expect, it } from "vitest";
import { mediaWrite } from "#dmasim/memory/media.js";
import { VERSION_FOLLOW } from "#dmasim/memory/pattern.js";
import { Arena } from "#dmasim/shm/arena.js";
import { isOlderVersion, VERSION_ANY } from "#dmasim/sim/load/versions.js";
import { LostWrites } from "#dmasim/sim/lost_writes.js";

/** Version of a clone's pass. */
const stamp = (clone: number, pass: number) => (clone + 1) * 65536 + pass;

describe("which version is older", () => {
  it.each([
    ["never written", 0, stamp(0, 0), true],
    ["never written, of which is only known that it was", 0, VERSION_ANY, true],
    ["an earlier pass", stamp(3, 1), stamp(3, 2), true],
    ["the same pass", stamp(3, 2), stamp(3, 2), false],
    ["a later pass, whose read comes later", stamp(3, 5), stamp(3, 2), false],
    ["another clone wrote it", stamp(1, 0), stamp(3, 2), false],
    ["a unique version", 2 ** 31 + 7, stamp(3, 2), false],
    ["anything where nothing is expected", 0, 0, false],
    ["anything written", stamp(0, 0), VERSION_ANY, false],
  ])("%s", (_what, version, expected, older) => {
    expect(isOlderVersion(version, expected)).toBe(older);
  });
});

describe("a read of the verify pass", () => {
  const bench = () => {
    const arena = Arena.create();
    mediaWrite(arena, 0, 5, 100, 32, stamp(0, 1));
    return { arena, lost: new LostWrites(arena, 0, 5, 16384) };
  };

  it("with one version is judged by it", () => {
    const { lost } = bench();
    expect(lost.firstStale(stamp(0, 1), stamp(0, 1), 100, 16384)).toBe(-1);
    expect(lost.firstStale(stamp(0, 0), stamp(0, 1), 100, 16384)).toBe(0);
  });

  it("with several versions names the first sector that is stale", () => {
    const { arena, lost } = bench();
    mediaWrite(arena, 0, 5, 103, 2, stamp(0, 2));
    mediaWrite(arena, 0, 5, 107, 1, stamp(0, 0));
    mediaWrite(arena, 0, 5, 112, 1, stamp(2, 0));
    expect(lost.firstStale(VERSION_FOLLOW, stamp(0, 1), 100, 4096)).toBe(7 * 512);
    expect(lost.firstStale(VERSION_FOLLOW, stamp(0, 1), 108, 4096)).toBe(-1);
    expect(lost.firstStale(VERSION_FOLLOW, VERSION_ANY, 128, 4096)).toBe(4 * 512);
  });
});
