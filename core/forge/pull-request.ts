/** A pull request, by whatever name its service has for it. */
import { z } from 'zod'

export interface PullRequest {
  readonly url: string
  /** As people name it in its project. */
  readonly number: number
}

/** What is asked for. */
export interface Proposal {
  /** The branch with the work. */
  readonly head: string
  /** The branch that shall take it. */
  readonly base: string
  readonly title: string
  /** Markdown. */
  readonly body: string
}

/** An address of a page, in a form that can be printed. */
export const webUrl = z
  .string()
  .max(2000)
  .transform((text, context) => {
    const url = URL.parse(text)
    if (url && /^https?:$/.test(url.protocol)) return url.href
    context.addIssue('This is not the address of a page.')
    return z.NEVER
  })
