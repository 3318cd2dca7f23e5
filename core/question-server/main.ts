/**
 * A program that gives an agent the tool `ask_person`, by MCP on its standard input and output. The agent starts it; its argument is
 * the folder of question files. It ends with its input, and withdraws what is not answered.
 */
import { McpServer, type ServerContext } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { fail } from '../base/errors.ts'
import { askByFile } from './ask-by-file.ts'
import { fileQuestion } from './question-files.ts'
import { SERVER_NAME, TOOL_NAME } from './question-server.ts'

const DESCRIPTION = [
  'Asks the person who gave you the task a question and waits for the answer, however long it takes.',
  'Use it when you need a decision, a preference or a fact that you can find neither in the task nor in the files, and a wrong guess would cost real work.',
  'Do not use it for what you can find out or decide yourself, to report progress, or to ask whether to go on.',
  'Ask one thing at a time. Offer options when there are a few likely answers.',
].join(' ')

/** Clients give up on a tool that is silent for a minute or so, but most wait on while they hear that it is at work. */
const SIGN_OF_LIFE_MS = 15_000

const folder = process.argv[2] ?? fail('USAGE', 'Name the folder of question files.')
const over = new AbortController()

function makeServer(): McpServer {
  const server = new McpServer({ name: SERVER_NAME, version: '0.1.0' })
  const annotations = { readOnlyHint: true, openWorldHint: false }
  const tool = { title: 'Ask the user', description: DESCRIPTION, inputSchema: fileQuestion, annotations }
  server.registerTool(TOOL_NAME, tool, async (asked, { mcpReq }) => {
    using _alive = signsOfLife(mcpReq)
    const result = await askByFile(folder, asked, AbortSignal.any([mcpReq.signal, over.signal]))
    return 'answer' in result ? toAnswer(result.answer) : { ...toResult(result.error), isError: true }
  })
  return server
}

function signsOfLife({ _meta, notify }: ServerContext['mcpReq']): Disposable {
  const progressToken = _meta?.progressToken
  let progress = 0
  const send = () => {
    const params = { progressToken: progressToken ?? 0, progress: ++progress, message: 'Waiting for an answer.' }
    notify({ method: 'notifications/progress', params }).catch(() => {})
  }
  const timer = progressToken === undefined ? undefined : setInterval(send, SIGN_OF_LIFE_MS)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

const toResult = (text: string) => ({ content: [{ type: 'text' as const, text }] })

/** In words: Gemini CLI takes a text that is JSON for structured content, and fails on a plain number. */
const toAnswer = (answer: string) => toResult(`The answer is: ${answer}`)

function end(): void {
  over.abort()
  // What was asked is withdrawn by then.
  setImmediate(() => process.exit())
}

serveStdio(makeServer)
process.stdin.once('end', end).once('close', end)
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, end)
