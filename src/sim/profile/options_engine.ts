/** Options that belong to one fio engine; the engine decides whether a job runs, these change nothing that is modelled. */
import type { OptionGroup } from "./option_group.ts";

/** Lists of `name|alias=type`, as {@link OptionGroup} describes them. */
export const ENGINE_OPTIONS: readonly OptionGroup[] = [
  {
    meaning: "ignored",
    reason: "engine",
    options:
      "cmdprio_percentage=percents cmdprio_class=ints cmdprio_hint=ints cmdprio=ints cmdprio_bssplit=str " +
      "fixedbufs=set nonvectored=int force_async=int registerfiles=set sqthread_poll=set sqthread_poll_cpu=int " +
      "cmd_type=str hipri=set hipri_percentage=percent userspace_reap=set nowait=bool uncached=bool md_per_io_size=size " +
      "pi_act=bool pi_chk=str apptag=int apptag_mask=int write_mode=str verify_mode=str readfua=bool writefua=bool " +
      "deac=bool sg_write_mode=str stream_id=int iomem_huge=bool",
  },
  {
    meaning: "ignored",
    reason: "engine",
    options:
      "xnvme_async=str xnvme_sync=str xnvme_admin=str xnvme_dev_nsid=int xnvme_dev_subnqn=str xnvme_mem=str " +
      "xnvme_iovec=int xnvme_be=str libblkio_driver=str libblkio_path=str libblkio_pre_connect_props=str " +
      "libblkio_num_entries=int libblkio_queue_size=int libblkio_pre_start_props=str libblkio_vectored=set " +
      "libblkio_write_zeroes_on_trim=set libblkio_wait_mode=str libblkio_force_enable_completion_eventfd=set " +
      "ns=int trtype=str subnqn=str hostnqn=str shm_id=int mem_size_mb=int mem_mb=int enable_wrr=bool",
  },
  {
    meaning: "ignored",
    reason: "engine",
    options:
      "cpuload=percent cpuchunks=int cpumode=str exit_on_io_done=bool program=str arguments=str grace_time=int " +
      "std_redirect=bool stat_type=str donorname=str inplace=int skip_bad=bool sync_mode=str gpu_dev_ids=str " +
      "cuda_io=str rocm_io=str hip_io=str",
  },
  {
    meaning: "ignored",
    reason: "network",
    options:
      "hostname=str port=int interface=str ttl=int nodelay=bool protocol|proto=str listen=optional pingpong=set " +
      "window_size=size mss=int serverip=str direct_write_to_pmem=bool busy_wait_polling=bool verb=str bindname=str " +
      "uri=str nfs_url=str namenode=str hdfsdirectory=str host=str single_instance=bool hdfs_use_direct=bool " +
      "volume=str brick=str initiator=str",
  },
  {
    meaning: "ignored",
    reason: "network",
    options:
      "clustername=str rbdname=str clientname=str conf=str busy_poll=bool touch_objects=bool pool=str cont=str " +
      "chunk_size=size object_class=str svcl=str http_host=str http_user=str http_pass=str https=str http_mode=str " +
      "http_s3_region=str http_s3_key=str http_s3_keyid=str http_s3_security_token=str http_s3_sse_customer_key=str " +
      "http_s3_sse_customer_algorithm=str http_s3_storage_class=str http_swift_auth_token=str http_verbose=int " +
      "http_object_mode=str http_path_style=bool",
  },
];
