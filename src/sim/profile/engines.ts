/** fio's I/O engines (HOWTO "I/O engine") and what each means for a DMA path. */
import { closestWord } from "../../base/closest.ts";
import type { Submission } from "./job.ts";

/** What an engine does: submits in one of three ways, or moves nothing that can be modelled. */
export type Engine =
  | { readonly submission: Submission; readonly note: string | null }
  | { readonly refused: string; readonly remedy: string };

const ASYNC_NOTE = "as an asynchronous engine of the same depth";
const SYSTEM_CALL_NOTE = "each I/O waits for the one before; the page cache is not modelled";

const SUBMISSIONS: readonly (readonly [Submission, string | null, string])[] = [
  ["async", null, "libaio io_uring io_uring_cmd posixaio windowsaio solarisaio"],
  ["async", ASYNC_NOTE, "xnvme libblkio syslet-rw guasi binject aioring"],
  ["depth1", null, "sync psync vsync pvsync pvsync2"],
  ["depth1", SYSTEM_CALL_NOTE, "mmap splice"],
  ["depth1", "SG_IO, one command at a time", "sg"],
  ["cpu", null, "dev-dax libpmem pmemblk"],
];

const NETWORK_REMEDY =
  "use a local engine such as io_uring, or describe a NIC's traffic in a YAML profile (device: a NIC)";
const LOCAL_REMEDY = "use an engine that moves data through a device, such as io_uring or libaio";
const GPU_REMEDY = "write a YAML profile with target: bar:DEVICE, which moves data straight to a device's memory";

const REFUSALS: readonly (readonly [string, string, string])[] = [
  [
    "talks to a network service, not to a device of the machine",
    NETWORK_REMEDY,
    "net netsplice rdma librpma_apm_client librpma_apm_server librpma_gpspm_client librpma_gpspm_server rados rbd http " +
      "gfapi gfapi_async libhdfs nbd nfs dfs libiscsi ime_psync ime_psyncv ime_aio sheepdog pxv2",
  ],
  [
    "moves no data",
    LOCAL_REMEDY,
    "null cpp_null cpuio falloc ftruncate e4defrag exec filecreate filestat filedelete dircreate dirstat dirdelete " +
      "fileoperations diroperations filexattr page_fault",
  ],
  ["moves data between storage and GPU memory", GPU_REMEDY, "libcufile libhipfile gpuaccel"],
  ["drives zoned or raw flash, which is not modelled", LOCAL_REMEDY, "libzbc mtd fusion-aw-sync bsg"],
  ["loads code of its own", LOCAL_REMEDY, "external"],
];

const ENGINES: ReadonlyMap<string, Engine> = new Map<string, Engine>([
  ...SUBMISSIONS.flatMap(([submission, note, names]) =>
    names.split(" ").map((name): [string, Engine] => [name, { submission, note }]),
  ),
  ...REFUSALS.flatMap(([refused, remedy, names]) =>
    names.split(" ").map((name): [string, Engine] => [name, { refused, remedy }]),
  ),
]);

/** fio's default engine on Linux. */
export const FIO_DEFAULT_ENGINE = "psync";

/** The engine of a name; `external:PATH` counts as `external`. Undefined when fio has none of that name. */
export function findEngine(name: string): Engine | undefined {
  return ENGINES.get(name.startsWith("external:") ? "external" : name);
}

/** The known engine nearest to a misspelt one. */
export function closestEngine(name: string): string | undefined {
  return closestWord(name, ENGINES.keys());
}

/** Names of the engines that a job can use. */
export function usableEngines(): string[] {
  return [...ENGINES].filter(([, engine]) => "submission" in engine).map(([name]) => name);
}
