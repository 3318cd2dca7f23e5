/** A hosting service on loopback: the calls of GitHub's and GitLab's REST API for pull requests, with their answers. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export const FORGE_TOKEN = 'fake-token-of-the-tests'

export interface ForgeRequest {
  readonly method: string
  /** With its query, as it came. */
  readonly path: string
  readonly authorization: string | undefined
  readonly body: Readonly<Record<string, unknown>>
}

export type Behaviour = (request: ForgeRequest, response: ServerResponse) => void

export interface ForgeServer extends AsyncDisposable {
  /** Of the two APIs. */
  readonly github: string
  readonly gitlab: string
  readonly requests: ForgeRequest[]
  /** What the next requests get instead of an answer. */
  readonly next: Behaviour[]
  /** What was opened; another call for the same branches finds it. */
  readonly open: { readonly head: string; readonly base: string; readonly number: number }[]
}

/** Knows the projects `octo/tools` on GitHub and `group/sub/tools` on GitLab. */
export async function startForgeServer(): Promise<ForgeServer> {
  const requests: ForgeRequest[] = []
  const next: Behaviour[] = []
  const open: ForgeServer['open'] = []
  const answer = (request: ForgeRequest, response: ServerResponse): void => {
    const behaviour = next.shift()
    if (behaviour) return behaviour(request, response)
    if (request.authorization !== `Bearer ${FORGE_TOKEN}`)
      return sendJson(response, 401, { message: 'Bad credentials' })
    const url = new URL(request.path, 'http://forge')
    if (url.pathname === '/api/v3/repos/octo/tools/pulls') return github(request, response, url.searchParams)
    if (url.pathname === '/api/v4/projects/group%2Fsub%2Ftools/merge_requests') {
      return gitlab(request, response, url.searchParams)
    }
    return sendJson(response, 404, { message: 'Not Found' })
  }

  function github({ method, body }: ForgeRequest, response: ServerResponse, query: URLSearchParams): void {
    const page = (number: number) => ({
      number,
      html_url: `https://github.com/octo/tools/pull/${number}`,
      state: 'open',
    })
    if (method === 'GET') {
      const [owner, head] = (query.get('head') ?? '').split(':')
      const found = owner === 'octo' ? find(head, query.get('base')) : undefined
      return sendJson(response, 200, found ? [page(found.number)] : [])
    }
    if (find(body['head'], body['base'])) {
      const message = `A pull request already exists for octo:${String(body['head'])}.`
      const errors = [{ resource: 'PullRequest', code: 'custom', message }]
      return sendJson(response, 422, { message: 'Validation Failed', errors })
    }
    return sendJson(response, 201, page(add(body['head'], body['base'])))
  }

  function gitlab({ method, body }: ForgeRequest, response: ServerResponse, query: URLSearchParams): void {
    const page = (iid: number) => ({ iid, web_url: `https://gitlab.com/group/sub/tools/-/merge_requests/${iid}` })
    if (method === 'GET') {
      const found = find(query.get('source_branch'), query.get('target_branch'))
      return sendJson(response, 200, found ? [page(found.number)] : [])
    }
    const existing = find(body['source_branch'], body['target_branch'])
    if (existing) {
      const message = [`Another open merge request already exists for this source branch: !${existing.number}`]
      return sendJson(response, 409, { message })
    }
    return sendJson(response, 201, page(add(body['source_branch'], body['target_branch'])))
  }

  const find = (head: unknown, base: unknown) => open.find((one) => one.head === head && one.base === base)
  function add(head: unknown, base: unknown): number {
    const number = open.length + 1
    open.push({ head: String(head), base: String(base), number })
    return number
  }

  const server = createServer((message, response) => {
    void read(message).then((request) => {
      requests.push(request)
      answer(request, response)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    requests,
    next,
    open,
    github: `${origin}/api/v3`,
    gitlab: `${origin}/api/v4`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function read(message: IncomingMessage): Promise<ForgeRequest> {
  let text = ''
  for await (const chunk of message.setEncoding('utf8')) text += String(chunk)
  const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
  const { method = '', url: path = '' } = message
  return { method, path, authorization: message.headers.authorization, body }
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
