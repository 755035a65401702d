/** Schema of YAML load profiles; the words are fio's, with a few of ours for memory and mapping. */
import { z } from "zod";
import { eventsSchema } from "./events.ts";
import { CLONES_MAX, IODEPTH_MAX } from "./job_io.ts";
import { countKey, flagKey, pairKey, sizeKey, sizeOrPercentKey, textKey, timeKey } from "./schema_values.ts";

const COUNT_MAX = Number.MAX_SAFE_INTEGER;

const bssplitEntry = z.strictObject({
  bs: z.union([z.number().min(1), z.string().min(1)]).describe("block size: bytes or text such as 4k"),
  percent: z
    .number()
    .min(0)
    .max(100)
    .optional()
    .describe("share of the I/Os, percent; absent = an even part of the rest"),
});

const sgSchema = z.strictObject({
  entry: sizeKey("largest length of one scatterlist entry; default 4096"),
  offset: sizeKey("offset of the first byte inside its page, less than 4096; default 0"),
  pageless_share: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe("share of entries without struct page, 0 to 1; default 0. They lie in pageless_target"),
  scatter: flagKey("true: entries lie on scattered pages; false: the buffer is physically contiguous; default true"),
});

/** What a job does: fio's words. */
const workKeys = {
  rw: textKey(
    "direction and order: read, write, randread, randwrite, rw, randrw, or copy (memory to memory); `:N` after a random one " +
      "issues N sequential I/Os between two random offsets, `:SIZE` after a sequential one leaves a gap",
  ),
  rwmixread: z.number().min(0).max(100).optional().describe("percent of reads in rw and randrw; default 50"),
  rwmixwrite: z
    .number()
    .min(0)
    .max(100)
    .optional()
    .describe("percent of writes in rw and randrw; the later of both counts"),
  bs: pairKey("block size, bytes or text such as 4k; default 4096"),
  bsrange: z
    .string()
    .min(1)
    .optional()
    .describe(
      'range of block sizes such as 4k-64k, drawn evenly; "4k-8k,16k-64k" for reads and writes; counts before bs',
    ),
  bssplit: z
    .union([z.string().min(1), z.array(bssplitEntry).min(1).max(64)])
    .optional()
    .describe("mix of block sizes: 4k/60:64k/40, or a list of {bs, percent}; counts before bsrange and bs"),
  blockalign: pairKey("alignment of offsets, bytes or text such as 4k; default the smallest block size"),
  percentage_random: pairKey("percent of a random job's offsets that are random, the rest sequential; default 100"),
  random_distribution: textKey(
    "spread of random offsets: random, zipf:THETA, pareto:H, normal:DEVIATION, zoned:ACCESS/SIZE:…, zoned_abs:ACCESS/SIZE:…; " +
      "default random",
  ),
  norandommap: flagKey("random offsets may repeat before all blocks were visited; default false"),
  randrepeat: flagKey("the same random offsets on every run; default true"),
  randseed: countKey("seed of this job's random numbers; default derived from the profile's seed", 0, COUNT_MAX),
  verify_pass: flagKey("after writing, read everything back and check it (fio's verify=); default false"),
  verify: flagKey("check the data that arrive; default true"),
};

/** Queue, clones and order of jobs. */
const queueKeys = {
  ioengine: textKey("fio's engine; asynchronous ones (io_uring, libaio) keep iodepth I/Os in flight; default io_uring"),
  direct: flagKey("O_DIRECT; a buffered libaio job submits at depth 1; default true"),
  iodepth: countKey(`I/Os kept in flight by each clone, 1 to ${IODEPTH_MAX}; default 1`, 1, IODEPTH_MAX),
  iodepth_batch: countKey("I/Os submitted in one go; 0 = iodepth; default 1", 0, IODEPTH_MAX),
  io_submit_mode: z
    .enum(["inline", "offload"])
    .optional()
    .describe("offload: submission does not wait for completions"),
  numjobs: countKey(`clones of this job, 1 to ${CLONES_MAX}; default 1`, 1, CLONES_MAX),
  stonewall: flagKey("wait for every earlier job to finish; default false"),
  startdelay: timeKey('delay before the job starts, or a range "5-10" to draw from; default 0', "seconds"),
  group_reporting: flagKey("report all clones as one; default false"),
};

/** Where a job works and how much it does. */
const extentKeys = {
  filename: textKey("names of the media extents, separated by `:`; default one extent for each clone"),
  directory: textKey("folder of the extents; a name only"),
  size: sizeOrPercentKey("extent that each clone covers; default the whole target"),
  io_size: sizeOrPercentKey("bytes that each clone moves; default size"),
  offset: sizeOrPercentKey("start of the extent; default 0"),
  offset_increment: sizeOrPercentKey("added to offset for each further clone; default 0"),
  number_ios: countKey("I/Os after which a clone ends", 1, COUNT_MAX),
  loops: countKey("how often the job runs; default 1", 1, 1_000_000),
  runtime: timeKey("virtual time after which the job ends; default none", "seconds"),
  time_based: flagKey("repeat until runtime is over; default false"),
  ramp_time: timeKey("virtual time before figures count; default 0", "seconds"),
};

