/** `dmasim map-benchmark`: the kernel's benchmark of dma_map and dma_unmap, on a modelled machine. */
import { type Command, Option } from "commander";
import { EXIT } from "../base/errors.ts";
import { renderJson } from "../report/json.ts";
import { resolveMachine } from "../sim/machine/load.ts";
import type { Override } from "../sim/override.ts";
import type { Clock } from "../sim/result.ts";
import { MAP_BENCHMARK_DEFAULTS as DEFAULTS } from "../sim/tools/map_benchmark.ts";
import type { MapBenchmarkResult } from "../sim/tools/map_benchmark_run.ts";
import { catchInterrupts } from "./interrupt.ts";
import { checkOutputs, deliverEach, type Output, STDOUT } from "./output.ts";
import { collectOverride } from "./overrides.ts";
import { startProgress } from "./progress.ts";
import {
  DEFAULT_LIMIT_IOS,
  DEFAULT_MACHINE,
  defaultWorkers,
  numberFlag,
  parseLimitIos,
  parseWorkers,
} from "./run_flags.ts";
import { JSON_FLAG, type Session } from "./session.ts";

/** Flags as commander leaves them. */
interface MapBenchmarkFlags {
  readonly threads: number;
  readonly seconds: number;
  readonly node: number;
  readonly bits: number;
  readonly dir: number;
  readonly trans: number;
  readonly granule: number;
  readonly mode: number;
  readonly machine?: string;
  readonly dev?: string;
  readonly set?: readonly Override[];
  readonly clock: Clock;
  readonly workers?: number;
  readonly limitIos?: number;
  readonly full?: true;
  readonly json?: string;
}

const HELP = `
Examples:
  dmasim map-benchmark -t 4 -s 10 -d 1
  dmasim map-benchmark --machine kunpeng-920 -t 16 --set iommu.mode=strict
  dmasim map-benchmark --clock wall -t 2 -s 2 --json - | jq .map_ns.percentile

Limits are those of the kernel's tool. A mask of 32 bits, its default, makes machines without an IOMMU bounce.
`;

/** Adds the command. */
export function addMapBenchmarkCommand(program: Command, session: Session): void {
  const command = program
    .command("map-benchmark")
    .description("time dma_map and dma_unmap as the kernel's dma_map_benchmark does");
  addToolOptions(command);
  command
    .optionsGroup("Where and how it runs:")
    .option("--machine <machine>", `a shipped name or a .yaml file (default: ${DEFAULT_MACHINE})`)
    .option("--dev <device>", "device of the machine (default: its block device)")
    .option("--set <path=value>", "change a key of the machine (repeatable)", collectOverride)
    .addOption(
      new Option("--clock <clock>", "virtual predicts; wall runs freely on this computer")
        .choices(["virtual", "wall"])
        .default("virtual"),
    )
    .option("--workers <n>", "host threads under wall (default: one less than there are CPUs)", parseWorkers)
    .option("--limit-ios <n>", `end after this many loops (default under virtual: ${DEFAULT_LIMIT_IOS})`, parseLimitIos)
    .addOption(new Option("--full", "run all seconds, however many loops that takes").conflicts(["limitIos"]))
    .optionsGroup("Output:")
    .option(...JSON_FLAG)
    .optionsGroup("Options:")
    .addHelpText("after", HELP)
    .action(async (flags: MapBenchmarkFlags) => {
      session.exitCode = await mapBenchmark(session.output, flags);
    });
}

function addToolOptions(command: Command): void {
  command
    .optionsGroup("What is timed (options of the kernel's tool):")
    .option("-t, --threads <n>", "threads, 1 to 1024", numberFlag("--threads", 1, 1024), DEFAULTS.threads)
    .option("-s, --seconds <s>", "duration, 1 to 300", numberFlag("--seconds", 1, 300), DEFAULTS.seconds)
    .option("-n, --node <n>", "NUMA node of the threads, -1 = any", parseNode, DEFAULTS.node)
    .option("-b, --bits <n>", "DMA mask, 20 to 64", numberFlag("--bits", 20, 64), DEFAULTS.dmaBits)
    .option("-d, --dir <n>", "0 bidirectional, 1 to, 2 from the device", numberFlag("--dir", 0, 2), DEFAULTS.dmaDir)
    .option(
      "-x, --trans <ns>",
      "time that a buffer stays mapped, to 10000000",
      numberFlag("--trans", 0, 10_000_000),
      DEFAULTS.dmaTransNs,
    )
    .option(
      "-g, --granule <pages>",
      "pages of a mapping, 1 to 1024",
      numberFlag("--granule", 1, 1024),
      DEFAULTS.granule,
    )
    .option("-m, --mode <n>", "0 one buffer, 1 a list of pages", numberFlag("--mode", 0, 1), DEFAULTS.mapMode);
}

const parseNodeNumber = numberFlag("--node", 0, 1023);

/** -1 is every node. */
function parseNode(text: string): number {
  return text.trim() === "-1" ? -1 : parseNodeNumber(text);
}

async function mapBenchmark(output: Output, flags: MapBenchmarkFlags): Promise<number> {
  checkOutputs({ "--json": flags.json });
  const interrupt = catchInterrupts(output);
  try {
    const result = await benchmark(output, flags, interrupt.signal);
    const { renderMapBenchmark } = await import("../report/map_benchmark.ts");
    if (flags.json !== STDOUT) output.out(renderMapBenchmark(output.screen, result));
    deliverEach(output, [{ path: flags.json, text: () => renderJson(result) }]);
    return exitCodeOf(result);
  } finally {
    interrupt.release();
  }
}

function exitCodeOf(result: MapBenchmarkResult): number {
  if (result.integrity.leaks.length > 0) return EXIT.verification;
  if (result.partial === true) return EXIT.interrupted;
  return result.error === undefined ? EXIT.ok : EXIT.objective;
}

async function benchmark(output: Output, flags: MapBenchmarkFlags, signal: AbortSignal): Promise<MapBenchmarkResult> {
  // The simulator is loaded when it is needed, so that help and errors stay instant.
  const { runMapBenchmark } = await import("../sim/tools/map_benchmark_run.ts");
  const machine = resolveMachine(flags.machine ?? DEFAULT_MACHINE, flags.set ?? []);
  const { threads, seconds, node, bits, dir, trans, granule, mode } = flags;
  const asked = { threads, seconds, node, dmaBits: bits, dmaDir: dir, dmaTransNs: trans, granule, mapMode: mode };
  const limit = flags.limitIos ?? (flags.clock === "virtual" && flags.full !== true ? DEFAULT_LIMIT_IOS : null);
  const progress = startProgress(output);
  try {
    return await runMapBenchmark(machine, asked, {
      clock: flags.clock,
      workers: flags.workers ?? defaultWorkers(),
      device: flags.dev ?? null,
      loopsMax: limit ?? Number.POSITIVE_INFINITY,
      signal,
      onProgress: progress.update,
    });
  } finally {
    progress.stop();
  }
}
