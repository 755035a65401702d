/** Words of the buffer over which two threads of the ring suite talk: one ring each way, or one word each way. */
import { RING, WORKER } from "../../src/shm/layout.ts";

export const SLOT_WORDS = 4;
export const DEPTH = 64;
/** Ring from thread 0 to thread 1, and back. */
export const FIRST = 0;
export const BACK = RING.WORDS;
/** Slots of the ring FIRST; those of BACK follow. */
export const SLOTS = 2 * RING.WORDS;
export const BACK_SLOTS = SLOTS + DEPTH * SLOT_WORDS;
/** A doorbell (WORKER record) for each thread. */
export const BELLS = BACK_SLOTS + DEPTH * SLOT_WORDS;
/** The words of the baseline, each on a line of its own. */
export const PING = BELLS + 2 * WORKER.WORDS;
export const PONG = PING + 32;
export const HANDOVER_BYTES = (PONG + 32) * 4;
