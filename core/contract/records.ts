/** The records as they travel: what clients see of the rows. */
import { z } from 'zod'
import { errorCode, questionKind, questionOption, usage } from './messages.ts'
import {
  permissionMode,
  questionStatus,
  sandboxKind,
  sessionOutcome,
  sessionStatus,
  taskStatus,
  waitingFor,
} from './statuses.ts'

export const id = z.string().min(1).max(64)
/** ISO 8601, UTC. */
export const time = z.string()
const stamps = { id, createdAt: time, updatedAt: time }

export const errorRecord = z.object({
  code: errorCode,
  message: z.string(),
  details: z.record(z.string(), z.unknown()).optional(),
})

export const unitTask = z.object({
  ...stamps,
  repositoryGroupId: id,
  agentTaskId: id,
  compositeTaskId: id.optional(),
  /** Shared by the attempts that are compared with each other. */
  comparisonId: id.optional(),
  title: z.string(),
  prompt: z.string(),
  status: taskStatus,
  waitingFor: waitingFor.optional(),
  agent: z.string(),
  model: z.string().optional(),
  permissionMode,
  sandbox: sandboxKind,
  /** The branch that the work is merged into. */
  baseBranch: z.string(),
  branchName: z.string(),
  baseCommit: z.string().optional(),
  /** The last commit of the task's branch, recorded when a session ends and when the task is merged. */
  endCommit: z.string().optional(),
  /** The commit on the base branch that brought the work in. */
  mergeCommit: z.string().optional(),
  worktreePath: z.string().optional(),
  linkedPrUrl: z.string().optional(),
  /** The newest session, running or ended. */
  sessionId: id.optional(),
  /** Why the task failed, or why its merge was refused. */
  error: errorRecord.optional(),
})
export type UnitTask = z.infer<typeof unitTask>

export const agentSession = z.object({
  ...stamps,
  unitTaskId: id,
  agentTaskId: id,
  workerId: id,
  agent: z.string(),
  model: z.string().optional(),
  permissionMode,
  sandbox: sandboxKind,
  status: sessionStatus,
  outcome: sessionOutcome.optional(),
  error: errorRecord.optional(),
  agentSessionId: z.string().optional(),
  startedAt: time.optional(),
  endedAt: time.optional(),
  usage: usage.optional(),
  /** The highest sequence number in its log. */
  lastSeq: z.number().int(),
  /** Where `[retention]` moved its log: to an archive, from which it is read as before, or nowhere. */
  retired: z.enum(['archived', 'dropped']).optional(),
})
export type AgentSession = z.infer<typeof agentSession>

export const agentTask = z.object({
  ...stamps,
  agent: z.string(),
  model: z.string().optional(),
  baseRemotes: z.array(z.object({ repositoryId: id, branch: z.string() })),
  sessions: z.array(agentSession),
})
export type AgentTask = z.infer<typeof agentTask>

export const question = z.object({
  ...stamps,
  sessionId: id,
  unitTaskId: id,
  kind: questionKind,
  prompt: z.string(),
  options: z.array(questionOption).optional(),
  multiple: z.boolean().optional(),
  status: questionStatus,
  answer: z.string().optional(),
  answeredBy: z.string().optional(),
  answeredAt: time.optional(),
})
export type Question = z.infer<typeof question>

export const reviewComment = z.object({
  ...stamps,
  unitTaskId: id,
  file: z.string(),
  /** First and last line, from 1, both included. */
  startLine: z.number().int().positive(),
  endLine: z.number().int().positive(),
  side: z.enum(['old', 'new']),
  text: z.string(),
  resolved: z.boolean(),
})
export type ReviewComment = z.infer<typeof reviewComment>

export const vcsProvider = z.enum(['github', 'gitlab', 'bitbucket', 'none'])

export const repository = z.object({
  ...stamps,
  workspaceId: id,
  name: z.string(),
  remoteUrl: z.string().optional(),
  localPath: z.string().optional(),
  defaultBranch: z.string(),
  vcsProvider,
})
export type Repository = z.infer<typeof repository>

