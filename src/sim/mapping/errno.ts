/** Names of the error numbers that mapping calls return. */

const NAMES: Readonly<Record<number, string>> = {
  5: "EIO",
  6: "ENXIO",
  12: "ENOMEM",
  14: "EFAULT",
  16: "EBUSY",
  19: "ENODEV",
  22: "EINVAL",
  95: "EOPNOTSUPP",
  121: "EREMOTEIO",
};

/** `EIO` for -5; the number itself for one without a name, empty for 0. */
export function errnoName(errno: number): string {
  if (errno === 0) return "";
  return NAMES[Math.abs(errno)] ?? String(Math.abs(errno));
}
