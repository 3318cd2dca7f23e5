import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TroupeError } from '../../core/base/errors.ts'
import { githubApiUrl } from '../../core/forge/github.ts'
import { assertTarget, openPullRequest, type OpenRequest } from '../../core/forge/open-pull-request.ts'
import { FORGE_TOKEN, sendJson, startForgeServer, type Behaviour, type ForgeServer } from '../helpers/forge-server.ts'

function* repeat(make: () => string): Generator<string> {
  for (;;) yield make()
}

let server: ForgeServer
beforeEach(async () => {
  server = await startForgeServer()
})
afterEach(() => server[Symbol.asyncDispose]())

const proposal = { head: 'troupe/work', base: 'main', title: 'Do it', body: 'Why.\n' }
const github = (): OpenRequest => ({
  ...proposal,
  provider: 'github',
  remoteUrl: 'git@github.com:octo/tools.git',
  apiUrl: server.github,
  token: FORGE_TOKEN,
})
const gitlab = (): OpenRequest => ({
  ...proposal,
  provider: 'gitlab',
  remoteUrl: 'https://gitlab.com/group/sub/tools',
  apiUrl: server.gitlab,
  token: FORGE_TOKEN,
})

/** The error that the request ends in, which never holds the token. */
async function errorOf(request: OpenRequest): Promise<TroupeError> {
  const error: unknown = await openPullRequest(request).then(
    ({ url }) => new Error(`It opened ${url}.`),
    (reason: unknown) => reason,
  )
  if (!(error instanceof TroupeError)) throw error
  expect(JSON.stringify([error.message, error.details, error.stack, error.cause])).not.toContain(FORGE_TOKEN)
  return error
}

const answering =
  (status: number, body: unknown): Behaviour =>
  (_, response) =>
    sendJson(response, status, body)

describe('a pull request on GitHub', () => {
  it('is opened', async () => {
    const opened = await openPullRequest(github())
    expect(opened).toEqual({ url: 'https://github.com/octo/tools/pull/1', number: 1 })
    expect(server.requests).toMatchObject([{ method: 'POST', authorization: `Bearer ${FORGE_TOKEN}`, body: proposal }])
  })

  it('that exists is found', async () => {
    await openPullRequest({ ...github(), head: 'other' })
    const first = await openPullRequest(github())
    expect(first.number).toBe(2)
    expect(await openPullRequest(github())).toEqual(first)
    expect(server.requests.at(-1)?.path).toContain('head=octo%3Atroupe%2Fwork&base=main&state=open')
  })

  it('of a branch without commits is none', async () => {
    const errors = [{ resource: 'PullRequest', code: 'custom', message: 'No commits between main and troupe/work' }]
    server.next.push(answering(422, { message: 'Validation Failed', errors }))
    expect(await errorOf(github())).toMatchObject({ code: 'TASK_NO_CHANGES' })
  })

  it('refused for another reason says which', async () => {
    const errors = [{ resource: 'PullRequest', field: 'base', code: 'invalid' }]
    server.next.push(answering(422, { message: 'Validation Failed', errors }))
    const { code, message } = await errorOf(github())
    expect([code, message]).toEqual([
      'CONFLICT',
      'GitHub refused the pull request: Validation Failed; PullRequest base invalid',
    ])
  })

  it('needs a project with an owner and a name', async () => {
    expect(await errorOf({ ...github(), remoteUrl: 'https://github.com/a/b/c' })).toMatchObject({ code: 'UNSUPPORTED' })
    expect(server.requests).toEqual([])
  })

  it.each([
    ['github.com', 'https://api.github.com'],
    ['firm.ghe.com', 'https://api.firm.ghe.com'],
    ['github.firm.test:8443', 'https://github.firm.test:8443/api/v3'],
  ])('at %s goes to %s', (host, api) => {
    expect(githubApiUrl(host)).toBe(api)
  })
})

describe('a merge request on GitLab', () => {
  it('is opened in nested groups', async () => {
    const opened = await openPullRequest(gitlab())
    expect(opened).toEqual({ url: 'https://gitlab.com/group/sub/tools/-/merge_requests/1', number: 1 })
    const body = { source_branch: 'troupe/work', target_branch: 'main', title: 'Do it', description: 'Why.\n' }
    expect(server.requests).toMatchObject([{ authorization: `Bearer ${FORGE_TOKEN}`, body }])
  })

  it('that exists is found', async () => {
    const first = await openPullRequest(gitlab())
    expect(await openPullRequest(gitlab())).toEqual(first)
  })

  it('refused for another reason says which', async () => {
    server.next.push(answering(409, { message: { source_branch: ['is protected'] } }))
    expect(await errorOf(gitlab())).toMatchObject({
      code: 'CONFLICT',
      message: 'GitLab refused the merge request: is protected',
    })
  })
})

