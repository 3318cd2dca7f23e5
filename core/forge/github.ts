/** Pull requests of GitHub and GitHub Enterprise, by its REST API. */
import { z } from 'zod'
import { fail } from '../base/errors.ts'
import { callApi, checked, type ApiAccess } from './api.ts'
import type { Project } from './project.ts'
import { webUrl, type Proposal, type PullRequest } from './pull-request.ts'

const pull = z.object({ number: z.number().int(), html_url: webUrl })

const toPullRequest = ({ number, html_url: url }: z.output<typeof pull>): PullRequest => ({ number, url })

/** Enterprise Cloud with residency of data has hosts below `ghe.com`, with the API beside them. */
export function githubApiUrl(host: string): string {
  if (host === 'github.com' || host.endsWith('.ghe.com')) return `https://api.${host}`
  return `https://${host}/api/v3`
}

export const githubHeaders = { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' }

/** @throws TroupeError as `callApi`; UNSUPPORTED, TASK_NO_CHANGES */
export async function openGithubPull(access: ApiAccess, project: Project, proposal: Proposal): Promise<PullRequest> {
  const path = pullsPath(project)
  const answer = await callApi(access, { method: 'POST', path, body: proposal }, [422])
  if (answer.status !== 422) return toPullRequest(checked(access, pull, answer))
  if (/no commits between/i.test(answer.words)) {
    fail('TASK_NO_CHANGES', `${proposal.base} has all that ${proposal.head} has, so there is nothing to propose.`)
  }
  const existing = /already exists/i.test(answer.words) ? await findPull(access, project, proposal) : undefined
  return existing ?? fail('CONFLICT', `GitHub refused the pull request: ${answer.words || 'it does not say why'}`)
}

async function findPull(
  access: ApiAccess,
  project: Project,
  { head, base }: Proposal,
): Promise<PullRequest | undefined> {
  const [owner = ''] = project.path.split('/')
  const query = new URLSearchParams({ head: `${owner}:${head}`, base, state: 'open', per_page: '1' })
  const answer = await callApi(access, { method: 'GET', path: `${pullsPath(project)}?${query.toString()}` })
  return checked(access, z.array(pull), answer).map(toPullRequest)[0]
}

function pullsPath({ path }: Project): string {
  if (path.split('/').length !== 2) {
    fail('UNSUPPORTED', `${path} is not a project of GitHub: those have an owner and a name. Check the remote.`)
  }
  return `/repos/${path}/pulls`
}
