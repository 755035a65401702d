/** What a request means when it does not say. */

/** Machine of a request that names none. */
export const DEFAULT_MAP_MACHINE = "intel-vtd-2s";
/** Direction of a request that names none: the device writes memory, as for a read. */
export const DEFAULT_MAP_DIR = "FROM";
