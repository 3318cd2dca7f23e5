/**
 * Owns how what is said reaches Codex.
 * P1 Nothing is written before the conversation is open.
 * P2 Codex would hear twice what is written twice. So a continued session first sends an echo: what was written before the crash is
 *    accepted when that comes back, and only the rest is written again.
 */
import type { Connection } from 'troupe/plugin'
import { type Opened, READ_INSTRUCTIONS, toTurnSettings } from './modes.ts'
import { echoLine, sayLine } from './protocol.ts'
import type { Said, Sayings } from './sayings.ts'

type Echo = { readonly kind: 'due' } | { readonly kind: 'sent'; readonly id: string } | { readonly kind: 'heard' }

export class Speech {
  readonly #connection: Connection
  readonly #sayings: Sayings
  #echo: Echo
  #opened: Opened | undefined

  constructor(connection: Connection, sayings: Sayings) {
    this.#connection = connection
    this.#sayings = sayings
    // Something may have been written before a crash.
    this.#echo = { kind: connection.session.checkpoint === undefined ? 'heard' : 'due' }
  }

  open(opened: Opened): void {
    this.#opened = opened
    this.#sayAll(opened)
  }

  say(said: Said): void {
    if (!this.#opened) return // P1
    if (this.#echo.kind === 'heard') void this.#connection.write(this.#toLine(said, this.#opened))
    else this.#sayAll(this.#opened)
  }

  /** Echoes of hosts that died come back too. */
  hearEcho(id: string): void {
    if (this.#echo.kind !== 'sent' || this.#echo.id !== id || !this.#opened) return
    this.#echo = { kind: 'heard' }
    this.#sayAll(this.#opened)
  }

  #sayAll(opened: Opened): void {
    const sayings = this.#sayings.sent()
    if (sayings.length === 0) return
    if (this.#echo.kind === 'due') this.#sendEcho(opened)
    if (this.#echo.kind !== 'heard') return // P2
    for (const said of sayings) void this.#connection.write(this.#toLine(said, opened))
  }

  #sendEcho({ threadId }: Opened): void {
    const id = crypto.randomUUID()
    this.#echo = { kind: 'sent', id }
    void this.#connection.write(echoLine(threadId, id))
  }

  #toLine({ id, text, mode }: Said, opened: Opened): string {
    const settings = { ...(text === undefined && READ_INSTRUCTIONS), ...(mode && toTurnSettings(mode, opened)) }
    return sayLine(opened.threadId, { id, text: text ?? this.#connection.session.prompt, settings })
  }
}
