/** What an agent lets its client choose for a session (modes, models), and what is chosen of it. Pure. */
import {
  type JsonObject,
  type PermissionMode,
  type RunEnd,
  type Session,
  asObject,
  asObjects,
  asString,
} from 'troupe/plugin'

/** A request that sets something; the session's id is added. */
export interface Setting {
  readonly method: string
  readonly params: JsonObject
}

/** One thing that can be chosen. */
interface Choice {
  readonly current: string | undefined
  readonly options: readonly { readonly value: string; readonly name: string }[]
  readonly set: (value: string) => Setting
}

export interface Chosen {
  readonly settings: readonly Setting[]
  /** As the agent calls it. */
  readonly model?: string
  /** The agent has a mode of its own in which edits are not asked for. */
  readonly ownEdits: boolean
}

type Modes = Partial<Readonly<Record<PermissionMode, readonly string[]>>>

/** How most agents call their modes, without case and punctuation. */
const MODES: Readonly<Record<PermissionMode, readonly string[]>> = {
  ask: ['default', 'ask', 'manual', 'build', 'code', 'agent'],
  accept_edits: ['acceptedits', 'autoedit'],
  plan: ['plan'],
  // Whatever the agent then asks for is allowed (see permission.ts): a mode in which it judges by itself would refuse some of it.
  full: ['default', 'ask', 'manual', 'build', 'code', 'agent'],
}

/** @param result Of `session/new` and its like. @param own The agent's names of the modes, where they differ. */
export function choose(
  result: JsonObject,
  session: Session,
  own: Modes = {},
): Chosen | Extract<RunEnd, { kind: 'error' }> {
  const modes = readChoice(result, 'mode') ?? readModes(result)
  const models = readChoice(result, 'model') ?? readModels(result)
  const mode = chooseMode(modes, session.permissionMode, own)
  if (session.permissionMode === 'plan' && mode === undefined && own.plan?.length !== 0) return noPlan(modes)
  if (session.model !== undefined && !models) return noModels(session.model)
  const model = models && session.model !== undefined ? valueOf(models, session.model) : models?.current
  return {
    settings: [...setting(models, session.model === undefined ? undefined : model), ...setting(modes, mode)],
    ownEdits: session.permissionMode === 'accept_edits' && isNamed(own.accept_edits ?? MODES.accept_edits, mode),
    ...(model !== undefined && { model }),
  }
}

const setting = (choice: Choice | undefined, value: string | undefined): Setting[] =>
  choice && value !== undefined && value !== choice.current ? [choice.set(value)] : []

function chooseMode(modes: Choice | undefined, wanted: PermissionMode, own: Modes): string | undefined {
  const find = (mode: PermissionMode) => {
    const names = own[mode] ?? MODES[mode]
    return names
      .map((name) => modes?.options.find(({ value }) => plain(value) === plain(name))?.value)
      .find((value) => value !== undefined)
  }
  // Without a mode of its own for edits it asks for them, and is answered by us.
  return find(wanted) ?? (wanted === 'accept_edits' ? find('ask') : undefined)
}

const isNamed = (names: readonly string[], mode: string | undefined): boolean =>
  mode !== undefined && names.some((name) => plain(name) === plain(mode))

/** The name of a mode may be the fragment of an address. */
const plain = (name: string): string => (name.split('#').at(-1) ?? '').toLowerCase().replaceAll(/[^a-z0-9]/g, '')

function readChoice(result: JsonObject, category: 'mode' | 'model'): Choice | undefined {
  const option = asObjects(result['configOptions']).find((one) => one['category'] === category)
  const configId = asString(option?.['id'])
  if (!option || configId === undefined) return undefined
  const groups = asObjects(option['options'])
  const options = groups.flatMap((group) => ('options' in group ? asObjects(group['options']) : [group]))
  return {
    current: asString(option['currentValue']),
    options: options.flatMap(({ value, name }) => toOption(value, name)),
    set: (value) => ({ method: 'session/set_config_option', params: { configId, value } }),
  }
}

function readModes(result: JsonObject): Choice | undefined {
  const modes = asObject(result['modes'])
  if (!modes) return undefined
  return {
    current: asString(modes['currentModeId']),
    options: asObjects(modes['availableModes']).flatMap(({ id, name }) => toOption(id, name)),
    set: (modeId) => ({ method: 'session/set_mode', params: { modeId } }),
  }
}

function readModels(result: JsonObject): Choice | undefined {
  const models = asObject(result['models'])
  if (!models) return undefined
  return {
    current: asString(models['currentModelId']),
    options: asObjects(models['availableModels']).flatMap(({ modelId, name }) => toOption(modelId, name)),
    set: (modelId) => ({ method: 'session/set_model', params: { modelId } }),
  }
}

const toOption = (value: JsonObject[string] | undefined, name: JsonObject[string] | undefined) =>
  typeof value === 'string' ? [{ value, name: typeof name === 'string' ? name : value }] : []

/** A model may be given by the name that people see; one that is not offered is left to the agent to judge. */
const valueOf = ({ options }: Choice, wanted: string): string =>
  options.find(({ value }) => value === wanted)?.value ??
  options.find(({ name }) => name.toLowerCase() === wanted.toLowerCase())?.value ??
  wanted

function noPlan(modes: Choice | undefined): Extract<RunEnd, { kind: 'error' }> {
  const offered = modes?.options.map(({ value }) => value).join(', ') || 'none'
  const message = `This agent has no mode in which it only plans (its modes: ${offered}). Choose another permission mode.`
  return { kind: 'error', code: 'UNSUPPORTED', message }
}

const noModels = (model: string): Extract<RunEnd, { kind: 'error' }> => ({
  kind: 'error',
  code: 'UNSUPPORTED',
  message: `This agent cannot be told which model to use ("${model}"). Choose it in the agent's own settings, or by \`args\`.`,
})
