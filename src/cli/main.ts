/**
 * The command line: one file per command, one place that prints, one place that decides exit codes.
 *
 * 0 ok · 1 internal · 2 usage or configuration · 3 verification or invariant failed · 4 objective missed ·
 * 130 interrupted
 */
import { Command, type OutputConfiguration } from "commander";
import { EXIT } from "../base/errors.ts";
import { packageVersion } from "../base/version.ts";
import { addCheckCommand } from "./check.ts";
import { addDmatestCommand } from "./dmatest.ts";
import { addExplainCommand } from "./explain.ts";
import { reportFailure } from "./failure.ts";
import { addInspectCommand } from "./inspect.ts";
import { dropSignalListeners } from "./interrupt.ts";
import { addListCommand } from "./list.ts";
import { addMapCommand } from "./map.ts";
import { addMapBenchmarkCommand } from "./map_benchmark.ts";
import { type Output, processOutput } from "./output.ts";
import { addRunCommand } from "./run.ts";
import { addSchemaCommand } from "./schema.ts";
import type { Session } from "./session.ts";
import { addStressCommand } from "./stress.ts";
import { addValidateCommand } from "./validate.ts";

const EXAMPLES = `
Examples:
  dmasim map ram@0x10800+0x800 pmem0+0x50000+4k      what happens to a scatterlist
  dmasim run rand-read-4k                            a shipped load on its machine
  dmasim run job.fio --machine arm-smmu-8nvme        a fio job file on another machine
  dmasim run rand-read-4k --set iommu.mode=lazy      one key of the machine changed
  dmasim run rand-read-4k --vary iodepth=1..128*2    one table over many values
  dmasim explain rand-read-4k                        where the time of one I/O goes
  dmasim run rand-read-4k --json - | jq .bottleneck  for scripts
  dmasim stress --minutes 10 --faults all            is the mapping layer right, whatever happens
  dmasim validate measurements                       how near predictions are to published figures

Exit codes: 0 ok, 1 internal error, 2 usage or configuration, 3 wrong data, leaks or DMA API errors, 4 objective missed,
130 interrupted (partial results are written)
`;

const MORE = "More:";
/** Commands that turn a signal into a partial result. */
const INTERRUPTIBLE: ReadonlySet<string> = new Set(["run", "validate", "explain", "dmatest", "map-benchmark"]);

/** Runs one command line (without node and script) and returns its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const session: Session = { output: processOutput(), exitCode: EXIT.ok };
  try {
    await createProgram(session).parseAsync(args, { from: "user" });
    return session.exitCode;
  } catch (error) {
    return reportFailure(session.output, error, args.includes("--debug"));
  }
}

function createProgram(session: Session): Command {
  const program = new Command("dmasim");
  program
    .description("What will my DMA path do: how fast, limited by what, and is it correct?")
    .version(packageVersion(), "-V, --version", "print the version")
    .option("--debug", "print the stack of an internal error")
    .helpOption("-h, --help", "show help")
    .addHelpCommand(new Command("help").argument("[command]").description("show help of a command").helpGroup(MORE))
    .configureHelp({ subcommandTerm: commandTerm })
    .exitOverride()
    .configureOutput(commanderOutput(session.output))
    .addHelpText("after", EXAMPLES)
    .hook("preAction", (_program, command) => {
      if (!INTERRUPTIBLE.has(command.name())) dropSignalListeners();
    });
  program.commandsGroup("Start here:");
  addMapCommand(program, session);
  addRunCommand(program, session);
  addStressCommand(program, session);
  addValidateCommand(program, session);
  program.commandsGroup(MORE);
  addExplainCommand(program, session);
  addCheckCommand(program, session);
  addDmatestCommand(program, session);
  addMapBenchmarkCommand(program, session);
  addListCommand(program, session);
  addSchemaCommand(program, session);
  addInspectCommand(program, session);
  return program;
}

/** `run <profile>`: every command has options, so saying so tells nothing. */
function commandTerm(command: Command): string {
  const names = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...names].join(" ");
}

function commanderOutput(output: Output): OutputConfiguration {
  return {
    writeOut: output.out,
    writeErr: output.err,
    outputError: (text, write) => write(usageMessage(text)),
  };
}

/** Commander's message in the form of every other error: `dmasim: what`, then the remedy. */
function usageMessage(text: string): string {
  const [, what = text.trim(), guess = "see dmasim --help"] =
    /^error: (.*?)(?:\n\(Did you mean (.*)\?\))?\n?$/s.exec(text) ?? [];
  const remedy = guess.startsWith("see") ? guess : `did you mean ${guess}?`;
  return `dmasim: ${what}\n  remedy: ${remedy}\n`;
}
