import { describe, expect, it } from "vitest";
import type { JobSpec } from "#dmasim/sim/profile/job.js";
import { fioJob, fioJobs } from "../profile/files.ts";

const shares = (job: JobSpec, direction: "read" | "write") =>
  job.blockSizes[direction].map((share) => [share.bytesMin, share.bytesMax, share.weight]);

describe("sizes", () => {
  it.each([
    ["size=4k", 4096],
    ["size=4K", 4096],
    ["size=4kB", 4096],
    ["size=8ki", 8000],
    ["size=8kib", 8000],
    ["size=1m", 2 ** 20],
    ["size=1mi", 1e6],
    ["size=1.5g", 1.5 * 2 ** 30],
    ["size=2t", 2 * 2 ** 40],
    ["size=0x10000", 65536],
    ["size=8192b", 8192],
    ["kb_base=1000\nsize=8k", 8000],
    ["kb_base=1000\nsize=8ki", 8192],
    ["size=8k\nkb_base=1000", 8000],
  ])("%j is %d bytes", (text, bytes) => expect(fioJob(text).sizeBytes).toBe(bytes));

  it("knows percentages of size, io_size, offset and offset_increment", () => {
    expect(fioJob("size=20%\nio_size=50%\noffset=10%\noffset_increment=5%")).toMatchObject({
      sizeBytes: null,
      sizePercent: 20,
      ioSizeBytes: null,
      ioSizePercent: 50,
      offsetBytes: 0,
      offsetPercent: 10,
      offsetIncrementPercent: 5,
    });
  });

  it("covers filesize times nrfiles; size is the default of io_size then", () => {
    expect(fioJob("filesize=1m-2m\nnrfiles=4").sizeBytes).toBe(8 * 2 ** 20);
    expect(fioJob("filesize=1m\nsize=4m")).toMatchObject({ sizeBytes: 2 ** 20, ioSizeBytes: 4 * 2 ** 20 });
    expect(fioJob("filesize=1m\nsize=4m\nio_size=2m").ioSizeBytes).toBe(2 * 2 ** 20);
  });

  it("counts size=0, io_size=0, number_ios=0 and runtime=0 as absent", () => {
    expect(fioJob("size=0\nio_limit=0\nnumber_ios=0\nruntime=0")).toMatchObject({
      sizeBytes: null,
      ioSizeBytes: null,
      numberIos: null,
      runtimeNs: null,
    });
  });
});

describe("block sizes", () => {
  it.each([
    ["bs=8k", [[8192, 8192, 1]], [[8192, 8192, 1]]],
    ["bs=8k,32k", [[8192, 8192, 1]], [[32768, 32768, 1]]],
    ["bs=,8k", [[4096, 4096, 1]], [[8192, 8192, 1]]],
    ["bs=8k,", [[8192, 8192, 1]], [[4096, 4096, 1]]],
    ["bs=8k,16k,32k", [[8192, 8192, 1]], [[16384, 16384, 1]]],
    ["bsrange=1k-4k,2k-8k", [[1024, 4096, 1]], [[2048, 8192, 1]]],
    ["bsrange=1k-4k/2k-8k", [[1024, 4096, 1]], [[2048, 8192, 1]]],
    ["bsrange=4k:1k\nbs=64k", [[1024, 4096, 1]], [[1024, 4096, 1]]],
    [
      "bssplit=4k/10:64k/50:32k/40",
      [
        [4096, 4096, 10],
        [65536, 65536, 50],
        [32768, 32768, 40],
      ],
      [
        [4096, 4096, 10],
        [65536, 65536, 50],
        [32768, 32768, 40],
      ],
    ],
    [
      "bssplit=2k/50:4k/50,4k/90:8k/10",
      [
        [2048, 2048, 50],
        [4096, 4096, 50],
      ],
      [
        [4096, 4096, 90],
        [8192, 8192, 10],
      ],
    ],
    ["bssplit=4k", [[4096, 4096, 100]], [[4096, 4096, 100]]],
  ])("%j", (text, read, write) => {
    const job = fioJob(text);
    expect(shares(job, "read")).toEqual(read);
    expect(shares(job, "write")).toEqual(write);
  });

  it("shares out what is missing to 100 evenly, and counts /0 as missing", () => {
    const job = fioJob("bssplit=4k/50:1k/:8k/0");
    expect(shares(job, "read").map((share) => share[2])).toEqual([50, 25, 25]);
    expect(shares(fioJob("bssplit=4k/10:8k/60"), "read").map((share) => share[2])).toEqual([10, 90]);
  });

  it("aligns to the smallest block unless told otherwise", () => {
    expect(fioJob("bsrange=1k-64k").blockAlignBytes).toEqual({ read: 1024, write: 1024 });
    expect(fioJob("ba=4k\nbs=512").blockAlignBytes).toEqual({ read: 4096, write: 4096 });
    expect(fioJob("bs=4k,8k").blockAlignBytes).toEqual({ read: 4096, write: 8192 });
  });

  it("bs_is_seq_rand picks by order instead of direction", () => {
    expect(shares(fioJob("rw=randrw\nbs=64k,4k\nbs_is_seq_rand=1"), "read")).toEqual([[4096, 4096, 1]]);
    expect(shares(fioJob("rw=rw\nbs=64k,4k\nbs_is_seq_rand=1"), "write")).toEqual([[65536, 65536, 1]]);
  });
});

