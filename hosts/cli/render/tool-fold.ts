/**
 * Joins each tool call with its result. Owns: the calls that have no result yet.
 *
 * 1. A call is shown once: with its result, or without one when the session ends first.
 * 2. Their number is bounded: the oldest is shown without a result when there are too many.
 * 3. A tool whose work was to ask is shown as its question alone.
 */
import type { Style } from './style.ts'
import { type ToolResult, type ToolUse, toolLines } from './tool.ts'

export interface ToolFold {
  begin(use: ToolUse): string[]
  end(result: ToolResult): string[]
  /** A question came, which the newest call may have been made for. */
  asked(): void
  /** The newest call that has no result yet. */
  current(): ToolUse | undefined
  /** The session is over. */
  finish(): string[]
}

const MOST_OPEN = 256

/** @param workDir gives the folder that paths are shown relative to */
export function makeToolFold(style: Style, workDir: () => string): ToolFold {
  const open = new Map<string, ToolUse>()
  /** The call that a question stands for. */
  let asking: string | undefined

  function take(toolUseId: string, result?: ToolResult): string[] {
    const use = open.get(toolUseId)
    open.delete(toolUseId)
    return use ? toolLines(use, result, { workDir: workDir(), style }) : []
  }

  return {
    begin(use) {
      open.set(use.toolUseId, use)
      const oldest = open.size > MOST_OPEN ? open.keys().next().value : undefined
      return oldest === undefined ? [] : take(oldest)
    },
    asked() {
      const use = [...open.values()].at(-1)
      if (use?.kind !== 'other') return
      asking = use.toolUseId
      open.delete(asking)
    },
    end(result) {
      if (result.toolUseId === asking) return []
      if (open.has(result.toolUseId)) return take(result.toolUseId, result)
      const { seq, at, sessionId, toolUseId, toolName } = result
      const use = { type: 'toolUse', seq, at, sessionId, toolUseId, toolName, input: null, kind: 'other' } as const
      return toolLines(use, result, { workDir: workDir(), style })
    },
    current: () => [...open.values()].at(-1),
    finish: () => [...open.keys()].flatMap((id) => take(id)),
  }
}
