/** Every status, once. The machines, the store and the wire derive theirs from here. */
import { z } from 'zod'

export const taskStatus = z.enum([
  'draft',
  'queued',
  'in_progress',
  'in_review',
  'approved',
  'pr_open',
  'done',
  'rejected',
  'stopped',
  'failed',
])
export type TaskStatus = z.infer<typeof taskStatus>

/** What a queued or running task waits for, if anything. */
export const waitingFor = z.enum(['worker', 'secrets', 'input', 'quota'])
export type WaitingFor = z.infer<typeof waitingFor>

export const sessionStatus = z.enum([
  'assigned',
  'starting',
  'running',
  'awaiting_input',
  'stopping',
  'completed',
  'failed',
  'stopped',
  'lost',
])
export type SessionStatus = z.infer<typeof sessionStatus>

/** How a session ended. `lost`: its process or host went away; the task is queued again. */
export const sessionOutcome = z.enum(['completed', 'failed', 'stopped', 'lost'])
export type SessionOutcome = z.infer<typeof sessionOutcome>

export const questionStatus = z.enum(['pending', 'answered', 'withdrawn'])
export type QuestionStatus = z.infer<typeof questionStatus>

export const permissionMode = z.enum(['ask', 'accept_edits', 'plan', 'full'])
/** How freely the agent may act: asks for each thing, edits freely, only plans, or does all without asking. */
export type PermissionMode = z.infer<typeof permissionMode>

export const sandboxKind = z.enum(['process', 'docker', 'podman'])
export type SandboxKind = z.infer<typeof sandboxKind>

export const mergeStrategy = z.enum(['merge', 'squash', 'fast_forward'])
export type MergeStrategy = z.infer<typeof mergeStrategy>
