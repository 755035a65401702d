/** Turns whatever ended a command into one message on stderr and an exit code. */
import { CommanderError } from "commander";
import { DmasimError, EXIT } from "../base/errors.ts";
import type { Output } from "./output.ts";

/** Exit code for `error`; prints its message unless commander has already. A stack only with `--debug`. */
export function reportFailure(output: Output, error: unknown, debug: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof DmasimError) {
    output.err(`dmasim: ${error.message}\n`);
    return error.exitCode;
  }
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? `${error.stack ?? ""}\n` : "";
  output.err(`dmasim: internal error: ${message}${debug ? `\n${stack}` : " (--debug prints the stack)\n"}`);
  return EXIT.internal;
}
