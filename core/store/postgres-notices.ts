/**
 * What the servers on one database tell each other, by LISTEN and NOTIFY. The tables are the truth; this only says when
 * to read them.
 *
 * Owns the connection that listens, made when the first listener comes, and its reconnecting.
 * - N1 A text reaches the other stores of the database after the commit of the transaction that announced it.
 * - N2 Texts are lost while there is no connection: each listener is called without one as soon as there is one again.
 * - N3 A store does not hear itself.
 */
import { Client, type ClientOptions } from 'pg'
import { backoffMs } from '../base/backoff.ts'
import { newId } from '../base/ids.ts'
import type { Logger } from '../base/logger.ts'
import { sleep, within } from '../base/waiting.ts'
import type { Topic, Tx } from './tx.ts'

const CHANNEL = 'troupe'
const RETRY = { firstMs: 100, maxMs: 10_000 }
/** A connection that is lost without a word is noticed after this and the bound. */
const CHECK_MS = 20_000
const STATEMENT_BOUND_MS = 10_000

type Listener = (text: string | undefined) => void

export interface PostgresNotices extends AsyncDisposable {
  announce(tx: Pick<Tx, 'all'>, topic: Topic, text: string): Promise<void>
  listen(topic: Topic, listener: Listener): Disposable
}

export function makePostgresNotices(options: ClientOptions, logger: Logger): PostgresNotices {
  const origin = newId()
  const listeners = new Set<{ readonly topic: Topic; readonly call: Listener }>()
  const stopping = new AbortController()
  let listening: Promise<void> | undefined

  function deliver(payload = ''): void {
    const [from, topic, ...text] = payload.split(' ')
    if (from === origin) return // N3
    for (const listener of listeners) if (listener.topic === topic) listener.call(text.join(' '))
  }

  /** Settles when the connection is lost or no longer wanted. */
  async function listenOnce(): Promise<void> {
    const lost = new AbortController()
    const client = new Client(options)
    client.on('error', () => lost.abort())
    client.on('end', () => lost.abort())
    client.on('notification', ({ payload }) => deliver(payload))
    try {
      await client.connect()
      await client.query(`listen ${CHANNEL}`)
      for (const listener of listeners) listener.call(undefined) // N2
      await untilLost(client, AbortSignal.any([lost.signal, stopping.signal]))
    } finally {
      await within(STATEMENT_BOUND_MS, 'Closing a connection', client.end()).catch(() => {})
    }
  }

  async function listenAgainAndAgain(): Promise<void> {
    for (let attempt = 0; !stopping.signal.aborted; attempt += 1) {
      const since = performance.now()
      await listenOnce().catch((error: unknown) =>
        logger.warn({ err: error }, 'The connection that listens to other servers failed; it is made again.'),
      )
      if (performance.now() - since > CHECK_MS) attempt = 0
      await sleep(backoffMs(RETRY, attempt), stopping.signal).catch(() => {})
    }
  }

  return {
    async announce(tx, topic, text) {
      await tx.all('select pg_notify(?, ?)', [CHANNEL, `${origin} ${topic} ${text}`])
    },
    listen(topic, call) {
      const listener = { topic, call }
      listeners.add(listener)
      listening ??= listenAgainAndAgain()
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await listening
    },
  }
}

async function untilLost(client: Client, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(CHECK_MS, signal).catch(() => {})
    if (!signal.aborted) await within(STATEMENT_BOUND_MS, 'A statement', client.query('select 1'))
  }
}
