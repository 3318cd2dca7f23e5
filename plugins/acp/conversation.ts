/**
 * Owns what is said to one running agent that speaks ACP: the steps from the greeting to the last turn.
 * C1 One request of ours is under way at a time (see calls.ts).
 * C2 What people say while a turn runs is passed on when it ends, as the protocol wants it; the last turn is the one after which
 *    nothing waits.
 * C3 What the agent asks is always answered, at least with the word that nobody did.
 */
import {
  type Connection,
  type Conversation,
  type FollowUp,
  type ProgramNames,
  type Requests,
  type RunEnd,
  asNumber,
  asObject,
  asString,
  raw,
} from 'troupe/plugin'
import { Calls } from './calls.ts'
import { type Speaker, toEnd, toFailedSetup, toFailedTurn } from './failure.ts'
import { type AgentRequest, type Answered, type Memory, beginning } from './memory.ts'
import { toolIdOf } from './permission.ts'
import { type AcpProfile, firstPrompt, isQuestion, translate, usageOf } from './profile.ts'
import { type Incoming, type Reply, readLine, refusalLine, requestLine, resultLine } from './protocol.ts'
import { makeRequests, nobodyAnswered, requestKind } from './questions.ts'
import { type Step, afterAnswer, greeting } from './setup.ts'
import { type Heard, endTurn, hearPermission, hearUpdate, refuseTool, withoutCost, withoutEcho } from './transcript.ts'

/** How long a cancelled turn may take to end; the host's own patience is a few seconds. */
const CANCEL_MS = 3000
const CLOSE_MS = 2000
/** How long nothing of the past may be heard until it is over. */
const PAST_MS = 500
const CLOSE_ID = 'troupe-close'

export interface AcpParts {
  readonly profile: AcpProfile
  readonly names: ProgramNames
}

export class AcpConversation implements Conversation<Memory> {
  readonly #connection: Connection
  readonly #profile: AcpProfile
  readonly #calls: Calls
  readonly #requests: Requests<AgentRequest>
  #told: Omit<Memory, 'calls' | 'owed'>

