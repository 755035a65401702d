/** A driver that maps the first entries of a longer list: the others are not its business. */
import { describe, expect, it } from "vitest";
import type { PlainEntry } from "#dmasim/host/arch/plain_list.js";
import { ARCHITECTURES } from "#dmasim/host/arch/table.js";
import { DIR } from "#dmasim/host/dma/device.js";
import { sgDmaAddress, sgDmaLength, sgSetDma } from "#dmasim/host/dma/scatterlist.js";
import { initPool } from "#dmasim/host/swiotlb/pool.js";
import { sgNext } from "#dmasim/shm/sg_entry.js";
import { archBench } from "../../../support/arch.ts";

const ENTRIES: PlainEntry[] = [
  { phys: 0x100000, length: 4096 },
  { phys: 0x204000, length: 4096 },
  { phys: 0x308000, length: 4096 },
  { phys: 0x40c000, length: 4096 },
];
const MAPPED = 2;
const UNTOUCHED = { dmaAddr: 0x123000, bytes: 777 };

describe("the first entries of a longer list", () => {
  it.each(ARCHITECTURES.map(({ name }) => name))("%s: only they are mapped, and synced", (name) => {
    const bench = archBench(name, { dir: DIR.bidirectional });
    const { arena } = bench.ctx;
    const pool = initPool(arena, 0, 0, 0, 512, 1, 0x4000000);
    const device = { ...bench.device, pool };
    const request = bench.request(ENTRIES, { device, nents: MAPPED });
    const rest: number[] = [];
    for (let at = request.sg, i = 0; at !== 0; at = sgNext(arena, at), i += 1) if (i >= MAPPED) rest.push(at);
    for (const at of rest) sgSetDma(arena, at, UNTOUCHED.dmaAddr, UNTOUCHED.bytes);
    const ofRest = () => rest.map((at) => ({ dmaAddr: sgDmaAddress(arena, at), bytes: sgDmaLength(arena, at) }));
    const { ret } = bench.map([], request);
    expect(ret).toBeGreaterThan(0);
    expect(ret).toBeLessThanOrEqual(MAPPED);
    expect(ofRest()).toEqual(rest.map(() => UNTOUCHED));
    const done = [bench.sync(request, true), bench.sync(request, false), bench.unmap(request)];
    expect(done.flatMap(({ cacheOps }) => cacheOps).filter(({ entry }) => entry >= MAPPED)).toEqual([]);
    expect(ofRest()).toEqual(rest.map(() => UNTOUCHED));
  });
});

describe("a list that becomes shorter", () => {
  it("sparc64-ldc: the entries behind the last cookie are empty", () => {
    const bench = archBench("sparc64-ldc");
    const { arena } = bench.ctx;
    const joined = [0, 1, 2].map((i) => ({ phys: 0x100000 + i * 8192, length: 8192 }));
    const request = bench.request(joined);
    for (let at = request.sg; at !== 0; at = sgNext(arena, at)) sgSetDma(arena, at, UNTOUCHED.dmaAddr, UNTOUCHED.bytes);
    const { ret } = bench.map([], request);
    const lengths: number[] = [];
    for (let at = request.sg; at !== 0; at = sgNext(arena, at)) lengths.push(sgDmaLength(arena, at));
    expect([ret, lengths]).toEqual([1, [3 * 8192, 0, 0]]);
  });
});
