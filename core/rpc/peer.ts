/**
 * One end of a two-way connection: asks over a channel, and answers what the other side asks.
 * Owns the calls it waits for, the calls it is answering and, when it answers, the subscriptions of its peer.
 *
 * P1 When the channel ends, every call that waits is settled, every call at work is aborted, every subscription disposed.
 * P2 Nothing is notified through a call's connection before that call is answered.
 * P3 The other side cannot make this one work on more than `inFlight` texts at a time.
 * P4 A side that reads slowly lets at most `notifying` notifications wait in its socket, however many subscriptions it holds;
 *    the next ones wait for their turn, and with them what they tell of.
 */
import { TroupeError } from '../base/errors.ts'
import { makeTurns } from '../base/turns.ts'
import type { Principal } from './access.ts'
import type { Channel, Piece } from './channel.ts'
import { idOf, isNotification, isResponse, type JSONRPCID } from './envelope.ts'
import type { CallContext, Connection } from './handlers.ts'
import { CANCEL, makeRequestQueue, type RequestQueue, type Requester } from './requester.ts'
import { refusal, type Router } from './router.ts'
import { makeSubscriptions, type Subscriptions } from './subscriptions.ts'

export interface PeerOptions {
  readonly channel: Channel
  /** Answers what the other side asks. */
  readonly router: Router
  /** Who the other side is. */
  readonly principal: Principal
  /** Takes the other side's notifications; the router does when this is absent. */
  readonly onNotification?: (name: string, params: unknown) => void
}

export interface Peer extends Requester {
  readonly closed: AbortSignal
  close(): void
}

interface State {
  readonly options: PeerOptions
  readonly requests: RequestQueue
  readonly subscriptions: Subscriptions
  readonly notifying: ReturnType<typeof makeTurns>
  /** Calls at work for the other side; the id of a batch is undefined. */
  readonly answering: Set<{ readonly id: JSONRPCID | undefined; readonly controller: AbortController }>
}

export function openPeer(options: PeerOptions): Peer {
  const { channel, router } = options
  const requests = makeRequestQueue((text) => channel.send(text))
  const subscriptions = makeSubscriptions(router.limits.subscriptions)
  const notifying = makeTurns(router.limits.notifying)
  const state: State = { options, requests, subscriptions, notifying, answering: new Set() }
  channel.closed.addEventListener('abort', () => end(state), { once: true })
  channel.receive((text) => receive(state, text))
  if (channel.closed.aborted) end(state)
  return { request: requests.request, closed: channel.closed, close: () => channel.close() }
}

/** P1 */
function end({ options, requests, subscriptions, answering }: State): void {
  const reason = endReason(options.channel)
  requests.end(reason)
  subscriptions[Symbol.dispose]()
  for (const { controller } of answering) controller.abort(reason)
}

const endReason = ({ closed }: Channel): TroupeError =>
  closed.reason instanceof TroupeError ? closed.reason : new TroupeError('HOST_UNREACHABLE', 'The connection ended.')

function receive(state: State, text: string): void {
  const { channel, router, onNotification } = state.options
  let value: unknown
  try {
    value = router.parse(text)
  } catch (error) {
    return tell(channel, refusal(null, error))
  }
  if (isAnswer(value)) return state.requests.receive(value)
  if (isNotification(value)) {
    if (value.method === CANCEL) return cancel(state, value.params)
    if (onNotification) return onNotification(value.method, value.params)
  }
  answer(state, value).catch((error: unknown) => router.logger.error({ err: error }, 'an answer failed'))
}

function isAnswer(value: unknown): value is Parameters<RequestQueue['receive']>[0] {
  return Array.isArray(value) ? value.length > 0 && value.every(isResponse) : isResponse(value)
}

/** Answers go out even to a peer that reads slowly; the channel bounds what waits. */
function tell(channel: Channel, text: string): void {
  channel.send(text).catch(() => {})
}

async function answer(state: State, value: unknown): Promise<void> {
  const { channel, router, principal } = state.options
  const id = Array.isArray(value) ? undefined : idOf(value)
  if (state.answering.size >= router.limits.inFlight) return tell(channel, refusal(id ?? null, tooBusy(router))) // P3
  const controller = new AbortController()
  const answered = Promise.withResolvers<void>()
  const { signal } = controller
  const call: CallContext = { principal, signal, connection: connectionFor(state, answered.promise, signal) }
  const entry = { id, controller }
  state.answering.add(entry)
  try {
    const text = await router.answerValue(value, call)
    if (text !== undefined) tell(channel, text)
  } finally {
    state.answering.delete(entry)
    answered.resolve()
  }
}

const tooBusy = ({ limits }: Router): TroupeError =>
  new TroupeError('LIMIT_BATCH', `${limits.inFlight} calls of this connection are at work; wait for some of them.`)

function cancel({ answering }: State, params: unknown): void {
  const id = idOf(params)
  if (id === null) return
  const reason = new TroupeError('ABORTED', 'The caller gave up.')
  for (const entry of answering) if (entry.id === id) entry.controller.abort(reason)
}

/** The connection as one call sees it: silent until the call is answered (P2). */
function connectionFor(state: State, answered: Promise<void>, signal: AbortSignal): Connection {
  const { requests, subscriptions, notifying } = state
  const { channel } = state.options

  async function notifyRaw(name: string, ...jsonParams: readonly Piece[]): Promise<void> {
    await answered
    await notifying(() => channel.send(`{"jsonrpc":"2.0","method":"${name}","params":`, ...jsonParams, '}')) // P4
  }

  /** A caller that has given up will never unsubscribe. */
  function keep(id: string, subscription: Disposable): void {
    if (signal.aborted) subscription[Symbol.dispose]()
    signal.throwIfAborted()
    subscriptions.keep(id, subscription)
  }

  return {
    request: requests.request,
    notifyRaw,
    notify: (name, params) => notifyRaw(name, JSON.stringify(params)),
    closed: channel.closed,
    keep,
    drop: subscriptions.drop,
  }
}
