/** One thing that `troupe doctor` looked at. */
import { toEnvelope } from '../../../core/base/errors.ts'

export interface Check {
  readonly name: string
  /** `fail`: Troupe cannot work like this. `warn`: something will not. */
  readonly state: 'ok' | 'warn' | 'fail'
  readonly detail: string
  /** What to do. */
  readonly advice?: string
}

export const ok = (name: string, detail: string): Check => ({ name, state: 'ok', detail })
export const warn = (name: string, detail: string, advice?: string): Check => ({
  name,
  state: 'warn',
  detail,
  ...(advice && { advice }),
})
export const bad = (name: string, detail: string, advice?: string): Check => ({
  name,
  state: 'fail',
  detail,
  ...(advice && { advice }),
})

/** A check that throws has failed, with the error's own words, which say what to do. */
export async function attempt(name: string, work: () => Promise<Check[]> | Check[]): Promise<Check[]> {
  try {
    return await work()
  } catch (error) {
    const { code, message } = toEnvelope(error)
    return [bad(name, `${message} [${code}]`)]
  }
}
