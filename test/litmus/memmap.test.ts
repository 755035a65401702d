import { describe, it } from "vitest";
import { pinsHeld, pinsOf } from "#dmasim/memory/memmap.js";
import type { PhysRegion } from "#dmasim/memory/physmap.js";
import { Arena } from "#dmasim/shm/arena.js";
import { SECTION_PAGES } from "#dmasim/shm/capacities.js";
import { HEADER, REGIONS } from "#dmasim/shm/layout.js";
import { judge, type Outcomes, runThreads } from "./harness.js";

const SECTIONS = REGIONS.memmap.count;
const SECTION_BYTES = SECTION_PAGES * 4096;
const ARENAS = 4;
const RAM: PhysRegion = {
  name: "ram",
  kind: "ram",
  start: 0,
  bytes: SECTIONS * SECTION_BYTES,
  memmap: "ram",
  node: 0,
  deviceIndex: -1,
};

function tally(arenas: readonly Arena[]): Outcomes {
  const counts: Record<string, number> = {};
  const count = (outcome: string) => {
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  };
  for (const arena of arenas) {
    let reached = 0;
    for (let section = 0; section < SECTIONS; section += 1) {
      const pins = pinsOf(arena, section * SECTION_PAGES);
      count(pins === 0 ? "not reached" : pins === 2 ? "both pins counted" : "pin lost");
      if (pins > 0) reached += 1;
    }
    if (arena.i32[REGIONS.header.word + HEADER.sectionNext] !== reached) count("two blocks for a section");
    if (pinsHeld(arena) !== 2 * reached) count("wrong total");
  }
  return counts;
}

describe("memmap section creation", () => {
  it("two threads that pin the first page of a section create one block", async () => {
    const arenas = Array.from({ length: ARENAS }, () => Arena.create());
    await runThreads("memory", ["pinner", "pinner"], {
      handles: arenas.map((arena) => arena.handle),
      regions: [RAM],
      sectionBytes: SECTION_BYTES,
      sections: SECTIONS,
    });
    judge(tally(arenas), {
      "both pins counted": ["required", "both threads counted in the same block"],
      "not reached": ["acceptable", "the time was up"],
      "pin lost": ["forbidden", "a pin went to a block that nobody finds"],
      "two blocks for a section": ["forbidden", "both threads created it"],
      "wrong total": ["forbidden", "HEADER.pins is the sum of all counts"],
    });
  });
});