  constructor(connection: Connection, { profile, names }: AcpParts, memory: Memory = beginning) {
    const { calls, owed, ...told } = memory
    const { session } = connection
    this.#connection = connection
    this.#profile = profile
    this.#told = told
    this.#calls = new Calls(connection, names, calls)
    this.#requests = makeRequests(connection, {
      policy: () => ({
        ...session,
        ownEdits: this.#told.ownEdits,
        isQuestion: (toolCall) => isQuestion(profile, session, toolCall),
      }),
      agentName: () => this.#speaker.name,
      toolName: (params) => this.#told.transcript.tools.find(({ id }) => id === toolIdOf(params))?.name,
      refused: (params, wish) => this.#noteRefusal(toolIdOf(params) ?? '', wish),
      saved: owed,
    })
  }

  save(): Memory {
    return { ...this.#told, calls: this.#calls.save(), owed: this.#requests.save() }
  }

  begin(): void {
    const { stage } = this.#told
    this.#requests.resume()
    if (stage.kind === 'opening' && stage.answered) this.#awaitPast(stage.answered)
    else if (this.#calls.save().made === 0) this.#proceed(greeting())
    else this.#calls.resume()
  }

  hear(text: string): void {
    const line = readLine(text)
    if (line?.kind === 'notification') this.#hearNotification(line, text)
    else if (line?.kind === 'request') this.#hearRequest(line, text)
    else if (line) this.#hearReply(line)
    else this.#keep(text)
  }

  #hearNotification({ method, params }: Extract<Incoming, { kind: 'notification' }>, text: string): void {
    if (method === '$/cancel_request')
      return this.#withdraw(String(asString(params['requestId']) ?? asNumber(params['requestId'])))
    const update = asObject(params['update'])
    if (method !== 'session/update' || !update) return this.#keep(text)
    const { stage } = this.#told
    if (stage.kind === 'opening') return stage.answered && this.#awaitPast(stage.answered)
    if (stage.kind === 'turn') this.#calls.arrive()
    const translated = translate(this.#profile, update)
    if (translated) this.#say(hearUpdate(this.#told.transcript, translated))
  }

  #hearRequest({ id, method, params: said }: Extract<Incoming, { kind: 'request' }>, text: string): void {
    const kind = requestKind(method)
    if (!kind) {
      this.#keep(text)
      return void this.#connection.write(refusalLine(id, method))
    }
    this.#calls.arrive()
    const toolCall = translate(this.#profile, asObject(said['toolCall']) ?? {}) ?? {}
    if (kind === 'permission') this.#say(hearPermission(this.#told.transcript, toolCall))
    void this.#requests.take({ id, kind, params: kind === 'permission' ? { ...said, toolCall } : said })
  }

  #hearReply(reply: Reply): void {
    if (reply.id === CLOSE_ID) return this.#connection.stopAfter(0)
    const request = this.#calls.settle(reply)
    if (!request || !(this.#connection.isOpen || this.#connection.isStopping)) return
    const { method } = request
    if (this.#told.stage.kind === 'turn') return this.#endTurn(reply)
    if (reply.kind === 'failure') return this.#connection.end(toFailedSetup(method, reply.failure, this.#speaker))
    const answered = { method, result: reply.result }
    if (this.#profile.pastComesLate === true && method === 'session/load') this.#awaitPast(answered)
    else this.#take(answered)
  }

  #awaitPast(answered: Answered): void {
    this.#told = { ...this.#told, stage: { kind: 'opening', answered } }
    this.#connection.within(PAST_MS, () => this.#take(answered))
  }

  #take(answered: Answered): void {
    const context = { session: this.#connection.session, profile: this.#profile, speaker: this.#speaker }
    const { learned, start, next } = afterAnswer(this.#told, answered, context)
    this.#told = { ...this.#told, ...learned }
    if (start) this.#connection.say({ kind: 'message', message: start })
    this.#proceed(next)
  }

  #proceed(next: Step['next']): void {
    if (next.kind === 'prompt') return this.#prompt(firstPrompt(this.#profile, this.#connection.session))
    if (next.kind === 'end') return this.#connection.end(next.end)
    this.#told = { ...this.#told, stage: next.stage }
    this.#calls.make(next.method, next.params) // C1
  }

  #prompt(texts: readonly string[]): void {
    const prompt = texts.map((text) => ({ type: 'text', text: text.toWellFormed() }))
    this.#told = { ...this.#told, stage: { kind: 'turn' } }
    this.#calls.make('session/prompt', { sessionId: this.#told.agentSessionId ?? '', prompt }) // C1
  }

  #endTurn(reply: Reply): void {
    const { transcript: said, queue } = this.#told
    if (reply.kind === 'result') this.#say(endTurn(said, usageOf(this.#profile, reply.result)))
    else this.#say(endTurn(withoutEcho(said, reply.failure.message), undefined))
    const end = this.#toEnd(reply)
    if (this.#connection.isStopping) return this.#connection.stopAfter(0)
    if (queue.length === 0) return this.#connection.end(end)
    this.#connection.passOver(end)
    const { lastText: _, ...transcript } = this.#told.transcript
    this.#told = { ...this.#told, queue: [], transcript }
    this.#prompt(queue) // C2
  }

  #toEnd(reply: Reply): RunEnd {
    if (reply.kind === 'failure') return toFailedTurn(reply.failure, this.#speaker, Date.now())
    const { lastText, usage } = this.#told.transcript
    const used = usage.inputTokens + usage.outputTokens > 0 ? usage : undefined
    return toEnd(reply.result, this.#speaker, { summary: lastText, usage: used })
  }

  follow({ content }: FollowUp): void {
    this.#told = { ...this.#told, queue: [...this.#told.queue, content] }
  }

  #noteRefusal(toolId: string, wish: string | undefined): void {
    const transcript = refuseTool(this.#told.transcript, toolId)
    const queue = wish === undefined ? this.#told.queue : [...this.#told.queue, wish]
    this.#told = { ...this.#told, transcript, queue }
  }

  /** First the turn, so that its last words are stored, then the program. */
  stop(): void {
    if (this.#told.stage.kind !== 'turn') return this.#connection.stopAfter(0)
    this.#calls.cancelTurn()
    this.#connection.stopAfter(CANCEL_MS)
  }

  quit(): void {
    const { introduction, agentSessionId: sessionId } = this.#told
    if (introduction?.canClose !== true || sessionId === undefined) return this.#connection.stopAfter(0)
    this.#connection.stopAfter(CLOSE_MS)
    void this.#connection.write(requestLine({ id: CLOSE_ID, method: 'session/close', params: { sessionId } }))
  }

  withdraw(): void {
    for (const { id } of this.#requests.save()) this.#withdraw(String(id))
  }

  #withdraw(key: string): void {
    const request = this.#requests.withdraw(key)
    if (request) void this.#connection.write(resultLine(request.id, nobodyAnswered(request))) // C3
  }

  finish(): undefined {
    this.#say(endTurn(this.#told.transcript, undefined))
  }

  unheard(): readonly string[] {
    return this.#told.queue
  }

  #say({ transcript, spoken }: Heard): void {
    const { resume } = this.#connection.session
    this.#told = { ...this.#told, transcript: resume ? withoutCost(transcript) : transcript }
    for (const one of spoken) this.#connection.say(one)
  }

  /** What has no place among the messages. */
  #keep(text: string): void {
    for (const one of raw(text)) this.#connection.say(one)
  }

  get #speaker(): Speaker {
    const { name, signIn } = this.#profile
    const { introduction } = this.#told
    const version = introduction?.version
    return { name: introduction?.name ?? name, signIn, ...(version !== undefined && { version }) }
  }
}
