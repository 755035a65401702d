import { describe, it } from "vitest";
import { chunkPhys, chunksUsed, lookup } from "#dmasim/memory/backing.js";
import { Arena } from "#dmasim/shm/arena.js";
import { judge, type Outcomes, runThreads } from "./harness.js";

const TABLES = 200;
const CHUNKS_PER_TABLE = 40;

/** Addresses that need a new directory table every 40 chunks. */
function addressesToCommit(): Float64Array {
  const addresses = new Float64Array(TABLES * CHUNKS_PER_TABLE);
  for (let i = 0; i < addresses.length; i += 1) {
    addresses[i] = Math.floor(i / CHUNKS_PER_TABLE) * 2 ** 32 + (i % CHUNKS_PER_TABLE) * 65536;
  }
  return addresses;
}

function outcomeOf(arena: Arena, phys: number, one: number, other: number, mark: number): string {
  if (one === 0 && other === 0) return "not reached";
  if (one < 0 || other < 0) return "not committed";
  if (one !== other) return "two chunks";
  if (lookup(arena, phys) !== one) return "another chunk found later";
  const marked = arena.i32[one / 4] === mark && arena.i32[one / 4 + 1] === mark;
  return marked ? "one chunk" : "write lost";
}

function tally(arena: Arena, addresses: Float64Array, bytes: readonly Float64Array[]): Outcomes {
  const counts: Record<string, number> = {};
  const owners = new Map<number, number>();
  addresses.forEach((phys, i) => {
    const at = bytes[0]?.[i] as number;
    const outcome = outcomeOf(arena, phys, at, bytes[1]?.[i] as number, i + 1);
    counts[outcome] = (counts[outcome] ?? 0) + 1;
    if (at !== 0 && owners.has(at)) counts["chunk shared by two addresses"] = 1;
    owners.set(at, phys);
  });
  for (let chunk = 0; chunk < chunksUsed(arena); chunk += 1) {
    if (Number.isNaN(chunkPhys(arena, chunk))) counts["race lost"] = (counts["race lost"] ?? 0) + 1;
  }
  return counts;
}

describe("chunk commit", () => {
  it("two threads that commit the same chunk use the same arena bytes", async () => {
    const arena = Arena.create();
    const addresses = addressesToCommit();
    const bytes = [0, 1].map(() => new Float64Array(new SharedArrayBuffer(addresses.length * 8)));
    await runThreads("memory", ["committer", "committer"], { handle: arena.handle, addresses, bytes });
    judge(tally(arena, addresses, bytes), {
      "one chunk": ["required", "both threads got the winner's chunk and both stores are in it"],
      "race lost": ["acceptable", "the loser's chunk belongs to nobody"],
      "two chunks": ["forbidden", "stores of one thread would vanish"],
      "another chunk found later": ["forbidden", "the directory word changed twice"],
      "write lost": ["forbidden", "a store went to a chunk that lost"],
      "not reached": ["acceptable", "the time was up"],
      "not committed": ["forbidden", "there is room for all"],
      "chunk shared by two addresses": ["forbidden", "one chunk backs one address"],
    });
  });
});
