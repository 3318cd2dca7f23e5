/** Names for branches, from a template and whatever people write as a title. */
import { fail } from '../base/errors.ts'

export interface BranchFields {
  readonly taskId: string
  readonly title: string
  /** Default: made from the title. */
  readonly slug?: string
  readonly agent?: string
}

const SLUG_LENGTH = 40

/** Letters and digits of any script, in lower case, joined by single dashes; `task` when nothing is left. */
export function toSlug(text: string): string {
  const slug = text
    .normalize('NFKD')
    // Accents of Latin letters; the marks of other scripts carry meaning and stay.
    .replace(/(?<=\p{Script=Latin})\p{Mn}+/gu, '')
    .normalize('NFC')
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, '-')
  const cut = Array.from(slug)
    .slice(0, SLUG_LENGTH)
    .join('')
    .replace(/^-+|-+$/g, '')
  return cut === '' ? 'task' : cut
}

/** The end of a UUIDv7 is random; its beginning is the time, which two tasks may share. */
const shortId = (taskId: string): string => taskId.replaceAll('-', '').slice(-8).toLowerCase()

/**
 * Fills a template such as `troupe/${slug}-${taskId}`; `taskId` is shortened to 8 characters.
 * @throws TroupeError CONFIG_INVALID when the template has an unknown field or gives no valid name.
 */
export function branchName(template: string, fields: BranchFields): string {
  const values: Readonly<Record<string, string>> = {
    slug: toSlug(fields.slug ?? fields.title),
    title: toSlug(fields.title),
    taskId: shortId(fields.taskId),
    agent: toSlug(fields.agent ?? 'agent'),
  }
  const name = template.replace(/\$\{([^}]*)\}/g, (_, field: string) => {
    if (!Object.hasOwn(values, field)) {
      fail(
        'CONFIG_INVALID',
        `[branch] template has the unknown field ${field}. Known: ${Object.keys(values).join(', ')}.`,
      )
    }
    return values[field] ?? ''
  })
  if (!isBranchName(name)) fail('CONFIG_INVALID', `[branch] template "${template}" gives "${name}", which git refuses.`)
  return name
}

/** The rules of `git check-ref-format --branch`, and a length that every file system takes. */
export const isBranchName = (name: string): boolean =>
  name !== 'HEAD' && isRefName(name) && name.split('/').every((part) => Buffer.byteLength(part) < 200)

/** The rules of `git check-ref-format`: a name, and no expression such as `main~1`. */
export const isRefName = (name: string): boolean =>
  name !== '' &&
  name !== '@' &&
  !name.startsWith('-') &&
  !/[\p{Cc} ~^:?*[\\]|\.\.|@\{|\/\/|^\/|\/$|\.$/u.test(name) &&
  name.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'))