/** Limits on the pace. */
const paceKeys = {
  rate: pairKey("bytes per second that are not exceeded, e.g. 500m; default none"),
  rate_min: pairKey("bytes per second that must be reached"),
  rate_iops: pairKey("I/Os per second that are not exceeded; excludes rate"),
  rate_process: z.enum(["linear", "poisson"]).optional().describe("spacing of rated I/Os; default linear"),
  thinktime: timeKey("pause after thinktime_blocks I/Os; default 0", "microseconds"),
  thinktime_blocks: countKey("I/Os between two pauses; default 1", 1, COUNT_MAX),
  latency_target: timeKey("find the deepest queue whose latency stays below this", "microseconds"),
  latency_window: timeKey("time over which latency_target is sampled; default 1 s", "microseconds"),
  latency_percentile: z
    .number()
    .min(0)
    .max(100)
    .optional()
    .describe("percent of I/Os below latency_target; default 100"),
};

/** Memory and mapping: ours. */
const memoryKeys = {
  device: textKey("name of the machine's device that moves the data; default the machine's block device"),
  target: textKey(
    "memory that the buffers lie in: ram, the name of a pmem region, bar:DEVICE, or vram:DEVICE (private memory behind moving windows); default ram",
  ),
  working_set: sizeKey("bytes of a vram target over which the buffers roam; default 1 GiB, or the memory if smaller"),
  source: textKey("memory that a copy job reads, the same words as target; default ram"),
  pageless_target: textKey("memory of entries without struct page; default the first page-less region"),
  sg: sgSchema.optional().describe("shape of each I/O's scatterlist"),
  map: z
    .enum(["per-io", "persistent", "raw", "dma-buf"])
    .optional()
    .describe(
      "map for each I/O, once for the whole run, or not at all: raw gives the device physical addresses, which is wrong wherever " +
        "bus and memory differ; dma-buf: each buffer is exported by its owner and imported once, without struct pages; " +
        "default per-io",
    ),
  pin: z
    .enum(["io", "longterm"])
    .optional()
    .describe(
      "io: get_user_pages for each I/O; longterm: the memory is registered before the first I/O and stays pinned to the end " +
        "(RDMA, io_uring buffers, V4L2); default io",
    ),
  file: z
    .enum(["fsdax", "devdax"])
    .optional()
    .describe("the buffers are a mapping of a DAX file on the target: of a filesystem, or a device; default none"),
  ring: sizeKey("buffers are taken in turn from a ring of this size; default one for each command in flight"),
  persist: z
    .enum(["none", "flush"])
    .optional()
    .describe("flush: write the lines of arrived data back (clwb, sfence) before the I/O completes; default none"),
};

const jobKeys = {
  ...workKeys,
  ...queueKeys,
  ...extentKeys,
  ...paceKeys,
  ...memoryKeys,
};

/** Names of the keys that every job has. */
export const JOB_KEY_NAMES: readonly string[] = Object.keys(jobKeys);

/** Keys of a job that every job inherits. */
const globalSchema = z.strictObject(jobKeys);

const jobSchema = z.strictObject({
  name: z.string().min(1).max(255).describe("name of the job, as it stands in results"),
  ...jobKeys,
});

/** A load profile; strict: unknown keys are errors. Units: bytes, fio's durations. */
export const profileSchema = z
  .strictObject({
    name: textKey("short name; default the file's name without ending"),
    title: textKey("one line that says what the load is"),
    machine: textKey("machine that the profile is meant for: a shipped name or a file; --machine overrides it"),
    seed: countKey("seed of all random numbers; default 1", 0, COUNT_MAX),
    events: eventsSchema.optional(),
    verify: z
      .literal("after-power-cut")
      .optional()
      .describe(
        "cut the power (event power_cut) and check that data in persistent memory that was acknowledged survives",
      ),
    p2p: z
      .strictObject({
        staged: z
          .enum(["allow", "forbid"])
          .default("allow")
          .describe(
            "between peers that Linux refuses: allow = through memory, moved on by the CPU; forbid = the I/O fails",
          ),
      })
      .optional()
      .describe("peer-to-peer rules"),
    global: globalSchema.optional().describe("keys that every job inherits"),
    jobs: z
      .array(jobSchema)
      .min(1)
      .max(CLONES_MAX)
      .describe("jobs in order; they start together unless stonewall says otherwise"),
  })
  .describe("load profile of dmasim");

/** A YAML profile after the schema; values are still as written (`4k`). */
export type ProfileDocument = z.infer<typeof profileSchema>;
/** One entry of `jobs` after the schema. */
export type JobDocument = z.infer<typeof jobSchema>;
/** Keys that `global` and every job share. */
export type JobKeys = z.infer<typeof globalSchema>;
