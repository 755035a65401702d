import { describe, expect, it } from "vitest";
import { failureOf, MAP_FAILURES, MAP_OK } from "#dmasim/host/status.js";

const EPERM = -1;
const EIO = -5;
const ENXIO = -6;
const ENOMEM = -12;
const EFAULT = -14;
const EBUSY = -16;
const ENODEV = -19;
const EINVAL = -22;
const EOPNOTSUPP = -95;
const EREMOTEIO = -121;

/** [errno, a later call may succeed], in the order of the codes. */
const EXPECTED: Readonly<Record<keyof typeof MAP_FAILURES, readonly [number, boolean]>> = {
  invalid: [EINVAL, false],
  noIova: [ENOMEM, true],
  noTable: [ENOMEM, true],
  poolFull: [EIO, true],
  tooLarge: [EIO, false],
  maskOverflow: [EIO, false],
  peerUnsupported: [EREMOTEIO, false],
  noBacking: [ENOMEM, false],
  noPage: [EINVAL, false],
  noScatterlist: [ENOMEM, true],
  unalignedLink: [EIO, false],
  bounceForbidden: [EPERM, false],
  notSupported: [EOPNOTSUPP, false],
  peerGone: [ENODEV, false],
  noPeerOp: [EOPNOTSUPP, false],
  privatePage: [EFAULT, false],
  windowBusy: [EBUSY, true],
  windowRange: [EINVAL, false],
  windowAperture: [ENXIO, false],
  windowBar32: [ENXIO, false],
  windowBridge: [ENXIO, false],
  windowClient: [EIO, false],
  longtermFile: [EOPNOTSUPP, false],
  notPinnable: [EFAULT, false],
};

describe("failures of mapping calls", () => {
  it("have the kernel's errno, and say whether it is worth to try again", () => {
    const found = Object.entries(MAP_FAILURES).map(([key, { errno, mayRetry }]) => [key, [errno, mayRetry]]);
    expect(Object.fromEntries(found)).toEqual(EXPECTED);
  });

  it("have codes from 1 on, which name them", () => {
    const all = Object.values(MAP_FAILURES);
    expect(all.map(({ code }) => code)).toEqual(all.map((_, i) => i + 1));
    expect(all.map(({ code }) => failureOf(code))).toEqual(all);
    expect([failureOf(MAP_OK), failureOf(all.length + 1)]).toEqual([undefined, undefined]);
  });
});