describe("direction and order", () => {
  it.each([
    ["rw=randread:8", { rw: "randread", sequentialRun: 8, sequentialGapBytes: 0 }],
    ["rw=read:8k", { rw: "read", sequentialRun: 1, sequentialGapBytes: 8192 }],
    ["rw=write:-1m", { rw: "write", sequentialGapBytes: -(2 ** 20) }],
    ["readwrite=readwrite", { rw: "rw" }],
    ["bs=4k", { rw: "read", rwmixread: 50 }],
    ["rwmixread=70", { rwmixread: 70 }],
    ["rwmixread=70\nrwmixwrite=80", { rwmixread: 20 }],
    ["rwmixwrite=80\nrwmixread=70", { rwmixread: 70 }],
    ["percentage_random=30,60", { randomPercent: { read: 30, write: 60 } }],
  ])("%j", (text, expected) => expect(fioJob(text)).toMatchObject(expected));

  it.each([
    ["zipf", { kind: "zipf", theta: 1.1, center: null }],
    ["zipf:1.2:0.25", { kind: "zipf", theta: 1.2, center: 0.25 }],
    ["pareto:0.9", { kind: "pareto", h: 0.9, center: null }],
    ["pareto", { kind: "pareto", h: 0.2, center: null }],
    ["normal:20", { kind: "normal", deviationPercent: 20, center: null }],
  ])("random_distribution=%s, and no random map", (text, expected) => {
    const job = fioJob(`rw=randread\nrandom_distribution=${text}`);
    expect(job.distribution).toEqual({ read: expected, write: expected });
    expect(job.norandommap).toBe(true);
  });

  it("zones: missing sizes share the rest, directions may differ, absolute ones are bytes", () => {
    expect(fioJob("random_distribution=zoned:60/10:40/").distribution.read).toEqual({
      kind: "zoned",
      zones: [
        { accessPercent: 60, size: 10 },
        { accessPercent: 40, size: 90 },
      ],
    });
    const job = fioJob("random_distribution=zoned_abs:60/20G:40/100G,100/1g");
    expect(job.distribution.read).toMatchObject({ zones: [{ size: 20 * 2 ** 30 }, { size: 100 * 2 ** 30 }] });
    expect(job.distribution.write).toMatchObject({ zones: [{ accessPercent: 100, size: 2 ** 30 }] });
  });

  it("randseed overrides randrepeat; allrandrepeat includes it", () => {
    expect(fioJob("randseed=0x89")).toMatchObject({ randseed: 137, randrepeat: false });
    expect(fioJob("randrepeat=0")).toMatchObject({ randseed: null, randrepeat: false });
    expect(fioJob("randrepeat=0\nallrandrepeat=1").randrepeat).toBe(true);
    expect(fioJob("norandommap").norandommap).toBe(true);
  });
});

describe("engines and queues", () => {
  it.each([
    ["libaio", "async"],
    ["io_uring", "async"],
    ["io_uring_cmd", "async"],
    ["posixaio", "async"],
    ["windowsaio", "async"],
    ["solarisaio", "async"],
    ["sync", "depth1"],
    ["psync", "depth1"],
    ["vsync", "depth1"],
    ["pvsync2", "depth1"],
    ["mmap", "depth1"],
    ["splice", "depth1"],
    ["sg", "depth1"],
    ["dev-dax", "cpu"],
    ["libpmem", "cpu"],
  ])("%s submits as %s", (ioengine, submission) =>
    expect(fioJob(`ioengine=${ioengine}`)).toMatchObject({ ioengine, submission }),
  );

  it("is psync, buffered and one deep unless told otherwise", () => {
    expect(fioJob("rw=read")).toMatchObject({
      ioengine: "psync",
      direct: false,
      iodepth: 1,
      iodepthBatch: 1,
      numjobs: 1,
    });
  });

  it.each([
    ["direct=1", true],
    ["direct", true],
    ["buffered=0", true],
    ["direct=1\nbuffered=1", false],
    ["buffered=1\ndirect=1", true],
    ["atomic=1", true],
  ])("%j: direct %s", (text, direct) => expect(fioJob(text).direct).toBe(direct));

  it("batches no more than the depth; 0 is all of it", () => {
    expect(fioJob("iodepth=16\niodepth_batch=4").iodepthBatch).toBe(4);
    expect(fioJob("iodepth=16\niodepth_batch_submit=0").iodepthBatch).toBe(16);
    expect(fioJob("iodepth=16\niodepth_batch=99").iodepthBatch).toBe(16);
  });

  it("clamps a depth that no queue holds, and says so", () => {
    const job = fioJob("ioengine=libaio\niodepth=4096");
    expect(job.iodepth).toBe(1023);
    expect(job.ignored.join()).toMatch(/iodepth=4096/);
  });
});

