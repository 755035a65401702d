/** Cases of the kernel's own measuring tools: `dmatest` and `map-benchmark`. */
import { copiedByte, destinationByte, sourceByte, summarise, summaryLine } from "../tools/dmatest.ts";
import {
  headLine,
  latencyFigures,
  MAP_BENCHMARK_DEFAULTS,
  type MapBenchmark,
  refusal,
  resultLines,
  sumLatencies,
} from "../tools/map_benchmark.ts";
import { dirOf } from "./attributes.ts";
import type { Fields, Given } from "./given.ts";
import type { OpTable } from "./runner.ts";
import type { CaseState } from "./state.ts";

/** Adapters of these areas. */
export const TOOL_OPS: OpTable = {
  source_fill: fill,
  summary,
  statistics,
  validate,
};

const EINVAL = -22;

/** Bytes of the source, and of a destination with the same range. */
function fill(given: Given): Fields {
  const range = { offset: given.number("off", 0), bytes: given.number("len", given.number("buf", 0)) };
  const indexes = given.numbers("index");
  return {
    bytes: indexes.map((index) => sourceByte(index, range)),
    dst_bytes: indexes.map((index) => destinationByte(index, range)),
    copied_bytes: indexes.map((index) => copiedByte(index, range, range)),
  };
}

function summary(given: Given): Fields {
  const totals = {
    tests: given.number("tests"),
    failures: given.number("failures", 0),
    runtimeUs: given.number("runtime_us"),
    bytes: given.number("bytes", 0),
  };
  const { iopsText, kBytesPerS } = summarise(totals);
  const line = summaryLine(given.text("thread", "dma0chan0-copy0"), totals, given.number("ret", 0));
  return { iops_text: iopsText, KBs: kBytesPerS, line, text: line };
}

function statistics(given: Given, state: CaseState): Fields {
  const map = latencyFigures(sumLatencies(given.numbers("map_ns", [])));
  const unmap = latencyFigures(sumLatencies(given.numbers("unmap_ns", [])));
  return {
    avg_map_100ns: map.average,
    map_stddev: map.deviation,
    avg_unmap_100ns: unmap.average,
    unmap_stddev: unmap.deviation,
    lines: resultLines(map, unmap),
    head: headLine(state.era, askedOf(given)),
  };
}

function validate(given: Given): Fields {
  const nodes = given.number("nodes", 1);
  const refusals = given.records("cases").map((each) => refusal(askedOf(each), nodes));
  return {
    ret: refusals.map((text) => (text === undefined ? 0 : EINVAL)),
    messages: refusals.map((text) => text ?? null),
  };
}

function askedOf(given: Given): MapBenchmark {
  const defaults = MAP_BENCHMARK_DEFAULTS;
  return {
    threads: given.number("threads", defaults.threads),
    seconds: given.number("seconds", defaults.seconds),
    node: given.number("node", defaults.node),
    dmaBits: given.number("dma_bits", defaults.dmaBits),
    dmaDir: dirOf(given, defaults.dmaDir, "dma_dir"),
    dmaTransNs: given.number("dma_trans_ns", defaults.dmaTransNs),
    granule: given.number("granule", defaults.granule),
    mapMode: given.number("map_mode", defaults.mapMode),
  };
}
