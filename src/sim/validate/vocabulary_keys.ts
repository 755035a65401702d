/**
 * The keys of the measurement vocabulary (data/VOCABULARY.md), with the type of each and the words or range it may have.
 * Names (`platform`, `device`, ...) are open: a machine that is not known by name is built from its parts.
 */

/** What values a key may have. */
export type KeyKind =
  | { readonly kind: "name" }
  | { readonly kind: "switch" }
  | { readonly kind: "word"; readonly words: readonly string[] }
  | { readonly kind: "number"; readonly min: number; readonly max: number; readonly whole: boolean };

const NAME: KeyKind = { kind: "name" };
const SWITCH: KeyKind = { kind: "switch" };

function oneOf(words: string): KeyKind {
  return { kind: "word", words: words.split(" ") };
}

function whole(min: number, max: number): KeyKind {
  return { kind: "number", min, max, whole: true };
}

function number(min: number, max: number): KeyKind {
  return { kind: "number", min, max, whole: false };
}

/** Keys of `system`. */
export const SYSTEM_KEYS: Readonly<Record<string, KeyKind>> = {
  platform: NAME,
  arch: oneOf("arm arm64 riscv64 x86_64"),
  cpu: NAME,
  uarch: NAME,
  cpu_mhz: whole(1, 10000),
  sockets: whole(1, 16),
  cores_per_socket: whole(1, 512),
  cores: whole(1, 4096),
  llc_mib: number(0, 4096),
  ddio: SWITCH,
  prefetch: SWITCH,
  coherent: SWITCH,
  numa: oneOf("local remote"),
  dram_type: oneOf("ddr4 ddr5 lpddr3 lpddr4 lpddr5"),
  dram_channels: whole(1, 64),
  dram_mts: whole(1, 20000),
  dram_clock_mhz: whole(1, 10000),
  dram_dimms: whole(1, 64),
  dram_dimm_gb: whole(1, 1024),
  dram_peak_bytes_per_s: number(0, 1e13),
  pmem_media: oneOf("optane_100 optane_200"),
  pmem_mode: oneOf("app_direct memory"),
  pmem_dimms: whole(1, 16),
  pmem_dimms_per_socket: whole(1, 16),
  pmem_dimm_gb: whole(1, 1024),
  pcie_gen: whole(1, 7),
  lanes: whole(1, 32),
  slot_lanes: whole(1, 32),
  link_bytes_per_s: number(0, 1e13),
  pcie_role: oneOf("endpoint root"),
  mps_bytes: whole(128, 4096),
  mrrs_bytes: whole(128, 4096),
  rcb_bytes: whole(64, 128),
  completion_chunk: oneOf("mps rcb"),
  ext_tags: SWITCH,
  addr_bits: whole(32, 64),
  ecrc: SWITCH,
  switch: NAME,
  fabric: oneOf("infinity_fabric nvlink pcie"),
  device: NAME,
  device_mhz: whole(1, 10000),
  device_count: whole(1, 64),
  devices_per_root_port: whole(1, 64),
  nic_gbit_per_s: number(0, 1600),
  peer: NAME,
  peer_count: whole(1, 64),
  peer_pcie_gen: whole(1, 7),
  peer_lanes: whole(1, 32),
  p2p_available: SWITCH,
  resizable_bar: SWITCH,
  engine: NAME,
  iommu_kind: oneOf("amdvi none smmuv3 virtio vtd"),
  superpages: SWITCH,
  iommu_nested: SWITCH,
  host_iommu_mode: oneOf("lazy passthrough strict"),
  virt: oneOf("bare confidential_vm host_of_nested_vm nested_vm vm"),
  vm_tech: NAME,
  vcpus: whole(1, 1024),
  vm_mem_gib: whole(1, 16384),
  swiotlb_force: SWITCH,
  bounce_encrypted: SWITCH,
  kernel: NAME,
};

