/** Opens pull requests on the services that host repositories. The one entrance to this folder. */
import { fail } from '../base/errors.ts'
import type { Repository } from '../contract/records.ts'
import type { ApiAccess } from './api.ts'
import { githubApiUrl, githubHeaders, openGithubPull } from './github.ts'
import { gitlabApiUrl, openMergeRequest } from './gitlab.ts'
import { parseProject, type Project } from './project.ts'
import type { Proposal, PullRequest } from './pull-request.ts'

/** Where a pull request goes. */
export interface Target {
  readonly provider: Repository['vcsProvider']
  /** The address of the remote, in any form that git takes over a network. */
  readonly remoteUrl: string
  /** Default: the one that belongs to the host of the remote. */
  readonly apiUrl?: string | undefined
  /** Absent: `openPullRequest` says which one is missing. */
  readonly token?: string | undefined
}

export interface OpenRequest extends Target, Proposal {
  /** Milliseconds for one call; default 20 s. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal | undefined
}

interface Service {
  readonly name: string
  readonly tokenName: string
  readonly apiUrlName: string
  readonly headers: Readonly<Record<string, string>>
  readonly apiUrl: (host: string) => string
  readonly open: (access: ApiAccess, project: Project, proposal: Proposal) => Promise<PullRequest>
}

const SERVICES: Readonly<Record<'github' | 'gitlab', Service>> = {
  github: {
    name: 'GitHub',
    tokenName: 'GITHUB_TOKEN',
    apiUrlName: 'TROUPE_GITHUB_API_URL',
    headers: githubHeaders,
    apiUrl: githubApiUrl,
    open: openGithubPull,
  },
  gitlab: {
    name: 'GitLab',
    tokenName: 'GITLAB_TOKEN',
    apiUrlName: 'TROUPE_GITLAB_API_URL',
    headers: {},
    apiUrl: gitlabApiUrl,
    open: openMergeRequest,
  },
}

const TIMEOUT_MS = 20_000

/**
 * Opens a pull request, or gives the open one that the branch has already.
 * @throws TroupeError UNSUPPORTED, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, TASK_NO_CHANGES, CONFLICT, CONFIG_INVALID,
 * HOST_UNREACHABLE, TIMEOUT, ABORTED
 */
export function openPullRequest(request: OpenRequest): Promise<PullRequest> {
  const { head, base, title, body, timeoutMs = TIMEOUT_MS, signal } = request
  const { service, project, baseUrl, token } = resolveTarget(request)
  const { name, tokenName, headers } = service
  const access = { service: name, baseUrl, token, tokenName, headers, timeoutMs, signal }
  return service.open(access, project, { head, base, title, body })
}

/**
 * Settles what can be known before anything is sent, so that no branch is pushed for nothing.
 * @throws TroupeError UNSUPPORTED, UNAUTHENTICATED, CONFIG_INVALID
 */
export function assertTarget(target: Target): void {
  resolveTarget(target)
}

interface Resolved {
  readonly service: Service
  readonly project: Project
  readonly baseUrl: string
  readonly token: string
}

function resolveTarget({ provider, remoteUrl, apiUrl, token }: Target): Resolved {
  if (provider !== 'github' && provider !== 'gitlab') return unsupported(provider)
  const service = SERVICES[provider]
  const project = parseProject(remoteUrl)
  const baseUrl = apiUrl === undefined ? service.apiUrl(project.host) : checkedApiUrl(service, apiUrl)
  return {
    service,
    project,
    baseUrl,
    token: token === undefined || token === '' ? tokenMissing(service, project) : token,
  }
}

function unsupported(provider: 'bitbucket' | 'none'): never {
  const what =
    provider === 'bitbucket' ? 'Pull requests on Bitbucket' : 'Pull requests where GitHub or GitLab do not host'
  return fail('UNSUPPORTED', `${what} are not possible yet. Push the branch and open the pull request by hand.`)
}

/** The token travels there, so the way must be private. */
function checkedApiUrl({ apiUrlName }: Service, apiUrl: string): string {
  const url = URL.parse(apiUrl)
  const isLocal = url !== null && /^(127\.0\.0\.1|localhost|\[::1\])$/.test(url.hostname)
  if (url && !url.username && !url.password && (url.protocol === 'https:' || (url.protocol === 'http:' && isLocal))) {
    return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
  }
  return fail('CONFIG_INVALID', `${apiUrlName} must be an address that begins with https:// and holds no password.`)
}

const tokenMissing = ({ name, tokenName, apiUrlName }: Service, { host }: Project): never =>
  fail(
    'UNAUTHENTICATED',
    `There is no token for ${name} at ${host}. Set ${tokenName} in the environment of the host` +
      `${isPublic(host) ? '' : `, and ${apiUrlName} to say that it is meant for this server`}.`,
  )

const isPublic = (host: string): boolean => host === 'github.com' || host === 'gitlab.com'
