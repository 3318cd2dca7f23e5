/** Prepares a worktree in a process of its own and kills it at a fault point. */
import { onFaultPoint } from '../../core/base/fault-point.ts'
import { openWorkspaces } from '../../core/workspace/workspaces.ts'

const [point, dataDir = '', repositoryPath = '', taskId = '', branchName = ''] = process.argv.slice(2)

onFaultPoint((name) => {
  if (name === point) process.kill(process.pid, 'SIGKILL')
})
const pool = { size: () => 1, delayMs: 60_000, minFiles: 0 }
const workspaces = await openWorkspaces({ dataDir, pool })
const request = { taskId, repositoryPath, branchName, baseBranch: 'main' }
await workspaces.prepareWorkspace({ ...request, setup: { copy: [] }, env: {} })