/** Keys of `workload`. */
export const WORKLOAD_KEYS: Readonly<Record<string, KeyKind>> = {
  initiator: oneOf("app cpu device driver"),
  op: oneOf(
    "bounce copy forward invalidate loopback map map_unmap pin read read_or_write read_write receive sync translate transmit unmap write write_read",
  ),
  direction: oneOf("bidirectional from_device to_device"),
  path: oneOf("bounce cpu_memory cpu_mmio direct iommu local p2p p2p_host_bridge staged"),
  layer: oneOf("application payload raw tlp"),
  aggregate: oneOf("mean_of_devices per_channel per_device per_direction sum"),
  media: oneOf("bar dram pmem vram"),
  access_bytes: whole(1, 1e12),
  access_bytes_min: whole(1, 1e12),
  access_bytes_max: whole(1, 1e12),
  size_class: oneOf("random small"),
  pattern: oneOf("random sequential"),
  window_bytes: whole(1, 1e13),
  cache: oneOf("cold warm"),
  outstanding: whole(1, 65536),
  issue: oneOf("pipelined serial"),
  threads: whole(1, 4096),
  threads_policy: oneOf("best"),
  cores: whole(1, 4096),
  cores_min: whole(1, 4096),
  cores_max: whole(1, 4096),
  cores_per_direction: whole(1, 4096),
  flows: whole(1, 65536),
  flows_per_core: whole(1, 1024),
  jobs: whole(1, 1024),
  iodepth: whole(1, 65536),
  submit_batch: whole(1, 65536),
  batch: whole(1, 65536),
  descriptors: whole(1, 65536),
  ring_entries: whole(1, 65536),
  descriptor_pages: whole(1, 65536),
  devices_active: whole(1, 64),
  peers_active: whole(1, 64),
  channels: whole(1, 64),
  channel: whole(0, 63),
  burst: oneOf("full short"),
  burst_bytes: whole(1, 4096),
  alignment_bytes: whole(1, 4096),
  engine_clock_mhz: whole(1, 10000),
  copy_by: oneOf("copy_engine sm"),
  iommu_mode: oneOf("lazy off other passthrough static strict"),
  mapping_page_bytes: whole(4096, 1073741824),
  host_page_bytes: whole(4096, 1073741824),
  map_form: oneOf("per_page range"),
  unmap_form: oneOf("per_page range"),
  invalidation: oneOf("per_descriptor per_page per_range"),
  flush_entries: whole(1, 65536),
  flush_ms: number(0, 10000),
  iova_allocator: oneOf("magazine tree"),
  command_queues: whole(1, 1024),
  cmdq_lock: oneOf("cmpxchg_loop improved"),
  queue_state: oneOf("empty loaded"),
  queue_numa: oneOf("local remote"),
  sync_poll: oneOf("msi sev"),
  step: oneOf(
    "cmdq_issue iio_to_mc lfb_to_cha lfb_to_dram page_table_update submit_and_wait sync_wait tlb_sync vm_translate vm_trap_write whole",
  ),
  structure: oneOf(
    "cha_device_reads dram_bank dram_channel dram_row iio_write_buffer iotlb line_fill_buffers ptcache_l1 ptcache_l2 ptcache_l3 walk",
  ),
  nents: whole(1, 65536),
  entry_bytes: whole(1, 1e9),
  barriers: oneOf("per_entry per_list"),
  swiotlb_locks: oneOf("areas single"),
  swiotlb_pool: oneOf("default restricted"),
  store: oneOf("clflushopt clwb nt store wc"),
  store_bytes: whole(1, 64),
  fence: SWITCH,
  socket: oneOf("local remote"),
  mix_read_percent: number(0, 100),
  delay_cycles: whole(0, 1e6),
  load_bytes_per_s: number(0, 1e13),
  namespace: oneOf("fsdax raw"),
  bar_mapping: oneOf("outbound_window uc wc"),
  topology: oneOf("cross_socket different_root_ports same_device same_socket same_switch same_uplink"),
  pair: oneOf("0->1 1->0 ep->rc rc->ep"),
  relaxed_ordering: SWITCH,
  background: oneOf("core_reads device_writes memory_load opposite_dma"),
  wakeup: oneOf("submitting_core wrong_core"),
  app: oneOf(
    "allocate_and_copy dd dma_map_benchmark dmatest fio gdsio iperf kv_restore model_load netperf network nginx nvme qperf redis spdk_tcp",
  ),
  driver: oneOf("dm_writecache ntb_netdev nvme rdma user_space vduse vfio"),
  transport: oneOf("dctcp tcp udp"),
  mtu_bytes: whole(64, 65536),
  api: oneOf("cuda hip io_uring opencl"),
  os: oneOf("linux windows"),
  baseline: oneOf(
    "barriers_per_entry copy_twice_on_unmap hardware iommu_off iommu_strict map_unmap_per_io no_background no_confidential_computing plain_vm random_pattern slots_in_order",
  ),
  variant: oneOf(
    "after before chained_batches copy_once_on_unmap fast_and_safe hugepage_buffers iova_retry_from_last_node lifo_slots model_l0 model_lm no_bounce_packet_reassembly pooled_bounce split_lock_bitmap_lifo two_pass_half_line",
  ),
};
