/** What is particular to one program that speaks ACP. Pure. */
import {
  type Agent,
  type Command,
  type JsonObject,
  type PermissionMode,
  type QuestionServer,
  type RunEnd,
  type Session,
  asObject,
} from 'troupe/plugin'

export interface AcpProfile {
  /** As sentences call it until the program has said its own name, for example `Gemini CLI`. */
  readonly name: string
  /** Its program, as sentences call it where `toCommand` starts it by a shell and the settings name no other. */
  readonly program?: string
  readonly detect: Agent['detect']
  /** How the program is called; what it reads is `live`. A value instead of a command says why it cannot be called. Pure. */
  readonly toCommand: (session: Session) => Command | Extract<RunEnd, { kind: 'error' }>
  /**
   * The program's own modes for each of ours, the preferred one first, where they have other names than most
   * (see session-offer.ts). An empty list: the mode is given by the command line and none is set.
   */
  readonly modes?: Partial<Readonly<Record<PermissionMode, readonly string[]>>>
  /**
   * Whether the program of this name has a question tool of its own that works over ACP. The others get that of the session's
   * question server, if the manifest wants one.
   */
  readonly asksItself?: (name: string) => boolean
  /** Where the program asks for a permission to use the tool of the session's question server: whether `toolCall` is that. */
  readonly isQuestion?: (toolCall: JsonObject, server: QuestionServer) => boolean
  /** Of a conversation that it loads, the program tells the past after it has answered that it did. */
  readonly pastComesLate?: boolean
  /** What the agent is told before the first prompt of a conversation. */
  readonly preface?: string
  /** An update of a session, or a tool that is asked about, as other agents would say it. Undefined: it says nothing. */
  readonly translate?: (said: JsonObject) => JsonObject | undefined
  /** What a turn used, where its result has it in another place than `usage`. */
  readonly usageOf?: (result: JsonObject) => JsonObject | undefined
  /** Sentences for people: what to do when the program is missing, and when nobody is signed in. */
  readonly install: string
  readonly signIn: string
}

export const translate = ({ translate: own }: AcpProfile, said: JsonObject): JsonObject | undefined =>
  own ? own(said) : said

export const usageOf = ({ usageOf: own }: AcpProfile, result: JsonObject): JsonObject | undefined =>
  own?.(result) ?? asObject(result['usage'])

export const isQuestion = (profile: AcpProfile, { questionServer }: Session, toolCall: JsonObject): boolean =>
  questionServer !== undefined && profile.isQuestion?.(toolCall, questionServer) === true

export const firstPrompt = ({ preface }: AcpProfile, { resume, prompt }: Session): string[] =>
  preface === undefined || resume ? [prompt] : [preface, prompt]
