/** Kinds of events of the virtual loop, and their priorities at equal times. */

/** What is due: steps of a command up to `copied` (a lane and a tag), then turns of a device, then what belongs to the machine. */
export const EVENT = Object.freeze({
  cpuFree: 0,
  tryIssue: 1,
  fetch: 2,
  dma: 3,
  over: 4,
  done: 5,
  copyRead: 6,
  copied: 7,
  readTurn: 8,
  writeTurn: 9,
  flush: 10,
  grow: 11,
  memory: 12,
  powerCut: 13,
  fault: 14,
});
/** At equal times what has happened comes before what may be done next. */
export const PRIORITY = Object.freeze({ device: 0, cpu: 1, issue: 2, timer: 3 });
