import { buildIfStale } from "../scripts/setup.mjs";

/** Brings dist/ up to date once: tests and worker threads run what ships. `npm test` has done so already. */
export default function setup(): void {
  if (process.env.DMASIM_BUILT !== "1") buildIfStale();
}
