/**
 * The files by which a question server and the host speak, in a folder of the session: `<id>.question.json` is there for as long
 * as somebody waits for an answer, and `<id>.answer.json` has it. A file is there whole or not at all.
 */
import { randomUUID } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { fail } from '../base/errors.ts'

const option = z.object({
  label: z.string().min(1).max(200).describe('A few words; this is what you get back if the person chooses it.'),
  description: z.string().max(500).optional().describe('What choosing it means.'),
})

export const fileQuestion = z.object({
  question: z.string().min(1).max(20_000).describe('One question that can be understood without seeing your work.'),
  options: z.array(option).max(12).optional().describe('Likely answers. The person may always answer in other words.'),
  multiple: z.boolean().optional().describe('True when several of the options may be chosen.'),
})
/** What is asked, as the agent says it. */
export type FileQuestion = z.infer<typeof fileQuestion>

export const fileAnswer = z.union([z.object({ answer: z.string() }), z.object({ error: z.string() })])
/** What a person has answered, or why nobody was asked. */
export type FileAnswer = z.infer<typeof fileAnswer>

/** More than the largest question that `fileQuestion` allows. */
const MOST_BYTES = 256 * 1024
const QUESTION = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.question\.json$/

export const questionPath = (folder: string, id: string): string => join(folder, `${id}.question.json`)
export const answerPath = (folder: string, id: string): string => join(folder, `${id}.answer.json`)

/** The id of a question by the name of its file; undefined for every other file. */
export const questionIdIn = (name: string): string | undefined => QUESTION.exec(name)?.[1]

/** Readers see nothing or all of it. What is there under this name is replaced; a link is not followed. */
export function writeWhole(path: string, content: FileQuestion | FileAnswer): void {
  const part = `${path}.${randomUUID()}.part`
  writeFileSync(part, JSON.stringify(content), { flag: 'wx', mode: 0o600 })
  renameSync(part, path)
}

/**
 * The JSON of a file that anybody may have written: a link, a pipe or an endless file does no harm.
 * @throws Error when it cannot be read, TroupeError INVALID_PARAMS when it is no file or too large, SyntaxError when it is not JSON.
 */
export function readJson(path: string): unknown {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const facts = fstatSync(file)
    if (!facts.isFile() || facts.size > MOST_BYTES)
      fail('INVALID_PARAMS', `It is no file, or over ${MOST_BYTES} bytes.`)
    const bytes = Buffer.alloc(facts.size)
    return JSON.parse(bytes.toString('utf8', 0, readSync(file, bytes)))
  } finally {
    closeSync(file)
  }
}
