import type { Turns } from "./turns.ts";

/** The scheduler of this thread while it runs a body; null during set-up and judgement, when atomics are what they always are. */
export const current: { turns: Turns | null } = { turns: null };