export const repositoryGroup = z.object({
  ...stamps,
  workspaceId: id,
  name: z.string().optional(),
  repositoryIds: z.array(id).min(1),
})
export type RepositoryGroup = z.infer<typeof repositoryGroup>

export const workspace = z.object({ ...stamps, name: z.string(), description: z.string().optional() })
export type Workspace = z.infer<typeof workspace>

export const fileChange = z.enum(['added', 'modified', 'deleted', 'renamed', 'type_changed'])

export const diffFile = z.object({
  path: z.string(),
  /** Where the file was, when renamed. */
  oldPath: z.string().optional(),
  change: fileChange,
  binary: z.boolean(),
  submodule: z.boolean(),
  /** Octal, for example `100755`; absent on the side where the file is not. */
  oldMode: z.string().optional(),
  newMode: z.string().optional(),
  additions: z.number().int(),
  deletions: z.number().int(),
  /** Unified hunks; absent for binary files and when over the limit. */
  patch: z.string().optional(),
  /** True when the patch was left out for its size. */
  tooLarge: z.boolean().optional(),
})
export type DiffFile = z.infer<typeof diffFile>

export const taskDiff = z.object({
  baseCommit: z.string(),
  files: z.array(diffFile),
  additions: z.number().int(),
  deletions: z.number().int(),
})
/** All that a task changed since its base commit, committed or not. */
export type TaskDiff = z.infer<typeof taskDiff>

export const detection = z.object({
  installed: z.boolean(),
  version: z.string().optional(),
  /** Where the program was found. */
  program: z.string().optional(),
  signedIn: z.enum(['yes', 'no', 'unknown']),
  /** What to do when it is not installed or not signed in. */
  hint: z.string().optional(),
  models: z.array(z.string()).optional(),
})
/** What a plugin found out about its program on this machine. */
export type Detection = z.infer<typeof detection>

export const agentInfo = z.object({
  agent: z.string(),
  name: z.string(),
  plugin: z.string(),
  permissionModes: z.array(permissionMode),
  /** The program and its version that the author of the plugin has tried. */
  provenWith: z.string().optional(),
  detection,
})
export type AgentInfo = z.infer<typeof agentInfo>

export const pluginWishes = z.object({
  /** Names of secrets that its agents may receive. */
  secrets: z.array(z.string()),
  /** Programs that it starts. */
  programs: z.array(z.string()),
  /** Hosts that it, or its agents, talk to. */
  network: z.array(z.string()),
})
/** What a plugin wants of the machine. */
export type PluginWishes = z.infer<typeof pluginWishes>

/** What a plugin wants, and the hash by which a confirmation names it. */
const askedWishes = z.object({ version: z.string(), wishes: pluginWishes, wishesHash: z.string() })

export const pluginIsolation = z.enum(['thread', 'process'])
export type PluginIsolation = z.infer<typeof pluginIsolation>

export const installation = z.object({
  /** What the user named to be installed. */
  from: z.string(),
  wishes: pluginWishes,
  /** Of all its files; they are held against it before they are loaded. */
  contentHash: z.string(),
  /** The checksum of the registry, if it came from one. */
  integrity: z.string().optional(),
  /** Where npm found it: an address, with the commit for git. */
  resolved: z.string().optional(),
  /** A version that waits for the user to agree to what it wants; until then the one before is used, if there is one. */
  unconfirmed: askedWishes.optional(),
})

export const pluginInfo = z.object({
  name: z.string(),
  version: z.string(),
  /** `path`: a folder that the user put into the data directory, or named. */
  source: z.enum(['bundled', 'installed', 'path']),
  path: z.string(),
  /** Where its code runs: in a thread of the host, or a process of its own. */
  isolation: pluginIsolation,
  status: z.enum(['ready', 'broken', 'unconfirmed', 'disabled']),
  error: errorRecord.optional(),
  agents: z.array(z.string()),
  installation: installation.optional(),
})
/** A plugin that fails to load is a value: `broken` with its reason. */
export type PluginInfo = z.infer<typeof pluginInfo>
