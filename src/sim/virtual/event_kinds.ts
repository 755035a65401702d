/** Kinds of events of the virtual loop, and their priorities at equal times. */

/** What is due. */
export const EVENT = Object.freeze({
  tryIssue: 0,
  cpuFree: 1,
  fetch: 2,
  dma: 3,
  over: 4,
  done: 5,
  copied: 6,
  flush: 7,
  grow: 8,
  readTurn: 9,
  writeTurn: 10,
  copyRead: 11,
  memory: 12,
  powerCut: 13,
});
/** At equal times what has happened comes before what may be done next. */
export const PRIORITY = Object.freeze({ device: 0, cpu: 1, issue: 2, timer: 3 });