describe('a service that does not do it', () => {
  it('does not accept the token', async () => {
    const { code, message } = await errorOf({ ...github(), token: 'expired' })
    expect(code).toBe('UNAUTHENTICATED')
    expect(message).toContain('GITHUB_TOKEN')
    expect(message).toContain('Bad credentials')
    expect((await errorOf({ ...gitlab(), token: 'expired' })).message).toContain('GITLAB_TOKEN')
  })

  it.each([
    [403, 'FORBIDDEN', /write access.*It says: no/],
    [404, 'NOT_FOUND', /may not see it/],
    [400, 'CONFLICT', /refused \(400\)/],
    [500, 'HOST_UNREACHABLE', /has trouble \(500\)/],
  ])('answers %i: %s', async (status, code, words) => {
    server.next.push(answering(status, { message: 'no' }), answering(status, { message: 'no' }))
    for (const request of [github(), gitlab()]) {
      const error = await errorOf(request)
      expect(error.code).toBe(code)
      expect(error.message).toMatch(words)
    }
  })

  it('repeats the token or sends control characters, which nobody gets to see', async () => {
    server.next.push((request, response) =>
      sendJson(response, 403, { message: `\u001b[31m${request.authorization}\u0000`, errors: [[[[[[[['deep']]]]]]]] }),
    )
    const { message } = await errorOf(github())
    expect(message).toContain('It says: [31mBearer ***')
    expect(message).not.toMatch(/\p{Cc}/u)
  })

  it('leads elsewhere, where the token does not follow', async () => {
    await using elsewhere = await startForgeServer()
    server.next.push((_, response) => response.writeHead(307, { location: `${elsewhere.github}/x` }).end())
    const { code, message } = await errorOf(github())
    expect([code, message]).toEqual(['HOST_UNREACHABLE', expect.stringMatching(/somewhere else/)])
    expect(elsewhere.requests).toEqual([])
  })

  it('says nothing', async () => {
    server.next.push(() => {})
    expect(await errorOf({ ...github(), timeoutMs: 100 })).toMatchObject({ code: 'TIMEOUT' })
  })

  it('stops in the middle of its answer', async () => {
    server.next.push((_, response) => response.writeHead(200, { 'content-length': '100' }).write('{'))
    expect(await errorOf({ ...github(), timeoutMs: 200 })).toMatchObject({ code: 'TIMEOUT' })
  })

  it('is given up by the caller', async () => {
    const controller = new AbortController()
    server.next.push(() => controller.abort())
    expect(await errorOf({ ...github(), signal: controller.signal })).toMatchObject({ code: 'ABORTED' })
  })

  it('ends the connection', async () => {
    server.next.push((_, response) => response.destroy())
    expect(await errorOf(github())).toMatchObject({ code: 'HOST_UNREACHABLE' })
  })

  it('is not there', async () => {
    const request = github()
    await server[Symbol.asyncDispose]()
    expect((await errorOf(request)).message).toContain('ECONNREFUSED')
    server = await startForgeServer()
  })

  it('answers without an end', async () => {
    server.next.push((_, response) => {
      const endless = Readable.from(repeat(() => 'x'.repeat(1 << 20)))
      pipeline(endless, response.writeHead(201)).catch(() => {})
    })
    expect((await errorOf(github())).message).toMatch(/more than \d+ bytes/)
  })

  it.each([
    ['a page', (response: Parameters<Behaviour>[1]) => void response.end('<html>')],
    ['another object', (response: Parameters<Behaviour>[1]) => sendJson(response, 201, { id: 1 })],
    [
      'an address that is none of a page',
      (response: Parameters<Behaviour>[1]) => sendJson(response, 201, { number: 1, html_url: 'javascript:alert(1)' }),
    ],
  ])('answers with %s', async (_, answer) => {
    server.next.push((request, response) => {
      answer(response)
    })
    expect(await errorOf(github())).toMatchObject({ code: 'HOST_UNREACHABLE' })
  })
})

describe('what is known before anything is sent', () => {
  const target = { remoteUrl: 'https://github.com/octo/tools', token: FORGE_TOKEN }
  it.each([
    [{ ...target, provider: 'bitbucket' as const }, /Bitbucket.*by hand/],
    [{ ...target, provider: 'none' as const }, /by hand/],
    [{ ...target, provider: 'github' as const, remoteUrl: '/srv/tools' }, /does not name a project/],
    [{ ...target, provider: 'github' as const, token: undefined }, /no token for GitHub.*Set GITHUB_TOKEN/],
    [
      { ...target, provider: 'gitlab' as const, remoteUrl: 'https://gitlab.firm.test/a/b', token: '' },
      /gitlab\.firm\.test.*TROUPE_GITLAB_API_URL/,
    ],
    [{ ...target, provider: 'github' as const, apiUrl: 'http://github.firm.test/api/v3' }, /https:/],
    [{ ...target, provider: 'github' as const, apiUrl: 'https://me:pw@github.firm.test' }, /no password/],
  ])('is said of %j', (wrong, words) => {
    expect(() => assertTarget(wrong)).toThrow(words)
  })

  it('is nothing when all is well', () => {
    expect(() => assertTarget({ ...target, provider: 'github' })).not.toThrow()
  })
})
