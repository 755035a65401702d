/** Kernel generation whose behaviour a machine has; switched as a set (mixing gives results no kernel ever had). */
export type Era = "4.1" | "6.1" | "6.12" | "7.x";

/** `shipped` reproduces known kernel defects, `corrected` does not. */
export type Defects = "shipped" | "corrected";
