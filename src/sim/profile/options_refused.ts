/** fio options that would change what a job does in a way no job here can express; their neutral values are accepted. */
import type { OptionGroup } from "./option_group.ts";

/** Lists of `name|alias=type`, as {@link OptionGroup} describes them. */
export const REFUSED_OPTIONS: readonly OptionGroup[] = [
  {
    meaning: "refused",
    reason: "zone",
    remedy: "remove the zone options; offset, offset_increment and size give each clone its own extent",
    options:
      "zonemode=str zonesize=size zonecapacity=size zonerange=size zoneskip=size max_open_zones=int " +
      "job_max_open_zones=int zone_reset_threshold=float zone_reset_frequency=float",
  },
  {
    meaning: "refused",
    reason: "trim",
    remedy: "remove the trims: a discard moves no data, so no DMA can be predicted for it",
    options: "trim_percentage=percent trim_backlog=int trim_backlog_batch=int",
  },
  {
    meaning: "refused",
    reason: "replay",
    remedy: "describe the load with rw=, bs= and iodepth=, or replay a kernel trace: dmasim replay TRACE",
    options: "read_iolog=str",
  },
  {
    meaning: "refused",
    reason: "profile",
    remedy: "write the jobs of the built-in profile as sections",
    options: "profile=str",
  },
  {
    meaning: "refused",
    reason: "verify",
    remedy: "remove verify_only: a run starts from unwritten media, so there is no earlier data to verify",
    options: "verify_only=set",
  },
];
