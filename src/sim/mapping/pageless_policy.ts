/** `--set pagelessPolicy=...`: the one key of a request that belongs to no machine. */
import { DmasimError } from "../../base/errors.ts";
import type { PagelessPolicy } from "../../host/arch/types.ts";
import type { Override } from "../override.ts";

/** Path of the key. */
export const POLICY_KEY = "pagelessPolicy";

/** The fourth policy, the user's alias, needs virtual addresses that a request does not have. */
const POLICIES: readonly PagelessPolicy[] = ["refuse", "index0", "untouched-line"];

/** The last policy set; `refuse` without one. Throws one DmasimError for an unknown word. */
export function parsePolicy(overrides: readonly Override[]): PagelessPolicy {
  const set = overrides.findLast(({ path }) => path === POLICY_KEY);
  if (set === undefined) return "refuse";
  const policy = POLICIES.find((each) => each === set.value.trim());
  if (policy !== undefined) return policy;
  throw new DmasimError({
    code: "DMASIM_POLICY_UNKNOWN",
    what: "no policy for page-less entries has this name",
    value: set.value,
    limit: `allowed: ${POLICIES.join(", ")}`,
    remedy: "index0 programs coherence index 0, untouched-line the line of a page that nobody uses",
  });
}
