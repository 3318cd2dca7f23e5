/** The steps before the first turn: each answer of the agent leads to the next request, to the prompt, or to the end. Pure. */
import {
  type AgentMessage,
  type JsonObject,
  type QuestionServer,
  type RunEnd,
  type Session,
  asObject,
  asString,
} from 'troupe/plugin'
import type { Introduction, Memory, Stage } from './memory.ts'
import { noResume, otherProtocol, type Speaker, toFailedSetup } from './failure.ts'
import type { AcpProfile } from './profile.ts'
import { choose, type Setting } from './session-offer.ts'

const PROTOCOL_VERSION = 1

export interface Step {
  readonly learned?: Partial<Memory>
  readonly start?: AgentMessage
  readonly next:
    | { readonly kind: 'request'; readonly stage: Stage; readonly method: string; readonly params: JsonObject }
    | { readonly kind: 'prompt' }
    | { readonly kind: 'end'; readonly end: RunEnd }
}

type Next = Step['next']

export interface SetupContext {
  readonly session: Session
  readonly profile: AcpProfile
  readonly speaker: Speaker
}

export function greeting(): Next {
  // Files and terminals of an agent are where its program runs, which need not be where this thread does.
  const files = { fs: { readTextFile: false, writeTextFile: false }, terminal: false }
  const params = {
    protocolVersion: PROTOCOL_VERSION,
    clientCapabilities: { ...files, elicitation: { form: {} } },
    clientInfo: { name: 'troupe', title: 'Troupe', version: '0.1.0' },
  }
  return { kind: 'request', stage: { kind: 'greeting' }, method: 'initialize', params }
}

/** @param answered The request that `result` answers. */
export function afterAnswer(
  told: Pick<Memory, 'stage' | 'agentSessionId'>,
  answered: { method: string; result: JsonObject },
  context: SetupContext,
): Step {
  const { stage, agentSessionId } = told
  if (stage.kind === 'greeting') return afterGreeting(answered.result, context)
  if (stage.kind === 'opening') return afterOpening(answered, context)
  return { next: nextSetting(stage.kind === 'setting' ? stage.left : [], agentSessionId ?? '') }
}

function afterGreeting(result: JsonObject, { session, profile, speaker }: SetupContext): Step {
  const introduction = readIntroduction(result)
  const introduced = { name: introduction.name ?? speaker.name, signIn: speaker.signIn }
  const version = result['protocolVersion'] ?? null
  if (version !== PROTOCOL_VERSION) {
    const end = otherProtocol(introduced, { theirs: JSON.stringify(version), ours: PROTOCOL_VERSION })
    return { learned: { introduction }, next: { kind: 'end', end } }
  }
  const mcpServers = profile.asksItself?.(introduced.name) ? [] : toMcpServers(session.questionServer)
  return { learned: { introduction }, next: opening(session, { introduction, speaker: introduced, mcpServers }) }
}

interface Opening {
  readonly introduction: Introduction
  readonly speaker: Speaker
  readonly mcpServers: JsonObject[]
}

function opening({ resume, workDir }: Session, { introduction, speaker, mcpServers }: Opening): Next {
  const { canResume, canLoad } = introduction
  const stage = { kind: 'opening' } as const
  const params = { cwd: workDir, mcpServers }
  if (!resume) return { kind: 'request', stage, method: 'session/new', params }
  if (!canResume && !canLoad) return { kind: 'end', end: noResume(speaker) }
  // The one that does not tell the past again is preferred.
  const method = canResume ? 'session/resume' : 'session/load'
  return { kind: 'request', stage, method, params: { ...params, sessionId: resume.agentSessionId } }
}

function toMcpServers(server: QuestionServer | undefined): JsonObject[] {
  if (!server) return []
  const env = Object.entries(server.env).map(([name, value]) => ({ name, value }))
  return [{ name: server.name, command: server.command, args: [...server.args], env }]
}

function afterOpening({ method, result }: { method: string; result: JsonObject }, context: SetupContext): Step {
  const { session, profile, speaker } = context
  const agentSessionId = session.resume?.agentSessionId ?? asString(result['sessionId'])
  if (agentSessionId === undefined) {
    const end = toFailedSetup(method, { code: 0, message: 'it named no session' }, speaker)
    return { next: { kind: 'end', end } }
  }
  const chosen = choose(result, session, profile.modes)
  const start = toStart(session, agentSessionId, { model: 'kind' in chosen ? undefined : chosen.model, speaker })
  if ('kind' in chosen) return { learned: { agentSessionId }, start, next: { kind: 'end', end: chosen } }
  const learned = { agentSessionId, ownEdits: chosen.ownEdits }
  return { learned, start, next: nextSetting(chosen.settings, agentSessionId) }
}

function toStart(
  { agent, workDir }: Session,
  agentSessionId: string,
  { model, speaker }: { model: string | undefined; speaker: Speaker },
): AgentMessage {
  const { version } = speaker
  const known = { ...(version !== undefined && { agentVersion: version }), ...(model !== undefined && { model }) }
  return { type: 'start', agent, agentSessionId, workDir, ...known }
}

function nextSetting([next, ...left]: readonly Setting[], sessionId: string): Next {
  if (!next) return { kind: 'prompt' }
  return {
    kind: 'request',
    stage: { kind: 'setting', left },
    method: next.method,
    params: { sessionId, ...next.params },
  }
}

function readIntroduction(result: JsonObject): Introduction {
  const info = asObject(result['agentInfo']) ?? {}
  const capabilities = asObject(result['agentCapabilities']) ?? {}
  const session = asObject(capabilities['sessionCapabilities']) ?? {}
  const name = asString(info['title']) ?? asString(info['name'])
  const version = asString(info['version'])
  return {
    canResume: asObject(session['resume']) !== undefined,
    canLoad: capabilities['loadSession'] === true,
    canClose: asObject(session['close']) !== undefined,
    ...(name !== undefined && { name }),
    ...(version !== undefined && { version }),
  }
}
