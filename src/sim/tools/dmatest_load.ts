/** dmatest as a load: a copy job for each thread of each channel. */
import { DmasimError } from "../../base/errors.ts";
import { QPAIRS_MAX } from "../../shm/capacities.ts";
import type { Machine } from "../machine/description.ts";
import { USER_PAGES } from "../profile/buffers.ts";
import type { JobSpec, Profile } from "../profile/job.ts";
import { OptionSet } from "../profile/option_set.ts";
import { standardSizeParser } from "../profile/quantities.ts";
import { resolveJob } from "../profile/resolve.ts";
import type { DmatestParams } from "./dmatest_params.ts";

/** A channel: a queue of a DMA engine. */
export interface Channel {
  /** `dma0chan0`: engines are counted in the machine's order. */
  readonly name: string;
  readonly device: string;
  readonly queue: number;
}

/** Room of the walk of a copy job that is never near its end: dmatest's own draws replace it. */
const ENDLESS = "1t";
const AT = { file: "dmatest" };

/** Every channel of a machine's DMA engines. */
export function channelsOf(machine: Machine): Channel[] {
  const engines = machine.devices.filter((device) => device.class === "dma-engine");
  return engines.flatMap((device, engine) =>
    Array.from({ length: device.queues }, (_, queue) => ({
      name: `dma${engine}chan${queue}`,
      device: device.name,
      queue,
    })),
  );
}

/** The load: one job a thread, named as the kernel names the thread. Throws a DmasimError when no channel is left. */
export function dmatestProfile(machine: Machine, params: DmatestParams, seed: number): Profile {
  const channels = chosen(machine, params);
  const seats = channels.flatMap((channel) =>
    Array.from({ length: params.threads_per_chan }, (_, number) => ({ channel, number })),
  );
  if (seats.length > QPAIRS_MAX) {
    throw new DmasimError({
      code: "DMASIM_DMATEST_THREADS",
      what: "the test has too many threads",
      value: seats.length,
      limit: `at most ${QPAIRS_MAX}`,
      remedy: "lower threads_per_chan or max_channels",
    });
  }
  return {
    name: "dmatest",
    title: "dmatest",
    file: AT.file,
    machine: machine.name,
    seed,
    jobs: seats.map(({ channel, number }, thread) => jobOf(channel, number, thread, params)),
  };
}

function chosen(machine: Machine, params: DmatestParams): readonly Channel[] {
  const all = channelsOf(machine);
  const named = all.filter(
    ({ name, device }) =>
      (params.channel === "" || name === params.channel) && (params.device === "" || device === params.device),
  );
  const channels = params.max_channels === 0 ? named : named.slice(0, params.max_channels);
  if (channels.length > 0 && params.dmatest === 0) return channels;
  const has = all.map(({ name, device }) => `${name} (${device})`).join(", ");
  throw new DmasimError({
    code: "DMASIM_NO_CHANNEL",
    what: "No channels configured",
    value: params.dmatest === 0 ? params.channel || params.device || "every channel" : "dmatest=1 (memset)",
    limit: has === "" ? `machine ${machine.name} has no DMA engine` : `${machine.name} has ${has}, for memcpy`,
    remedy: has === "" ? "choose a machine with a device of class dma-engine" : "name one of them, or leave it out",
  });
}

function jobOf(channel: Channel, number: number, thread: number, params: DmatestParams): JobSpec {
  const option = (name: string, text: string) => ({ name, text, at: AT, path: name });
  const bytes = `${params.test_buf_size}`;
  const options = new OptionSet(
    [
      option("rw", "copy"),
      option("bs", bytes),
      option("size", ENDLESS),
      option("iodepth", "1"),
      ...(params.iterations === 0 ? [] : [option("number_ios", `${params.iterations}`)]),
    ],
    standardSizeParser,
  );
  const job = resolveJob({
    name: `${channel.name}-copy${number}`,
    at: AT,
    options,
    dialect: { syntax: "yaml", defaultEngine: "io_uring", defaultDirect: true },
    placement: {
      verify: !params.noverify,
      verifyPass: false,
      device: channel.device,
      target: "ram",
      source: "ram",
      pagelessTarget: null,
      sg: USER_PAGES,
      map: "per-io",
    },
    notes: [],
  });
  const copyTest = {
    channel: channel.queue,
    thread,
    bufBytes: params.test_buf_size,
    alignShift: Math.max(0, params.alignment),
    transferBytes: params.transfer_size,
    random: !params.norandom,
  };
  return { ...job, copyTest };
}
