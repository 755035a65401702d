/** fio options that are known and change nothing that is modelled; the reason word says which part of the world they belong to. */
import type { OptionGroup } from "./option_group.ts";

/** Lists of `name|alias=type`, as {@link OptionGroup} describes them. */
export const IGNORED_OPTIONS: readonly OptionGroup[] = [
  {
    meaning: "ignored",
    reason: "host",
    options:
      "thread|threads=set nice=int prio=int prioclass=int priohint=int cpumask=int cpus_allowed=str cpus_allowed_policy=str " +
      "numa_cpu_nodes=str numa_mem_policy=str gpu_dev_id=int cgroup=str cgroup_nodelete=bool cgroup_weight=int " +
      "uid=int gid=int lockmem=size clocksource=str gtod_cpu=int gtod_reduce=bool exec_prerun=str exec_postrun=str " +
      "ioscheduler=str exitall=set exit_what=str exitall_on_error=set continue_on_error=str ignore_error=str " +
      "error_dump=bool job_start_clock_id=int sprandom=bool spr_num_regions=int spr_op=float spr_cs=size",
  },
  {
    meaning: "ignored",
    reason: "report",
    options:
      "new_group=set stats=bool unit_base=int clat_percentiles=bool lat_percentiles=bool slat_percentiles=bool " +
      "percentile_list=float significant_figures=int disk_util=bool disable_lat=bool disable_clat=bool " +
      "disable_slat=bool disable_bw_measurement|disable_bw=bool unified_rw_reporting=str block_error_percentiles=bool",
  },
  {
    meaning: "ignored",
    reason: "log",
    options:
      "per_job_logs=bool write_bw_log=optional write_lat_log=optional write_iops_log=optional write_hist_log=optional " +
      "log_entries=int log_avg_msec=int log_hist_msec=int log_hist_coarseness=int log_max_value=bool " +
      "log_window_value=str log_offset=bool log_prio=bool log_issue_time=bool log_compression=size " +
      "log_compression_cpus=str log_store_compressed=bool log_unix_epoch=bool log_alternate_epoch=bool " +
      "log_alternate_epoch_clock_id=int bwavgtime=int iopsavgtime=int write_iolog=str",
  },
  {
    meaning: "ignored",
    reason: "replay",
    options:
      "read_iolog_chunked=bool replay_no_stall=bool replay_redirect=str replay_scale=int replay_align=size " +
      "replay_time_scale=int replay_skip=str merge_blktrace_file=str merge_blktrace_scalars=float " +
      "merge_blktrace_iters=float",
  },
  {
    meaning: "ignored",
    reason: "file",
    options:
      "unique_filename=bool lockfile=str opendir=str openfiles=int file_service_type=str fallocate=str " +
      "fadvise_hint=str fadvise_stream=int overwrite=bool create_serialize=bool create_fsync=bool create_on_open=bool " +
      "create_only=bool allow_file_create=bool allow_mounted_write=bool pre_read=bool unlink=bool " +
      "unlink_each_loop=bool fill_device|fill_fs=bool file_append=bool invalidate=bool",
  },
  {
    meaning: "ignored",
    reason: "flush",
    options:
      "fsync=int fdatasync=int write_barrier=int sync_file_range=str sync=str end_fsync=bool fsync_on_close=bool " +
      "end_syncfs=bool",
  },
  {
    meaning: "ignored",
    reason: "content",
    options:
      "zero_buffers=set refill_buffers=set scramble_buffers=bool buffer_pattern=str buffer_compress_percentage=percent " +
      "buffer_compress_chunk=size dedupe_percentage=percent dedupe_global=bool dedupe_mode=str " +
      "dedupe_working_set_percentage=percent",
  },
  {
    meaning: "ignored",
    reason: "verify",
    options:
      "verifysort=bool verifysort_nr=int verify_interval=size verify_offset=size verify_fatal=bool verify_dump=bool " +
      "verify_async=int verify_backlog=int verify_backlog_batch=int verify_async_cpus=str experimental_verify=bool " +
      "verify_state_load=bool verify_state_save=bool verify_write_sequence=bool verify_header_seed=bool " +
      "verify_pattern_interval=bool trim_verify_zero=bool",
  },
  {
    meaning: "ignored",
    reason: "placement",
    options:
      "fdp=bool fdp_pli=str fdp_pli_select=str plid_select=str plids=str dataplacement=str dp_scheme=str " +
      "write_hint=str read_beyond_wp=bool ignore_zone_limits=bool recover_zbd_write_error=bool",
  },
  {
    meaning: "ignored",
    reason: "generator",
    options:
      "random_generator=str softrandommap=bool random_sequence_stride=bool percentage_sequential=percent rwmixcycle=int",
  },
  {
    meaning: "ignored",
    reason: "unmodelled",
    options:
      "rw_sequencer=str bs_unaligned|blocksize_unaligned=set offset_align=size serialize_overlap=bool " +
      "iodepth_batch_complete_min|iodepth_batch_complete=int iodepth_batch_complete_max=int iodepth_low=int " +
      "iodepth_mode=str iodepth_step=str thinktime_spin=time thinktime_blocks_type=str thinktime_iotime=time " +
      "rate_iops_min=ints rate_cycle|ratecycle=int rate_ignore_thinktime=bool ramp_size=size max_latency=times latency_run=bool " +
      "flow_id=int flow=int flow_watermark=int flow_sleep=int steadystate|ss=str steadystate_duration|ss_dur=time " +
      "steadystate_ramp_time|ss_ramp=time steadystate_check_interval|ss_interval=time num_range=int",
  },
];
