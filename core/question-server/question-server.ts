/** What an agent is told to reach the question server. Pure. */
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

export const SERVER_NAME = 'troupe'
/** Not `ask_user`: Gemini CLI has a tool of that name, which it leaves out where there is no terminal, and any other with it. */
export const TOOL_NAME = 'ask_person'

const PROGRAM = fileURLToPath(new URL(`./main${extname(import.meta.url)}`, import.meta.url))

/** @param folder Of question files, absolute. */
export const toQuestionServer = (folder: string) => ({
  name: SERVER_NAME,
  command: process.execPath,
  args: [PROGRAM, folder],
  env: {},
})
