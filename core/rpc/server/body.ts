/** The body of a request, whole and bounded. */
import type { IncomingMessage } from 'node:http'
import { TroupeError } from '../../base/errors.ts'

const UTF8 = new TextDecoder('utf-8', { fatal: true })

/** @throws TroupeError MEDIA_TYPE unless the body is plain JSON in UTF-8, which no form of a foreign page can send. */
export function assertJson({ headers }: IncomingMessage): void {
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';')
  const foreign = parameters.some((parameter) => !/^ *charset *= *"?utf-8"? *$/.test(parameter))
  if (type.trim() === 'application/json' && !foreign && headers['content-encoding'] === undefined) return
  throw new TroupeError('MEDIA_TYPE', 'Send the request as application/json, in UTF-8 and not compressed.')
}

/** @throws TroupeError LIMIT_BODY when the head says that more comes than is taken; not a byte was read then. */
export function assertLength({ headers }: IncomingMessage, limit: number): void {
  if (Number(headers['content-length'] ?? 0) > limit) throw tooLarge(limit)
}

/** @throws TroupeError LIMIT_BODY at the first byte too many, PARSE_ERROR for invalid UTF-8, ABORTED. */
export async function readBody(request: IncomingMessage, limit: number): Promise<string> {
  const bytes = await readBytes(request, limit)
  try {
    return UTF8.decode(bytes)
  } catch {
    throw new TroupeError('PARSE_ERROR', 'The request is not valid UTF-8.')
  }
}

/** Not `for await`: leaving that loop would end the socket before the refusal is sent. */
function readBytes(request: IncomingMessage, limit: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const chunks: Buffer[] = []
  let size = 0
  const onData = (chunk: Buffer) => {
    size += chunk.length
    if (size <= limit) chunks.push(chunk)
    else stop()
  }
  /** What still comes is thrown away, so that the peer can hear the refusal. */
  const stop = () => {
    chunks.length = 0
    request.off('data', onData).resume()
    reject(tooLarge(limit))
  }
  request.on('data', onData)
  request.once('end', () => resolve(Buffer.concat(chunks)))
  request.once('error', reject)
  request.once('close', () => reject(new TroupeError('ABORTED', 'The caller gave up.')))
  return promise
}

const tooLarge = (limit: number): TroupeError =>
  new TroupeError('LIMIT_BODY', `The request body is larger than ${limit} bytes; send less at a time.`)
