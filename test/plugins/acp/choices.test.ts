/** What is chosen of an agent's offers, asked of people and answered to it. Pure. */
import { describe, expect, it } from 'vitest'
import type { JsonObject, PermissionMode } from '../../../core/plugin/contract/index.ts'
import { toFormAnswer, toFormAsks } from '../../../plugins/acp/form.ts'
import { toAsk, toAutomatic, toOutcome } from '../../../plugins/acp/permission.ts'
import { choose } from '../../../plugins/acp/session-offer.ts'
import { makeSession } from '../../helpers/plugin-io.ts'

const select = (category: string, currentValue: string, ...values: string[]) => ({
  id: `the-${category}`,
  category,
  currentValue,
  options: values.map((value) => ({ value, name: value.toUpperCase() })),
})

const modes = (current: string, ...ids: string[]) => ({
  modes: { currentModeId: current, availableModes: ids.map((id) => ({ id, name: id })) },
})

const chosen = (result: Parameters<typeof choose>[0], permissionMode: PermissionMode, model?: string) =>
  choose(result, makeSession('acp', { permissionMode, ...(model !== undefined && { model }) }))

describe('the mode of a session', () => {
  it('is set where the agent has one that fits and is in another', () => {
    const offer = modes('auto', 'auto', 'default', 'acceptEdits', 'plan')
    const set = (permissionMode: PermissionMode) => chosen(offer, permissionMode)
    expect(set('ask')).toMatchObject({ settings: [{ method: 'session/set_mode', params: { modeId: 'default' } }] })
    expect(set('full')).toEqual(set('ask'))
    expect(set('plan')).toMatchObject({ settings: [{ params: { modeId: 'plan' } }] })
    expect(set('accept_edits')).toMatchObject({ settings: [{ params: { modeId: 'acceptEdits' } }], ownEdits: true })
  })

  it('without edits of its own is one that asks for them', () => {
    const offer = { configOptions: [select('mode', 'build', 'build', 'plan')] }
    expect(chosen(offer, 'accept_edits')).toEqual({ settings: [], ownEdits: false })
    expect(chosen({ configOptions: [select('mode', 'plan', 'build', 'plan')] }, 'ask')).toMatchObject({
      settings: [{ method: 'session/set_config_option', params: { configId: 'the-mode', value: 'build' } }],
    })
  })

  it('that only plans is refused where there is none', () => {
    expect(chosen(modes('code', 'code'), 'plan')).toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringContaining('code'),
    })
    expect(chosen({}, 'plan')).toMatchObject({ code: 'UNSUPPORTED' })
    expect(chosen({}, 'ask')).toEqual({ settings: [], ownEdits: false })
  })
})

describe('the model of a session', () => {
  const offer = { configOptions: [select('model', 'small', 'small', 'large')] }

  it('is the one that is wanted, by value or name, or the one that is set', () => {
    expect(chosen(offer, 'ask')).toEqual({ settings: [], ownEdits: false, model: 'small' })
    const set = [{ method: 'session/set_config_option', params: { configId: 'the-model', value: 'large' } }]
    for (const wanted of ['large', 'Large'])
      expect(chosen(offer, 'ask', wanted)).toMatchObject({ settings: set, model: 'large' })
  })

  it('that is not in the list is left to the agent to judge', () => {
    expect(chosen(offer, 'ask', 'huge')).toMatchObject({ settings: [{ params: { value: 'huge' } }] })
  })

  it('may be offered in a list of its own', () => {
    const availableModels = ['small', 'large'].map((modelId) => ({ modelId, name: modelId.toUpperCase() }))
    const models = { models: { currentModelId: 'small', availableModels } }
    const settings = [{ method: 'session/set_model', params: { modelId: 'large' } }]
    expect(chosen(models, 'ask', 'LARGE')).toEqual({ settings, ownEdits: false, model: 'large' })
    expect(chosen(models, 'ask')).toEqual({ settings: [], ownEdits: false, model: 'small' })
  })

  it('is refused where there is no choice', () => {
    expect(chosen({}, 'ask', 'large')).toMatchObject({ code: 'UNSUPPORTED' })
  })
})

const OPTIONS = [
  { optionId: 'once', name: 'Yes', kind: 'allow_once' },
  { optionId: 'no', name: 'No', kind: 'reject_once' },
]
const permission = (toolCall: Record<string, never> | object, options = OPTIONS) => ({
  toolCall: JSON.parse(JSON.stringify({ toolCallId: 't', ...toolCall })),
  options,
})
const policy = (permissionMode: PermissionMode, ownEdits = false) => ({
  permissionMode,
  ownEdits,
  workDir: '/home/dev/tree',
})
const selected = (optionId: string) => ({ outcome: { outcome: 'selected', optionId } })

