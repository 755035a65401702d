/** The protocols under proof: who meets whom, what may come out of it, and the bugs that the search must find. */
import type { Table } from "../litmus/harness.ts";
import type { ProofPlant } from "./bundle.ts";

/** A bug, and the threads among which it shows. */
export interface RolesPlant extends ProofPlant {
  readonly roles: readonly string[];
  /** What comes of it; a data race where more preemptions than the bound allows would be needed. */
  readonly finds: RegExp;
}

export interface Protocol {
  /** Program of programs/. */
  readonly name: string;
  /** Pairs of threads whose schedules are searched to the bound. */
  readonly pairs: readonly (readonly string[])[];
  /** Preemptions at most, of a protocol with so many operations that three take too long; default {@link BOUND}. */
  readonly bound?: number;
  /** Three threads for random schedules. */
  readonly trio: readonly string[];
  readonly table: Table;
  readonly plants: readonly RolesPlant[];
}

/** Preemptions of a schedule at most. */
export const BOUND = 3;

export const PROTOCOLS: readonly Protocol[] = [
  {
    name: "ring",
    pairs: [["produce", "consume"]],
    trio: ["produce", "consume", "watch"],
    table: {
      "in order": ["required", "every message whole, in its turn"],
      "another message, or half of one": [
        "forbidden",
        "a slot was read before it was written, or written before it was read",
      ],
      miscounted: ["forbidden", "the count of an onlooker fell, or ran ahead"],
    },
    plants: [
      {
        name: "the ring takes one message more than it has slots",
        module: "shm/ring.js",
        find: /\| 0\) >= depth\)(\s+return -1)/,
        replace: "| 0) > depth)$1",
        roles: ["produce", "consume"],
        finds: /another message/,
      },
      {
        name: "the index is published before the payload",
        module: "programs/ring.ts",
        find: /words\[slot\] = n;(\s+words\[slot \+ 1\] = ~n;\s+)ringPublish\(words, RING_WORD, 1\);/,
        replace: "ringPublish(words, RING_WORD, 1); words[slot] = n;$1",
        roles: ["produce", "consume"],
        finds: /another message/,
      },
    ],
  },
  {
    name: "doorbell",
    pairs: [["ringer", "parker"]],
    trio: ["ringer", "parkerOfTwo", "ringer"],
    table: {
      "all work done": ["required", "every message was consumed"],
      "work lost": ["forbidden", "a message was not seen"],
      "slept to the deadline": ["forbidden", "work was published, and nobody woke the worker"],
    },
    plants: [
      {
        name: "the worker does not look again after it announced its sleep",
        module: "programs/doorbell.ts",
        find: /if \(hasWork\(\)\) parkCancel\(words, WORKER_WORD\);\s+else /,
        replace: "",
        roles: ["ringer", "parker"],
        finds: /slept to the deadline/,
      },
      {
        name: "a bell is not counted",
        module: "shm/doorbell.js",
        find: /fetchAdd\(words, worker \+ WORKER\.bells, 1\);/,
        replace: "",
        roles: ["ringer", "parker"],
        finds: /slept to the deadline/,
      },
    ],
  },
  {
    name: "mutex",
    pairs: [["enter", "enter"]],
    trio: ["enter", "enter", "enter"],
    table: {
      "every section counted": ["required", "one owner at a time"],
      "sections overlapped": ["forbidden", "two owners at once"],
      "still locked": ["forbidden", "a release was lost"],
      "slept to the deadline": ["forbidden", "the lock came free, and nobody woke the waiter"],
    },
    plants: [
      {
        name: "a release overwrites the word without a look at who waits",
        module: "shm/mutex.js",
        find: /if \(compareExchange\(words, word, owner \+ 1, 0\)\)\s+return;\s+store\(words, word, 0\);\s+notify\(words, word\);/,
        replace: "store(words, word, 0);",
        roles: ["enter", "enter"],
        finds: /slept to the deadline/,
      },
      {
        name: "a waiter takes the lock by a store",
        module: "shm/mutex.js",
        find: /if \(compareExchange\(words, word, 0, \(owner \+ 1\) \| PARKED\)\)\s+return;/,
        replace: "store(words, word, (owner + 1) | PARKED); return;",
        roles: ["enter", "enter"],
        finds: /data race on header|sections overlapped|still locked/,
      },
    ],
  },
  {
    name: "seqlock",
    pairs: [
      ["write", "read"],
      ["write", "write"],
    ],
    trio: ["write", "read", "write"],
    table: {
      "whole records": ["required", "what was read is what one writer wrote"],
      "a read dropped": ["required", "the reader saw that the record changed meanwhile"],
      "torn record": ["forbidden", "a mix of two writes"],
    },
    plants: [
      {
        name: "the reader does not look at the sequence again",
        module: "shm/seqlock.js",
        find: /\(begun & 1\) === 0 && load\(words, word\) === begun/,
        replace: "(begun & 1) === 0",
        roles: ["write", "read"],
        finds: /torn record/,
      },
      {
        name: "a writer enters by a store",
        module: "shm/seqlock.js",
        find: /compareExchange\(words, word, seen, \(seen \+ 1\) \| 0\)/,
        replace: "(store(words, word, (seen + 1) | 0), true)",
        roles: ["write", "write"],
        finds: /torn record/,
      },
    ],
  },
  {
    name: "page table",
    pairs: [
      ["map", "map"],
      ["map", "walk"],
    ],
    trio: ["map", "map", "walk"],
    table: {
      mapped: ["required", "every mapping translates, and no table is left over"],
      "mapped, walked too early": ["required", "the walk came before the leaf"],
      "a mapping vanished": ["forbidden", "a table was replaced with its leaves"],
      "a walk saw what nobody mapped": ["forbidden", "an entry that nobody wrote"],
      "a table leaked": ["forbidden", "the loser of a race kept its table"],
    },
    plants: [
      {
        name: "a table is installed by a store",
        module: "pagetable/tables.js",
        find: /arena\.ops\.cas64\(slot, 0, 0, (.+), (.+)\) === 1/,
        replace: "(arena.ops.store64(slot, $1, $2), true)",
        roles: ["map", "map"],
        finds: /a mapping vanished/,
      },
      {
        name: "the loser of a race keeps its table",
        module: "pagetable/tables.js",
        find: /freeFrame\(arena, owner, frame, format\.tableOrder\);(\s+return tableAt)/,
        replace: "$1",
        roles: ["map", "map"],
        finds: /a table leaked/,
      },
    ],
  },
  {
    name: "magazine",
    pairs: [
      ["free", "alloc"],
      ["free", "trim"],
      ["alloc", "trim"],
    ],
    trio: ["free", "alloc", "trim"],
    table: {
      "every pfn once": ["required", "cached or handed out"],
      "a pfn twice": ["forbidden", "one magazine in two places"],
      "pfns lost": ["forbidden", "a magazine in no place"],
      "the depot miscounts": ["forbidden", "its size is not that of its list"],
      "every pfn once, one from the tree": ["forbidden", "the depot had magazines left"],
    },
    plants: [
      {
        name: "a full magazine goes to the depot without its lock",
        module: "host/iommu/depot.js",
        find: /lock\(arena\.i32, depot \+ DEPOT\.lock, ctx\.lockOwner\);(\s+const overflow[\s\S]+?)unlock\(arena\.i32, depot \+ DEPOT\.lock, ctx\.lockOwner\);/,
        replace: "$1",
        roles: ["free", "alloc"],
        finds: /the depot miscounts|a pfn twice|pfns lost/,
      },
    ],
  },
  {
    name: "bounce",
    pairs: [["both", "pair"]],
    trio: ["both", "pair", "pair"],
    table: {
      "all slots back": ["required", "every slot in use had one owner"],
      "all slots back, one mapping found no room": ["required", "the area was full"],
      "a slot of two mappings": ["forbidden", "the search of two threads met"],
      "a mapping not found": ["forbidden", "an unmap took another's slots for its own"],
      "slots left behind": ["forbidden", "the lengths of free runs are wrong"],
    },
    plants: [
      {
        name: "an area is searched without its lock",
        module: "host/swiotlb/slots.js",
        find: /lock\(words, areaAt \+ AREA\.lock, ctx\.lockOwner\);(\s+let slot = -1;[\s\S]+?)unlock\(words, areaAt \+ AREA\.lock, ctx\.lockOwner\);/,
        replace: "$1",
        roles: ["both", "pair"],
        finds: /a mapping not found|a slot of two mappings|slots left behind/,
      },
    ],
  },
  {
    name: "window",
    pairs: [
      ["exporter", "engine"],
      ["evictor", "engine"],
    ],
    trio: ["exporter", "engine", "engine"],
    table: {
      "own page": ["required", "the slot showed the page from the first byte to the last"],
      "stale window": ["required", "the access came too late and moved nothing"],
      "bytes moved through another page": ["forbidden", "the slot was reused under an access"],
    },
    plants: [
      {
        name: "an access does not look at the epoch",
        module: "device/window_access.js",
        find: /if \(load\(words, slot \+ WINDOW_SLOT\.epoch\) !== words\[entry \+ SG\.offset\]\)/,
        replace: "if (false)",
        roles: ["exporter", "engine"],
        finds: /another page/,
      },
      {
        name: "an access counts itself in after its look at the epoch",
        module: "device/window_access.js",
        find: /fetchAdd\(words, slot \+ WINDOW_SLOT\.inFlight, 1\);(\s+if \(load[\s\S]+?\{)\s+fetchAdd\(words, slot \+ WINDOW_SLOT\.inFlight, -1\);(\s+return \S+;\s+\})/,
        replace: "$1$2 fetchAdd(words, slot + WINDOW_SLOT.inFlight, 1);",
        roles: ["exporter", "engine"],
        finds: /another page/,
      },
      {
        name: "a slot is reused while an access moves bytes",
        module: "host/p2p/window_slots.js",
        find: /if \(load\(words, at \+ WINDOW_SLOT\.inFlight\) !== 0\)(\s+\{\s+link)/,
        replace: "if (false)$1",
        roles: ["evictor", "engine"],
        finds: /another page/,
      },
    ],
  },
  {
    name: "chunk",
    pairs: [["commit", "commit"]],
    trio: ["commit", "commit", "commit"],
    table: {
      "no race": ["required", "one thread after the other"],
      "a race lost, its chunk unused": ["required", "both threads use the winner's chunk"],
      "two chunks of one address": ["forbidden", "stores of one thread would vanish"],
      "a chunk vanished": ["forbidden", "the directory word changed twice"],
      "one chunk of two addresses": ["forbidden", "one chunk backs one address"],
    },
    plants: [
      {
        name: "a chunk is entered over whatever is there",
        module: "memory/backing.js",
        find: /!compareExchange\(words, word, 0, index \+ 1\)/,
        replace: "!compareExchange(words, word, load(words, word), index + 1)",
        roles: ["commit", "commit"],
        finds: /two chunks of one address/,
      },
      {
        name: "a directory table is entered over whatever is there",
        module: "memory/backing.js",
        find: /compareExchange\(words, L1_WORD \+ high, 0, fresh \+ 1\);/,
        replace: "compareExchange(words, L1_WORD + high, load(words, L1_WORD + high), fresh + 1);",
        roles: ["commit", "commit"],
        finds: /two chunks of one address|a chunk vanished/,
      },
    ],
  },
  {
    name: "iotlb",
    pairs: [["unmapper", "device"]],
    trio: ["unmapper", "device", "device"],
    table: {
      walked: ["acceptable", "both accesses before the unmap, the first one's fill dropped"],
      hit: ["required", "the second access found what the first one kept"],
      fault: ["required", "both accesses after the unmap"],
      "fault, an access before it": ["required", "the unmap came between"],
      "another page": ["forbidden", "a mix of two entries"],
      "a page whose invalidation had returned": ["forbidden", "the device reaches memory that it gave back"],
    },
    plants: [
      {
        name: "a fill does not look whether an invalidation began",
        module: "device/iotlb.js",
        find: /if \(load\(words, word \+ IOMMU_UNIT\.generation\) === generation\)/,
        replace: "if (true)",
        roles: ["unmapper", "device"],
        finds: /invalidation had returned/,
      },
      {
        name: "an invalidation does not wait for a fill under way",
        module: "device/invalidate.js",
        find: /while \(\(readBegin\(words, entry \+ IOTLB_ENTRY\.seq\) & 1\) !== 0\)\s+;/,
        replace: "",
        roles: ["unmapper", "device"],
        finds: /invalidation had returned/,
      },
      {
        name: "the generation is loaded after the walk",
        module: "device/translate.js",
        find: /const generation = beginFill\(arena, unit\);([\s\S]+?)fillIotlb\(arena, unit, domain, iova, out, generation\)/,
        replace: "$1fillIotlb(arena, unit, domain, iova, out, beginFill(arena, unit))",
        roles: ["unmapper", "device"],
        finds: /invalidation had returned/,
      },
    ],
  },
  {
    name: "table reuse",
    pairs: [["recycle", "walk"]],
    trio: ["recycle", "walk", "walk"],
    table: {
      "own page": ["required", "the walk came first"],
      absent: ["required", "the page was unmapped"],
      "page of another domain": ["forbidden", "the frame had left the tree"],
    },
    plants: [
      {
        name: "a walk does not look whether tables were taken out",
        module: "pagetable/walker.js",
        find: /if \(load\(arena\.i32, word\) === generation\)/,
        replace: "if (true)",
        roles: ["recycle", "walk"],
        finds: /page of another domain/,
      },
      {
        name: "a table is taken out without notice",
        module: "pagetable/tables.js",
        find: /(exchange64\(slot, lo, hi\)\);\s+)fetchAdd\(arena\.i32, domainWord\(domain\) \+ DOMAIN\.tableGeneration, 1\);/,
        replace: "$1",
        roles: ["recycle", "walk"],
        finds: /page of another domain/,
      },
    ],
  },
  {
    name: "growth",
    bound: 2,
    pairs: [
      ["map", "map"],
      ["map", "grow"],
      ["grow", "grow"],
    ],
    trio: ["map", "grow", "map"],
    table: {
      grown: ["required", "the mapping found the pool that was added"],
      "transient pools": ["required", "the mapping made a pool of its own"],
      "one slot for two mappings": ["forbidden", "two threads made a pool in one window"],
      "a mapping not found": ["forbidden", "an unmap did not see its own pool"],
      "no room for a mapping": ["forbidden", "a window was free"],
      "slots left behind": ["forbidden", "a count was lost"],
      "two pools in one place": ["forbidden", "two threads added pools at once"],
      "a request for growth lost": ["forbidden", "a mapping that found no room is forgotten"],
    },
    plants: [
      {
        name: "a window is claimed whoever has it",
        module: "host/swiotlb/transient.js",
        find: /load\(arena\.i32, word\) === 0 && compareExchange\(arena\.i32, word, 0, BEING_MADE\)/,
        replace: "load(arena.i32, word) === 0 && (store(arena.i32, word, BEING_MADE), true)",
        roles: ["map", "map"],
        finds: /one slot for two mappings|a mapping not found|slots left behind|no room/,
      },
      {
        name: "two threads may run the growth worker",
        module: "host/swiotlb/grown.js",
        find: /if \(!compareExchange\(words, word, GROWTH\.requested, GROWTH\.running\)\)\s+return 0;/,
        replace: "store(words, word, GROWTH.running);",
        roles: ["grow", "grow"],
        finds: /two pools in one place/,
      },
    ],
  },
];
