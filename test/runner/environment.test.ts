import { describe, expect, test } from 'vitest'
import { sessionEnvironment } from '../../core/runner/environment.ts'

const parts = {
  host: {
    HOME: '/home/me',
    PATH: '/app/node_modules/.bin:/usr/bin:/app/node_modules/other',
    LANG: 'en_US.UTF-8',
    AWS_SECRET_ACCESS_KEY: 'must not travel',
    npm_config_registry: 'must not travel',
    NODE_OPTIONS: '--inspect',
  },
  packageRoot: '/app',
  configured: { ANTHROPIC_BASE_URL: 'http://127.0.0.1:1' },
  secrets: [{ name: 'GOOGLE_AI_API_KEY', value: 'g-key' }],
  taskId: 't1',
  sessionId: 's1',
}

describe('the environment of a session', () => {
  const environment = sessionEnvironment(parts)

  test('is an explicit list: nothing else of the host is in it', () => {
    expect(Object.keys(environment).toSorted()).toEqual([
      'ANTHROPIC_BASE_URL',
      'GEMINI_API_KEY',
      'GIT_TERMINAL_PROMPT',
      'GOOGLE_AI_API_KEY',
      'HOME',
      'LANG',
      'NO_COLOR',
      'PATH',
      'TERM',
      'TROUPE_SESSION_ID',
      'TROUPE_TASK_ID',
    ])
  })

  test("finds the user's programs, not those that came with Troupe", () => {
    expect(environment['PATH']).toBe('/usr/bin')
  })

  test('gives a secret under each name that programs read', () => {
    expect(environment['GEMINI_API_KEY']).toBe('g-key')
  })

  test('leaves what the user has set under that name', () => {
    const [secrets, configured] = [[{ name: 'GITHUB_TOKEN', value: 'one' }], { GITHUB_TOKEN: 'one', GH_TOKEN: 'other' }]
    expect(sessionEnvironment({ ...parts, configured, secrets })).toMatchObject(configured)
  })
})
