// The worker under test, which whoever runs these scripts has started.
import { webcrypto } from "node:crypto";
import { setTimeout } from "node:timers/promises";

// Some clients seek it here, where Node.js 18 does not have it.
globalThis.crypto ??= webcrypto;

export const baseURL = process.env.RBEE_BASE_URL;

export async function untilIdle() {
  const slots = new URL("/v1/slots", baseURL);
  // Against hanging only.
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    const now = await (await fetch(slots)).json();
    if (!now.some((slot) => slot.is_processing)) return;
    await setTimeout(10);
  }
  throw new Error("slots are still in use");
}
