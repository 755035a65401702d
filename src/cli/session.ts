import type { Output } from "./output.ts";

/** What a command gets, and the exit code it leaves behind. */
export interface Session {
  readonly output: Output;
  exitCode: number;
}

/** `--json FILE`, the same words in every command. */
export const JSON_FLAG = ["--json <file>", "write JSON to a file (- = stdout, and nothing else there)"] as const;
