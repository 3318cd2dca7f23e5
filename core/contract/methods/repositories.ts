/** Repositories, the groups that tasks work on, and the workspaces that hold them. */
import { z } from 'zod'
import { method } from '../method.ts'
import { id, repository, repositoryGroup, workspace } from '../records.ts'

const byId = z.object({ id })
const name = z.string().trim().min(1).max(200)
const group = z.object({ group: repositoryGroup })
const oneWorkspace = z.object({ workspace })

export const repositories = {
  addRepository: method({
    params: z.object({
      /** An absolute path on this machine. */
      path: z.string().min(1).max(4096),
      name: name.optional(),
      defaultBranch: z.string().max(1000).optional(),
      workspaceId: id.optional(),
    }),
    result: z.object({ repository, group: repositoryGroup }),
    errors: [
      'NOT_FOUND',
      'REPO_NOT_FOUND',
      'REPO_NOT_GIT',
      'REPO_BARE',
      'REPO_EMPTY',
      'REPO_DETACHED',
      'REPO_BRANCH_MISSING',
      'REPO_UNWRITABLE',
      'GIT_FAILED',
    ],
    access: 'member',
    doc: 'Adds a local repository, or gives the one that has this path already, under the new name and default branch if they are given; with its group of one.',
  }),
  getRepository: method({
    params: byId,
    result: z.object({ repository }),
    errors: ['NOT_FOUND'],
    access: 'viewer',
    doc: 'Gives one repository.',
  }),
  listRepositories: method({
    params: z.object({ workspaceId: id.optional() }),
    result: z.object({ repositories: z.array(repository) }),
    errors: [],
    access: 'viewer',
    doc: 'Lists repositories by name.',
  }),
  removeRepository: method({
    params: byId,
    result: z.object({}),
    errors: ['NOT_FOUND', 'REPO_IN_USE'],
    access: 'member',
    doc: 'Forgets a repository that no task uses; its files are not touched.',
  }),
  createRepositoryGroup: method({
    params: z.object({ name: name.optional(), repositoryIds: z.array(id).min(1).max(20), workspaceId: id.optional() }),
    result: group,
    errors: ['NOT_FOUND'],
    access: 'member',
    doc: 'Makes a group of repositories that a task works on together.',
  }),
  getRepositoryGroup: method({
    params: byId,
    result: group,
    errors: ['NOT_FOUND'],
    access: 'viewer',
    doc: 'Gives one group.',
  }),
  listRepositoryGroups: method({
    params: z.object({ workspaceId: id.optional() }),
    result: z.object({ groups: z.array(repositoryGroup) }),
    errors: [],
    access: 'viewer',
    doc: 'Lists groups.',
  }),
  updateRepositoryGroup: method({
    params: z.object({ id, name: name.optional(), repositoryIds: z.array(id).min(1).max(20).optional() }),
    result: group,
    errors: ['NOT_FOUND', 'REPO_IN_USE'],
    access: 'member',
    doc: 'Renames a group or changes its repositories while no task uses it.',
  }),
  deleteRepositoryGroup: method({
    params: byId,
    result: z.object({}),
    errors: ['NOT_FOUND', 'REPO_IN_USE'],
    access: 'member',
    doc: 'Removes a group that no task uses.',
  }),
  createWorkspace: method({
    params: z.object({ name, description: z.string().max(2000).optional() }),
    result: oneWorkspace,
    errors: [],
    access: 'member',
    doc: 'Makes a workspace.',
  }),
  getWorkspace: method({
    params: byId,
    result: oneWorkspace,
    errors: ['NOT_FOUND'],
    access: 'viewer',
    doc: 'Gives one workspace.',
  }),
  listWorkspaces: method({
    params: z.object({}),
    result: z.object({ workspaces: z.array(workspace) }),
    errors: [],
    access: 'viewer',
    doc: 'Lists workspaces.',
  }),
  updateWorkspace: method({
    params: z.object({ id, name: name.optional(), description: z.string().max(2000).optional() }),
    result: oneWorkspace,
    errors: ['NOT_FOUND'],
    access: 'member',
    doc: 'Renames or describes a workspace.',
  }),
  deleteWorkspace: method({
    params: byId,
    result: z.object({}),
    errors: ['NOT_FOUND', 'CONFLICT'],
    access: 'admin',
    doc: 'Removes an empty workspace.',
  }),
  listFiles: method({
    params: z.object({
      repositoryId: id,
      /** Only paths that contain this, case-insensitively. */
      query: z.string().max(200).optional(),
      branch: z.string().max(1000).optional(),
      limit: z.number().int().min(1).max(5000).default(100),
    }),
    result: z.object({ files: z.array(z.string()), more: z.boolean() }),
    errors: ['NOT_FOUND', 'REPO_BRANCH_MISSING', 'REPO_NOT_FOUND', 'REPO_UNWRITABLE', 'GIT_FAILED'],
    access: 'viewer',
    doc: 'Lists tracked files, for mentions in a prompt.',
  }),
}
