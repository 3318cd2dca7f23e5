/** The page of all errors, in Markdown. */
import { ERRORS } from '../../base/errors.ts'

const INTRODUCTION = `<!-- Made from core/base/errors.ts by \`npm run docs\`; do not edit. -->

# Errors

Every error has a stable name, which is never renamed and never reused. Over JSON-RPC the name travels as
\`error.data.code\` and the number as \`error.code\`; \`error.message\` says what happened, to what, and what to do next;
\`error.data.details\`, where present, has facts for programs. In the log of a session and on a failed task the same
name stands in \`code\`.`

export function errorsPage(): string {
  const rows = Object.entries(ERRORS).map(([name, { rpc, doc }]) => `| \`${name}\` | ${rpc} | ${doc} |`)
  return [INTRODUCTION, ['| name | JSON-RPC | meaning |', '| --- | --- | --- |', ...rows].join('\n')].join('\n\n')
}
