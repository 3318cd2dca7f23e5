/** The generated documents and where they live in the repository. */
import { errorsPage } from './errors-page.ts'
import { openRpcDocument } from './openrpc.ts'
import { referencePage } from './reference.ts'

export interface GeneratedDocument {
  /** From the root of the repository. */
  readonly path: string
  /** Before it is formatted. */
  readonly make: () => string
}

export const generatedDocuments: readonly GeneratedDocument[] = [
  { path: 'docs/rpc.md', make: referencePage },
  { path: 'docs/errors.md', make: errorsPage },
  { path: 'docs/openrpc.json', make: () => JSON.stringify(openRpcDocument()) },
]
