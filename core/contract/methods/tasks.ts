/** Unit tasks: from a prompt to work that is merged. */
import { z } from 'zod'
import { method } from '../method.ts'
import { id, reviewComment, taskDiff, unitTask } from '../records.ts'
import { mergeStrategy, permissionMode, sandboxKind, taskStatus } from '../statuses.ts'

const byId = z.object({ id })
const task = z.object({ task: unitTask })
/** An argument of the agent's program, which must not take it for an option. */
const modelName = z.string().max(200).regex(/^[^-]/, 'must not begin with "-"')
const prompt = z.string().trim().min(1).max(1_000_000)

export const tasks = {
  createUnitTask: method({
    params: z.object({
      /** Either this or `repositoryId`. */
      repositoryGroupId: id.optional(),
      repositoryId: id.optional(),
      prompt,
      /** Default: the first line of the prompt, shortened. */
      title: z.string().trim().min(1).max(200).optional(),
      agent: z.string().max(200).optional(),
      model: modelName.optional(),
      permissionMode: permissionMode.optional(),
      sandbox: sandboxKind.optional(),
      /** Default: the repository's default branch. */
      baseBranch: z.string().max(1000).optional(),
      /** Default: by the template of the configuration. */
      branchName: z.string().max(1000).optional(),
      /** Leave it a draft when false. */
      start: z.boolean().default(false),
    }),
    result: task,
    errors: [
      'NOT_FOUND',
      'AGENT_NOT_FOUND',
      'UNSUPPORTED',
      'SANDBOX_UNSUPPORTED',
      'CONFIG_INVALID',
      'REPO_NOT_FOUND',
      'REPO_NOT_GIT',
      'REPO_BARE',
      'REPO_EMPTY',
      'REPO_DETACHED',
      'REPO_BRANCH_MISSING',
      'REPO_UNWRITABLE',
      'REPO_BRANCH_EXISTS',
      'GIT_FAILED',
    ],
    access: 'member',
    doc: 'Makes a task for a repository, as a draft or started at once.',
  }),
  getUnitTask: method({
    params: byId,
    result: task,
    errors: ['NOT_FOUND'],
    access: 'viewer',
    doc: 'Gives one task.',
  }),
  listUnitTasks: method({
    params: z.object({
      status: z.array(taskStatus).optional(),
      repositoryId: id.optional(),
      /** Only the attempts of this comparison. */
      comparisonId: id.optional(),
      /** Looks for this text in titles and prompts, case-insensitively. */
      search: z.string().max(200).optional(),
      cursor: z.string().optional(),
      limit: z.number().int().min(1).max(500).default(50),
    }),
    result: z.object({ tasks: z.array(unitTask), nextCursor: z.string().optional() }),
    errors: [],
    access: 'viewer',
    doc: 'Lists tasks, newest first, filtered and in pages.',
  }),
  updateUnitTask: method({
    params: z.object({ id, title: z.string().trim().min(1).max(200).optional(), prompt: prompt.optional() }),
    result: task,
    errors: ['NOT_FOUND', 'CONFLICT'],
    access: 'member',
    doc: 'Changes the title at any time, the prompt while the task is a draft.',
  }),
  updateUnitTaskStatus: method({
    params: z.object({ id, status: z.enum(['queued', 'stopped', 'approved', 'rejected', 'done']) }),
    result: task,
    errors: ['NOT_FOUND', 'CONFLICT'],
    access: 'member',
    doc: 'Moves a task to a status as a person would by hand; `done` says that it was merged elsewhere.',
  }),
  deleteUnitTask: method({
    params: byId,
    result: z.object({}),
    errors: ['NOT_FOUND', 'CONFLICT'],
    access: 'member',
    doc: 'Removes a task that is not at work, with its worktree and log; uncommitted work is saved to a ref first.',
  }),
  retryUnitTask: method({
    params: z.object({ id, fresh: z.boolean().default(false) }),
    result: task,
    errors: ['NOT_FOUND', 'CONFLICT'],
    access: 'member',
    doc: "Starts a new session for a failed, stopped or rejected task; it resumes the agent's conversation unless `fresh`.",
  }),
  approveUnitTask: method({
    params: byId,
    result: task,
    errors: ['NOT_FOUND', 'CONFLICT'],
    access: 'member',
    doc: 'Says that the work is good; it can then be merged.',
  }),
  rejectUnitTask: method({
    params: byId,
    result: task,
    errors: ['NOT_FOUND', 'CONFLICT'],
    access: 'member',
    doc: 'Says that the work is not wanted; the branch stays.',
  }),
  requestChanges: method({
    params: z.object({
      id,
      prompt: prompt.optional(),
      /** Send the unresolved review comments too. */
      includeComments: z.boolean().default(true),
    }),
    result: task,
    errors: ['NOT_FOUND', 'CONFLICT', 'INVALID_PARAMS'],
    access: 'member',
    doc: "Sends the work back: a new session resumes the agent's own conversation with this prompt.",
  }),
  getTaskDiff: method({
    params: byId,
    result: z.object({ diff: taskDiff }),
    errors: ['NOT_FOUND', 'CONFLICT', 'WORKTREE_MISSING', 'GIT_FAILED'],
    access: 'viewer',
    doc: 'Gives all that the task changed since its base commit, committed or not.',
  }),
  getTaskFile: method({
    params: z.object({ id, path: z.string().min(1).max(4096), side: z.enum(['base', 'work']).default('work') }),
    result: z.object({
      content: z.string(),
      encoding: z.enum(['utf8', 'base64']),
      bytes: z.number().int(),
    }),
    errors: ['NOT_FOUND', 'CONFLICT', 'REPO_FILE_NOT_FOUND', 'LIMIT_BODY'],
    access: 'viewer',
    doc: 'Gives one file of a task for review, before or after the work.',
  }),
  addReviewComment: method({
    params: z.object({
      id,
      file: z.string().min(1).max(4096),
      startLine: z.number().int().positive(),
      endLine: z.number().int().positive().optional(),
      side: z.enum(['old', 'new']).default('new'),
      text: z.string().trim().min(1).max(20_000),
    }),
    result: z.object({ comment: reviewComment }),
    errors: ['NOT_FOUND', 'INVALID_PARAMS'],
    access: 'member',
    doc: 'Notes something at lines of a changed file; request changes to send it to the agent.',
  }),
  listReviewComments: method({
    params: byId,
    result: z.object({ comments: z.array(reviewComment) }),
    errors: ['NOT_FOUND'],
    access: 'viewer',
    doc: 'Lists the review comments of a task.',
  }),
  commitTask: method({
    params: z.object({ id, strategy: mergeStrategy.default('merge'), message: z.string().max(20_000).optional() }),
    result: task,
    errors: [
      'NOT_FOUND',
      'CONFLICT',
      'MERGE_CONFLICT',
      'MERGE_NOT_FAST_FORWARD',
      'MERGE_BLOCKED',
      'TASK_NO_CHANGES',
      'REPO_BRANCH_MISSING',
      'GIT_IDENTITY_MISSING',
      'GIT_FAILED',
    ],
    access: 'member',
    doc: 'Merges an approved task into its base branch; on any conflict nothing is changed.',
  }),
  createPullRequest: method({
    params: z.object({
      id,
      /** Default: the title of the task. */
      title: z.string().trim().min(1).max(200).optional(),
      /** Markdown. Default: the first paragraph of the prompt, and a line that names the task. */
      body: z.string().max(60_000).optional(),
    }),
    result: z.object({ task: unitTask, url: z.string() }),
    errors: [
      'NOT_FOUND',
      'CONFLICT',
      'UNSUPPORTED',
      'CONFIG_INVALID',
      'TASK_NO_CHANGES',
      'REPO_NOT_FOUND',
      'REPO_BRANCH_MISSING',
      'GIT_IDENTITY_MISSING',
      'GIT_FAILED',
    ],
    access: 'member',
    doc: "Pushes an approved task's branch to `origin` and opens a pull request on GitHub or GitLab, or gives the one that is open.",
  }),
}
