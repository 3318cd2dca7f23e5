/** Workspaces, the repositories in them, and the groups that tasks work on. */
import { defineEntity, type InferEntity, p } from '@mikro-orm/sql'
import type { Repository } from '../../contract/records.ts'
import { stamps, text, uuid } from './columns.ts'

export const WorkspaceEntity = defineEntity({
  name: 'Workspace',
  tableName: 'workspace',
  properties: { id: uuid().primary(), name: text(), description: text().nullable(), ...stamps },
})
export type WorkspaceRow = InferEntity<typeof WorkspaceEntity>

export const RepositoryEntity = defineEntity({
  name: 'Repository',
  tableName: 'repository',
  uniques: [{ properties: ['workspaceId', 'localPath'] }],
  properties: {
    id: uuid().primary(),
    workspaceId: () => p.manyToOne(WorkspaceEntity).mapToPk().fieldName('workspace_id').index(false),
    name: text(),
    remoteUrl: text().nullable(),
    localPath: text().nullable(),
    defaultBranch: text(),
    vcsProvider: text<Repository['vcsProvider']>(),
    ...stamps,
  },
})
export type RepositoryRow = InferEntity<typeof RepositoryEntity>

export const RepositoryGroupEntity = defineEntity({
  name: 'RepositoryGroup',
  tableName: 'repository_group',
  properties: {
    id: uuid().primary(),
    workspaceId: () => p.manyToOne(WorkspaceEntity).mapToPk().fieldName('workspace_id').index(),
    name: text().nullable(),
    ...stamps,
  },
})
export type RepositoryGroupRow = InferEntity<typeof RepositoryGroupEntity>

export const RepositoryGroupMemberEntity = defineEntity({
  name: 'RepositoryGroupMember',
  tableName: 'repository_group_member',
  primaryKeys: ['groupId', 'repositoryId'],
  properties: {
    groupId: () =>
      p.manyToOne(RepositoryGroupEntity).mapToPk().primary().fieldName('group_id').index(false).deleteRule('cascade'),
    repositoryId: () =>
      p.manyToOne(RepositoryEntity).mapToPk().primary().fieldName('repository_id').index().deleteRule('no action'),
    position: p.integer(),
  },
})
