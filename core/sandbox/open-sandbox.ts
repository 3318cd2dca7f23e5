/** The choice of a sandbox by its kind. */
import { fail } from '../base/errors.ts'
import type { SandboxKind } from '../contract/statuses.ts'
import { makeProcessSandbox, type ProcessSandbox, type ProcessSandboxOptions } from './process-sandbox.ts'

/** @throws TroupeError SANDBOX_UNSUPPORTED for `docker` and `podman`. */
export function openSandbox(kind: SandboxKind, options: ProcessSandboxOptions): ProcessSandbox {
  if (kind === 'process') return makeProcessSandbox(options)
  return fail(
    'SANDBOX_UNSUPPORTED',
    `This version of Troupe cannot run agents in ${kind} yet. Set kind = "process" in [sandbox] of config.toml.`,
  )
}
