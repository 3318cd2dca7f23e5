/** Merge requests of GitLab, of gitlab.com or an own one, by its REST API. */
import { z } from 'zod'
import { fail } from '../base/errors.ts'
import { callApi, checked, type ApiAccess } from './api.ts'
import type { Project } from './project.ts'
import { webUrl, type Proposal, type PullRequest } from './pull-request.ts'

const mergeRequest = z.object({ iid: z.number().int(), web_url: webUrl })

const toPullRequest = ({ iid, web_url: url }: z.output<typeof mergeRequest>): PullRequest => ({ number: iid, url })

export const gitlabApiUrl = (host: string): string => `https://${host}/api/v4`

/** @throws TroupeError as `callApi` */
export async function openMergeRequest(access: ApiAccess, project: Project, proposal: Proposal): Promise<PullRequest> {
  const path = `/projects/${encodeURIComponent(project.path)}/merge_requests`
  const { head, base, title, body } = proposal
  const request = { source_branch: head, target_branch: base, title, description: body }
  const answer = await callApi(access, { method: 'POST', path, body: request }, [409])
  if (answer.status !== 409) return toPullRequest(checked(access, mergeRequest, answer))
  const query = new URLSearchParams({ state: 'opened', source_branch: head, target_branch: base, per_page: '1' })
  const found = await callApi(access, { method: 'GET', path: `${path}?${query.toString()}` })
  const [existing] = checked(access, z.array(mergeRequest), found)
  if (existing) return toPullRequest(existing)
  return fail('CONFLICT', `GitLab refused the merge request: ${answer.words || 'it does not say why'}`)
}
