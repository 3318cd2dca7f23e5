/**
 * The tables whose rows are read and written by property, as the program sees them at run time. The entities are the
 * truth of the schema, but loading them loads MikroORM, 20 MB and a tenth of a second; so their types are taken from
 * there, and the compiler refuses a column here that is missing, too many or of another form.
 */
import type { RepositoryGroupRow, RepositoryRow, WorkspaceRow } from './entities/repositories.ts'
import type { QuestionRow, ReviewCommentRow } from './entities/review.ts'
import type { AgentSessionRow, AgentTaskRow, UnitTaskRow, WorkerRow } from './entities/tasks.ts'

/** What SQLite has no type of its own for; `plain` is stored as it is. */
type FormOf<Value> = Value extends boolean ? 'boolean' : Value extends object ? 'json' : 'plain'

export type ColumnForm = 'plain' | 'boolean' | 'json'

export interface Table<Row extends object> {
  readonly name: string
  /** The property of a row and the form of its column, whose name is the same in snake case. */
  readonly columns: { readonly [Key in Exclude<keyof Row, symbol>]-?: FormOf<NonNullable<Row[Key]>> }
}

/** The column of a property. */
export const columnOf = (property: string): string =>
  property.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const plain = 'plain'
const stamps = { createdAt: plain, updatedAt: plain } as const

export const workspaceTable: Table<WorkspaceRow> = {
  name: 'workspace',
  columns: { id: plain, name: plain, description: plain, ...stamps },
}

export const repositoryTable: Table<RepositoryRow> = {
  name: 'repository',
  columns: {
    id: plain,
    workspaceId: plain,
    name: plain,
    remoteUrl: plain,
    localPath: plain,
    defaultBranch: plain,
    vcsProvider: plain,
    ...stamps,
  },
}

export const repositoryGroupTable: Table<RepositoryGroupRow> = {
  name: 'repository_group',
  columns: { id: plain, workspaceId: plain, name: plain, ...stamps },
}

export const workerTable: Table<WorkerRow> = {
  name: 'worker',
  columns: {
    id: plain,
    name: plain,
    labels: 'json',
    capacity: plain,
    status: plain,
    lastHeartbeat: plain,
    ...stamps,
  },
}

export const agentTaskTable: Table<AgentTaskRow> = {
  name: 'agent_task',
  columns: { id: plain, agent: plain, model: plain, baseRemotes: 'json', ...stamps },
}

export const unitTaskTable: Table<UnitTaskRow> = {
  name: 'unit_task',
  columns: {
    id: plain,
    repositoryGroupId: plain,
    agentTaskId: plain,
    compositeTaskId: plain,
    comparisonId: plain,
    title: plain,
    prompt: plain,
    status: plain,
    waitingFor: plain,
    agent: plain,
    model: plain,
    permissionMode: plain,
    sandbox: plain,
    baseBranch: plain,
    branchName: plain,
    baseCommit: plain,
    endCommit: plain,
    mergeCommit: plain,
    worktreePath: plain,
    linkedPrUrl: plain,
    sessionId: plain,
    error: 'json',
    queuedAt: plain,
    ...stamps,
  },
}

export const agentSessionTable: Table<AgentSessionRow> = {
  name: 'agent_session',
  columns: {
    id: plain,
    unitTaskId: plain,
    agentTaskId: plain,
    workerId: plain,
    agent: plain,
    model: plain,
    permissionMode: plain,
    sandbox: plain,
    status: plain,
    outcome: plain,
    error: 'json',
    agentSessionId: plain,
    startedAt: plain,
    endedAt: plain,
    usage: 'json',
    prompt: plain,
    resumeOf: plain,
    attempt: plain,
    ...stamps,
  },
}

export const questionTable: Table<QuestionRow> = {
  name: 'question',
  columns: {
    id: plain,
    sessionId: plain,
    unitTaskId: plain,
    kind: plain,
    prompt: plain,
    options: 'json',
    multiple: 'boolean',
    status: plain,
    answer: plain,
    answeredBy: plain,
    answeredAt: plain,
    ...stamps,
  },
}

export const reviewCommentTable: Table<ReviewCommentRow> = {
  name: 'review_comment',
  columns: {
    id: plain,
    unitTaskId: plain,
    file: plain,
    startLine: plain,
    endLine: plain,
    side: plain,
    text: plain,
    resolved: 'boolean',
    ...stamps,
  },
}

/** Each is compared with its entity by a test. */
export const tables = [
  workspaceTable,
  repositoryTable,
  repositoryGroupTable,
  workerTable,
  agentTaskTable,
  unitTaskTable,
  agentSessionTable,
  questionTable,
  reviewCommentTable,
]
