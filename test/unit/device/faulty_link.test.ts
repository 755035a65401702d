import { beforeEach, describe, expect, it } from "vitest";
import { FaultyLink, STRIKE } from "#dmasim/device/faulty_link.js";
import { poisonedLines, poisonLine } from "#dmasim/memory/media_poison.js";
import { AER } from "#dmasim/pcie/aer.js";
import { Arena } from "#dmasim/shm/arena.js";
import { DMA_STATUS } from "#dmasim/shm/dma_status.js";

const PHYS = 0x5000;
const MPS = 256;
let arena: Arena;
let runs: (readonly [phys: number, bytes: number, streamOff: number])[];
let link: FaultyLink;

beforeEach(() => {
  arena = Arena.create();
  runs = [];
  const sink = {
    run: (phys: number, bytes: number, streamOff: number) => void runs.push([phys, bytes, streamOff]),
    walked: () => {},
  };
  link = new FaultyLink(arena, 0, sink, MPS);
});

function bytesMoved(): number {
  return runs.reduce((sum, [, bytes]) => sum + bytes, 0);
}

describe("a link without faults", () => {
  it("cuts runs at Max_Payload_Size and passes every byte", () => {
    link.begin(true);
    link.run(PHYS + 200, 600, 40, 0x10000 + 200);
    expect(runs).toEqual([
      [PHYS + 200, 56, 40],
      [PHYS + 256, 256, 96],
      [PHYS + 512, 256, 352],
      [PHYS + 768, 32, 608],
    ]);
    expect([link.status, link.passedBytes]).toEqual([DMA_STATUS.ok, 600]);
  });
});

describe("a struck TLP", () => {
  it.each([
    {
      name: "link down",
      strike: STRIKE.linkDown,
      write: true,
      status: DMA_STATUS.linkDown,
      moved: 512,
      error: AER.surpriseDown,
    },
    {
      name: "link down",
      strike: STRIKE.linkDown,
      write: false,
      status: DMA_STATUS.linkDown,
      moved: 512,
      error: AER.surpriseDown,
    },
    {
      name: "no completion",
      strike: STRIKE.completionTimeout,
      write: false,
      status: DMA_STATUS.completionTimeout,
      moved: 512,
      error: AER.completionTimeout,
    },
    {
      name: "poisoned completion",
      strike: STRIKE.poisoned,
      write: false,
      status: DMA_STATUS.poisoned,
      moved: 512,
      error: AER.poisonedTlp,
    },
    {
      name: "poisoned posted write",
      strike: STRIKE.poisoned,
      write: true,
      status: DMA_STATUS.ok,
      moved: 1024 - MPS,
      error: AER.poisonedTlp,
    },
  ])("$name, write $write: status, bytes and AER", ({ strike, write, status, moved, error }) => {
    link.begin(write, strike, 2);
    link.run(PHYS, 1024, 0, 0x10000);
    expect([link.status, bytesMoved(), link.passedBytes, link.aer.count(error)]).toEqual([status, moved, 512, 1]);
  });

  it("after a link down nothing passes any more", () => {
    link.begin(false, STRIKE.linkDown, 0);
    link.run(PHYS, 1024, 0, 0x10000);
    link.begin(true);
    link.run(PHYS, 1024, 0, 0x10000);
    expect([link.up, link.status, runs.length]).toEqual([false, DMA_STATUS.linkDown, 0]);
  });
});

describe("a poisoned line", () => {
  it("stops a read before its TLP; a write of the whole line heals it", () => {
    poisonLine(arena, 0, PHYS + 300);
    link.begin(false);
    link.run(PHYS, 1024, 0, 0x10000);
    expect([link.status, bytesMoved()]).toEqual([DMA_STATUS.poisoned, 256]);
    link.begin(true);
    link.run(PHYS, 1024, 0, 0x10000);
    expect([link.status, poisonedLines(arena)]).toEqual([DMA_STATUS.ok, 0]);
  });
});
