/** `dmasim dmatest [parameter=value...]`: the kernel's test of DMA engines, on a modelled machine. */
import { type Command, Option } from "commander";
import { renderJson } from "../report/json.ts";
import { resolveMachine } from "../sim/machine/load.ts";
import type { Override } from "../sim/override.ts";
import type { Clock } from "../sim/result.ts";
import type { DmatestResult } from "../sim/tools/dmatest_result.ts";
import { exitCodeOf } from "./exit_code.ts";
import { catchInterrupts } from "./interrupt.ts";
import { checkOutputs, deliverEach, type Output, STDOUT } from "./output.ts";
import { collectOverride } from "./overrides.ts";
import { startProgress } from "./progress.ts";
import {
  DEFAULT_MACHINE,
  defaultWorkers,
  parseLimitIos,
  parseLimitSeconds,
  parseSeed,
  parseWorkers,
} from "./run_flags.ts";
import { JSON_FLAG, type Session } from "./session.ts";

/** Flags as commander leaves them. */
interface DmatestFlags {
  readonly machine?: string;
  readonly set?: readonly Override[];
  readonly clock: Clock;
  readonly seed?: number;
  readonly workers?: number;
  readonly payload: boolean;
  readonly dmaDebug?: true;
  readonly limitIos?: number;
  readonly limitSeconds?: number;
  readonly json?: string;
}

/** Tests of a thread, and seconds of the run, after which a test without iterations ends. */
const LIMIT_IOS = 10_000;
const LIMIT_SECONDS = 5;

const HELP = `
Parameters (as of the module dmatest; sizes in bytes or 4k, 1m):
  test_buf_size=16384  threads_per_chan=1  max_channels=0 (all)  iterations=0 (until a limit)  channel=dma0chan0
  device=ioat0  transfer_size=0 (random)  alignment=-1 (power of 2)  norandom=0  noverify=0  verbose=0  dmatest=0
  timeout=3000; xor_sources, pq_sources, polled and nobounce are read and change nothing

Examples:
  dmasim dmatest iterations=1000 threads_per_chan=2
  dmasim dmatest channel=dma0chan1 transfer_size=4096 norandom=1 iterations=100 verbose
  dmasim dmatest --clock wall --workers 2 iterations=10000 --json - | jq .threads

KB/s are units of 1024 bytes, as the kernel prints them. Wrong data: exit code 3.
`;

/** Adds the command. */
export function addDmatestCommand(program: Command, session: Session): void {
  program
    .command("dmatest")
    .description("test DMA engines as the kernel's dmatest does: random copies, every byte checked")
    .argument("[parameter...]", "module parameters, name=value")
    .optionsGroup("What runs:")
    .option("--machine <machine>", `a shipped name or a .yaml file (default: ${DEFAULT_MACHINE})`)
    .option("--set <path=value>", "change a key of the machine (repeatable)", collectOverride)
    .option("--seed <n>", "seed of every random draw (default: 1)", parseSeed)
    .option("--limit-ios <n>", `tests of a thread without iterations (default: ${LIMIT_IOS})`, parseLimitIos)
    .option(
      "--limit-seconds <s>",
      `end after this many seconds (default under wall: ${LIMIT_SECONDS})`,
      parseLimitSeconds,
    )
    .optionsGroup("How it runs:")
    .addOption(
      new Option("--clock <clock>", "virtual predicts; wall runs freely on this computer")
        .choices(["virtual", "wall"])
        .default("virtual"),
    )
    .option("--workers <n>", "host threads (default: one less than there are CPUs)", parseWorkers)
    .option("--no-payload", "predict only, move no bytes")
    .option("--dma-debug", "check every use of the DMA API as the kernel's dma-debug does")
    .optionsGroup("Output:")
    .option(...JSON_FLAG)
    .optionsGroup("Options:")
    .addHelpText("after", HELP)
    .action(async (parameters: readonly string[], flags: DmatestFlags) => {
      session.exitCode = await dmatest(session.output, parameters, flags);
    });
}

async function dmatest(output: Output, parameters: readonly string[], flags: DmatestFlags): Promise<number> {
  checkOutputs({ "--json": flags.json });
  const interrupt = catchInterrupts(output);
  try {
    const result = await test(output, parameters, flags, interrupt.signal);
    const { renderDmatest } = await import("../report/dmatest.ts");
    if (flags.json !== STDOUT) output.out(renderDmatest(output.screen, result));
    deliverEach(output, [{ path: flags.json, text: () => renderJson(result) }]);
    return exitCodeOf(result.run);
  } finally {
    interrupt.release();
  }
}

async function test(
  output: Output,
  parameters: readonly string[],
  flags: DmatestFlags,
  signal: AbortSignal,
): Promise<DmatestResult> {
  // The simulator is loaded when it is needed, so that help and errors stay instant.
  const { runDmatest } = await import("../sim/tools/dmatest_run.ts");
  const machine = resolveMachine(flags.machine ?? DEFAULT_MACHINE, flags.set ?? []);
  const progress = startProgress(output);
  try {
    return await runDmatest(machine, parameters, {
      clock: flags.clock,
      seed: flags.seed ?? 1,
      workers: flags.workers ?? defaultWorkers(),
      payload: flags.payload,
      dmaDebug: flags.dmaDebug === true,
      limitIos: flags.limitIos ?? LIMIT_IOS,
      limitSeconds: flags.limitSeconds ?? (flags.clock === "wall" ? LIMIT_SECONDS : null),
      signal,
      onProgress: progress.update,
      testHook: process.env.DMASIM_TEST_HOOK ?? null,
    });
  } finally {
    progress.stop();
  }
}
