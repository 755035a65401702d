/** fio options that a job honours, in full or in the part that a DMA path can see. */
import type { OptionGroup } from "./option_group.ts";

/** Lists of `name|alias=type`, as {@link OptionGroup} describes them. */
export const HONOURED_OPTIONS: readonly OptionGroup[] = [
  {
    meaning: "honoured",
    reason: "job",
    options: "name=str description=str kb_base=int numjobs=int loops=int group_reporting=set",
  },
  {
    meaning: "honoured",
    reason: "order",
    options: "stonewall|wait_for_previous=set wait_for=str startdelay=timerange",
  },
  {
    meaning: "honoured",
    reason: "end",
    options: "runtime|timeout=time time_based=set ramp_time=time number_ios=int",
  },
  {
    meaning: "honoured",
    reason: "target",
    options: "filename=str directory=str filename_format=str nrfiles|nr_files=int filesize=sizerange",
  },
  {
    meaning: "honoured",
    reason: "extent",
    options: "size=sizepercent io_size|io_limit=sizepercent offset|fileoffset=sizepercent offset_increment=sizepercent",
  },
  {
    meaning: "honoured",
    reason: "pattern",
    options:
      "rw|readwrite=str rwmixread=percent rwmixwrite=percent bs|blocksize=sizes blockalign|ba=sizes " +
      "bsrange|blocksize_range=sizeranges bssplit=bssplit bs_is_seq_rand=bool",
  },
  {
    meaning: "honoured",
    reason: "random",
    options:
      "random_distribution=distribution percentage_random=percents norandommap=set randrepeat=bool " +
      "allrandrepeat=bool randseed=int",
  },
  {
    meaning: "honoured",
    reason: "engine",
    options:
      "ioengine=str iodepth=int iodepth_batch|iodepth_batch_submit=int io_submit_mode=str direct=bool " +
      "buffered=bool atomic=bool",
  },
  {
    meaning: "honoured",
    reason: "buffer",
    options: "mem|iomem=str iomem_align|mem_align=size hugepage-size=size",
  },
  {
    meaning: "honoured",
    reason: "pace",
    options:
      "rate=sizes rate_min|ratemin=sizes rate_iops=ints rate_process=str thinktime=time thinktime_blocks=int " +
      "latency_target=time latency_window=time latency_percentile=float",
  },
  {
    meaning: "honoured",
    reason: "verify",
    options: "verify=str do_verify=bool verify_pattern=str",
  },
];
