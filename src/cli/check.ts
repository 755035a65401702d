/** `dmasim check FILE...`: runs kernel cases against the code that simulates. */
import type { Command } from "commander";
import { EXIT } from "../base/errors.ts";
import { renderCheck } from "../report/check.ts";
import { loadCases, SHIPPED_CASES } from "../sim/check/case_file.ts";
import { SIM_OPS } from "../sim/check/ops.ts";
import { runCases } from "../sim/check/runner.ts";
import { TRACE_OPS } from "../trace/check_ops.ts";
import { present } from "./output.ts";
import { JSON_FLAG, type Session } from "./session.ts";

/** Adds the command; a failed case makes the exit code 3, an unsupported one does not. */
export function addCheckCommand(program: Command, session: Session): void {
  program
    .command("check")
    .description("run cases of what Linux does against the simulator")
    .argument("<file...>", `JSON case files, or ${SHIPPED_CASES} for the ones that ship with dmasim`)
    .option(...JSON_FLAG)
    .action((files: readonly string[], flags: { readonly json?: string }) => {
      const cases = files.flatMap(loadCases);
      const result = runCases(cases, { ...SIM_OPS, ...TRACE_OPS });
      present(session.output, flags.json, result, renderCheck(session.output.screen, result));
      if (result.failed > 0) session.exitCode = EXIT.verification;
    });
}
