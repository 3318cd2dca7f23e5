/** Every wait has a bound or an abort signal; these are the waits. */
import { TroupeError } from './errors.ts'

/** @throws TroupeError ABORTED when the signal aborts. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(aborted(signal))
    const onAbort = () => {
      clearTimeout(timer)
      reject(aborted(signal))
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** Settles as `work` does, or rejects with TIMEOUT after `ms`; `what` names it in the error. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const bound = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TroupeError('TIMEOUT', `${what} did not finish within ${ms} ms.`)), ms)
  })
  try {
    return await Promise.race([work, bound])
  } finally {
    clearTimeout(timer)
  }
}

const aborted = (signal: AbortSignal | undefined): TroupeError =>
  signal?.reason instanceof TroupeError ? signal.reason : new TroupeError('ABORTED', 'The wait was given up.')