describe("time and pace", () => {
  it.each([
    ["runtime=30", { runtimeNs: 30e9 }],
    ["timeout=10m", { runtimeNs: 600e9 }],
    ["runtime=1500ms", { runtimeNs: 1.5e9 }],
    ["runtime=20us", { runtimeNs: 20e3 }],
    ["runtime=1d", { runtimeNs: 86400e9 }],
    ["ramp_time=5", { rampNs: 5e9 }],
    ["startdelay=4", { startDelayNs: [4e9, 4e9] }],
    ["startdelay=10-5", { startDelayNs: [5e9, 10e9] }],
    ["startdelay=100ms-2s", { startDelayNs: [1e8, 2e9] }],
    ["thinktime=100", { thinktimeNs: 100e3, thinktimeBlocks: 1 }],
    ["thinktime=2ms\nthinktime_blocks=8", { thinktimeNs: 2e6, thinktimeBlocks: 8 }],
    ["rate=1m,500k", { rateBytesPerS: { read: 2 ** 20, write: 512000 } }],
    ["rate=,500k", { rateBytesPerS: { read: null, write: 512000 } }],
    ["rate=500k,", { rateBytesPerS: { read: 512000, write: null } }],
    ["rate_iops=2k\nrate_process=poisson", { rateIops: { read: 2048, write: 2048 }, rateProcess: "poisson" }],
    ["latency_target=1ms", { latencyTarget: { targetNs: 1e6, windowNs: 1e9, percentile: 100 } }],
    ["loops=0", { loops: 1 }],
    ["time_based", { timeBased: false }],
    ["time_based=1\nruntime=1", { timeBased: true }],
    ["time_based=0\nruntime=1", { timeBased: false }],
  ])("%j", (text, expected) => expect(fioJob(text)).toMatchObject(expected));
});

describe("verify", () => {
  it.each([
    ["rw=write\nverify=crc32c", true],
    ["rw=randrw\nverify=md5", true],
    ["rw=write\nverify=crc32c\ndo_verify=0", false],
    ["rw=read\nverify=crc32c", false],
    ["rw=write\nverify=0", false],
    ["rw=write\nverify=null", false],
    ["rw=write\nverify_pattern=0xdeadbeef", true],
    ["rw=write", false],
  ])("%j: verify pass %s", (text, verifyPass) => expect(fioJob(text)).toMatchObject({ verifyPass, verify: true }));
});

describe("files, buffers and order of jobs", () => {
  it.each([
    ["filename=/dev/sda:/dev/sdb", ["/dev/sda", "/dev/sdb"]],
    ["filename=/dev/dsk/foo@3,0\\:c", ["/dev/dsk/foo@3,0:c"]],
    ["size=1m", []],
    ["filename_format=$jobname.$jobnum.$filenum", []],
    ["filename_format=data.$filenum\nnrfiles=2", ["data.0", "data.1"]],
    ["filename_format=$jobname/f.$jobnum", []],
    ["filename_format=f.$jobnum", ["f.$jobnum"]],
  ])("%j", (text, filenames) => expect(fioJob(text).filenames).toEqual(filenames));

  it("huge pages are contiguous; iomem_align moves the buffer inside its page", () => {
    expect(fioJob("mem=malloc").sg).toEqual({ entryBytes: 4096, offsetBytes: 0, pagelessShare: 0, scatter: true });
    expect(fioJob("iomem=mmaphuge:/huge/f\niomem_align=512").sg).toMatchObject({
      entryBytes: 2 ** 21,
      offsetBytes: 512,
      scatter: false,
    });
    expect(fioJob("mem_align=8k").sg.offsetBytes).toBe(0);
  });

  it("names jobs by their section; only the section's own name= replaces it", () => {
    const jobs = fioJobs("[global]\nname=all\n[a]\n[b]\nname=c\nwait_for=a\n[d]\nwait_for_previous\n");
    expect(jobs.map((job) => [job.name, job.stonewall])).toEqual([
      ["a", false],
      ["c", true],
      ["d", true],
    ]);
  });

  it("lists each ignored option once, and accepts refused ones that change nothing", () => {
    const job = fioJob("thread\nthread=1\nfsync=8\nzonemode=none\nzonesize=0\ntrim_percentage=0\nflow=3");
    expect(job.ignored).toEqual(["thread (host)", "fsync (flush)", "flow (unmodelled)"]);
  });
});

describe("--set on a job file", () => {
  const text = "[global]\nbs=4k\n[a]\nbs=8k\n[b]\n";
  const sizes = (path: string, value: string) =>
    fioJobs(text, { overrides: [{ path, value }] }).map((job) => job.blockSizes.read[0]?.bytesMin);
  it("changes the global value, one job or all jobs", () => {
    expect(sizes("global.bs", "64k")).toEqual([8192, 65536]);
    expect(sizes("jobs.a.bs", "64k")).toEqual([65536, 4096]);
    expect(sizes("jobs[1].blocksize", "64k")).toEqual([8192, 65536]);
    expect(sizes("jobs[*].bs", "64k")).toEqual([65536, 65536]);
  });
});
