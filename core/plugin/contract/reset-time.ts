/** What services say of used-up quotas. Pure. */

/** How long a service says that it wants to be left alone: `try again in 20s`, `retry in 30.5s`, `reset after 3h25m10s`. */
const LEFT_ALONE = /(?:retry|try again|resets?) (?:in|after) (?:([\d.]+)h)?(?:([\d.]+)m(?!s))?(?:([\d.]+)s)?/i
/** Whatever is longer is no quota's. */
const LONGEST_MS = 366 * 86_400_000

/**
 * When a quota is full again, by the words of a service.
 * @param now Milliseconds since 1970.
 * @returns ISO 8601; undefined when the words do not say it.
 */
export function toResetTime(words: string, now: number): string | undefined {
  const [, hours = 0, minutes = 0, seconds = 0] = LEFT_ALONE.exec(words) ?? []
  const ms = 1000 * (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds))
  return ms > 0 && ms < LONGEST_MS ? new Date(now + ms).toISOString() : undefined
}
