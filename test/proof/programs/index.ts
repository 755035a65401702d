import type { Program } from "../program.ts";
import { bounceArea } from "./bounce.ts";
import { chunk } from "./chunk.ts";
import { doorbell } from "./doorbell.ts";
import { growth } from "./growth.ts";
import { iotlb } from "./iotlb.ts";
import { magazine } from "./magazine.ts";
import { mutex } from "./mutex.ts";
import { pageTable } from "./page_table.ts";
import { ring } from "./ring.ts";
import { seqlock } from "./seqlock.ts";
import { tableReuse } from "./table_reuse.ts";
import { keptUpdate, lostUpdate, plainUpdate, storeBuffering, stores, stuck } from "./toys.ts";
import { window } from "./window.ts";

/** The programs by name: one for each protocol, and the toys. */
export const PROGRAMS: Readonly<Record<string, Program>> = {
  ring,
  doorbell,
  mutex,
  seqlock,
  "page table": pageTable,
  magazine,
  bounce: bounceArea,
  window,
  chunk,
  iotlb,
  "table reuse": tableReuse,
  growth,
  stores,
  "store buffering": storeBuffering,
  "lost update": lostUpdate,
  "kept update": keptUpdate,
  "plain update": plainUpdate,
  stuck,
};