describe('a permission request', () => {
  it('is bounded, however long the command', () => {
    const ask = toAsk(permission({ title: 'x'.repeat(1_000_000) }), 'The agent', 'Bash')
    expect(ask.question.length).toBeLessThan(3000)
    expect(ask.question).toContain('more characters')
  })

  it('is granted only by an option that grants it; anything else is a refusal with a wish', () => {
    expect(toOutcome(permission({}), 'yes')).toEqual({ result: selected('once'), refused: false })
    expect(toOutcome(permission({}), 'No')).toEqual({ result: selected('no'), refused: true })
    expect(toOutcome(permission({}), 'Yes, but')).toEqual({ result: selected('no'), refused: true, wish: 'Yes, but' })
    expect(toOutcome(permission({}, []), '')).toEqual({ result: { outcome: { outcome: 'cancelled' } }, refused: true })
  })

  it('needs nobody in the mode full, and nothing else does by itself', () => {
    expect(toAutomatic(permission({ kind: 'execute' }), policy('full'))).toEqual(selected('once'))
    for (const mode of ['ask', 'plan', 'accept_edits'] as const) {
      expect(toAutomatic(permission({ kind: 'execute' }), policy(mode))).toBeUndefined()
    }
  })

  it('to ask people something is granted', () => {
    const isQuestion = (toolCall: JsonObject) => toolCall['kind'] === 'think'
    const granted = (kind: string) => toAutomatic(permission({ kind }), { ...policy('ask'), isQuestion })
    expect([granted('think'), granted('execute')]).toEqual([selected('once'), undefined])
  })

  it('for an edit is granted in accept_edits when all of it is in the worktree', () => {
    const edit = (...paths: string[]) => permission({ kind: 'edit', locations: paths.map((path) => ({ path })) })
    const granted = (params: ReturnType<typeof edit>) => toAutomatic(params, policy('accept_edits')) !== undefined
    expect(granted(edit('/home/dev/tree/a', '/home/dev/tree/b/c'))).toBe(true)
    for (const path of ['/etc/passwd', '/home/dev/tree/../x', '/home/dev/treetop', 'a', '/home/dev/tree']) {
      expect(granted(edit('/home/dev/tree/a', path)), path).toBe(false)
    }
    expect(granted(edit())).toBe(false)
    expect(toAutomatic(edit('/home/dev/tree/a'), policy('accept_edits', true))).toBeUndefined()
  })
})

const form = (properties: object) => ({
  mode: 'form',
  message: 'Say more.',
  requestedSchema: JSON.parse(JSON.stringify({ type: 'object', properties })),
})

describe('a form', () => {
  const colours = form({
    colour: { type: 'string', description: 'Which?', oneOf: [{ const: 'r', title: 'Red', description: 'warm' }] },
    colour_custom: { type: 'string' },
    sizes: {
      type: 'array',
      description: 'Sizes?',
      items: {
        anyOf: [
          { const: 's', title: 'S' },
          { const: 'l', title: 'L' },
        ],
      },
    },
    sure: { type: 'boolean', title: 'Sure?' },
    count: { type: 'integer', title: 'How many?' },
  })

  it('is asked field by field', () => {
    expect(toFormAsks(colours)).toEqual([
      { kind: 'question', question: 'Which?', options: [{ label: 'Red', description: 'warm' }] },
      { kind: 'question', question: 'Sizes?', options: [{ label: 'S' }, { label: 'L' }], multiple: true },
      { kind: 'question', question: 'Sure?', options: [{ label: 'Yes' }, { label: 'No' }] },
      { kind: 'question', question: 'How many?' },
    ])
    expect(toFormAsks(form({ name: { type: 'string' } }))).toEqual([{ kind: 'question', question: 'Say more.' }])
  })

  it('is filled in as its fields want it', () => {
    expect(toFormAnswer(colours, ['red', 'S, L', 'yes', '3'])).toEqual({
      action: 'accept',
      content: { colour: 'r', sizes: ['s', 'l'], sure: true, count: 3 },
    })
    expect(toFormAnswer(colours, ['Green', '', 'maybe', 'many'])).toEqual({
      action: 'accept',
      content: { colour_custom: 'Green' },
    })
  })

  it('of another kind is none', () => {
    expect(toFormAsks({ mode: 'url', message: 'Go there' })).toBeUndefined()
  })
})
