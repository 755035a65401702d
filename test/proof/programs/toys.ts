/** Programs whose schedules and outcomes are known, to test the scheduler with. */
import { compareExchange, fetchAdd, load, notify, store, wait } from "#dmasim/shm/atomics.js";
import { HEADER, REGIONS } from "#dmasim/shm/layout.js";
import type { Program, World } from "../program.ts";

const X = REGIONS.header.word + HEADER.pins;
const Y = REGIONS.header.word + HEADER.faultNext;

const setUp: Program["setUp"] = (arena) => {
  arena.i32[X] = 0;
  arena.i32[Y] = 0;
};

/** Two stores each: 20 interleavings of two threads with three steps. */
export const stores: Program = {
  setUp,
  roles: {
    twice({ arena }) {
      store(arena.i32, X, 1);
      store(arena.i32, Y, 1);
    },
  },
  judge: () => "end",
};

/** The outcome is what each thread loaded. */
export const storeBuffering: Program = {
  setUp,
  roles: {
    first: ({ arena, put }) => {
      store(arena.i32, X, 1);
      put(0, load(arena.i32, Y));
    },
    second: ({ arena, put }) => {
      store(arena.i32, Y, 1);
      put(1, load(arena.i32, X));
    },
  },
  judge: (_arena, results) => `${results[0]} ${results[1]}`,
};

function incremented(add: (world: World) => void): Program {
  return { setUp, roles: { add }, judge: (arena) => (arena.i32[X] === 2 ? "sum" : "update lost") };
}

export const lostUpdate = incremented(({ arena }) => store(arena.i32, X, load(arena.i32, X) + 1));
export const keptUpdate = incremented(({ arena }) => void fetchAdd(arena.i32, X, 1));
export const plainUpdate = incremented(({ arena }) => {
  arena.i32[X] = (arena.i32[X] as number) + 1;
});

/** Waits, spins and locks that nobody ends. */
export const stuck: Program = {
  setUp,
  roles: {
    sleep: ({ arena }) => wait(arena.i32, X, 0, Number.POSITIVE_INFINITY),
    wake({ arena }) {
      store(arena.i32, X, 1);
      notify(arena.i32, X);
    },
    nap: ({ arena }) => wait(arena.i32, X, 0, 5),
    spin({ arena }) {
      while (load(arena.i32, Y) === 0);
    },
    retry({ arena }) {
      while (!compareExchange(arena.i32, Y, 1, 2));
    },
    idle: ({ rest }) => {
      for (;;) rest();
    },
  },
  judge: () => "end",
};
