/** All commands. Later ones (`plan`, `serve`, `worker`, `desktop`, `login`, `secret`) each become one more line here. */
import type { Command } from 'commander'
import type { Run } from './command.ts'
import { addAgentCommands } from './commands/agent.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addPluginCommands } from './commands/plugin.ts'
import { addRepoCommands } from './commands/repo.ts'
import { addRunCommand } from './commands/run.ts'
import { addStartCommand } from './commands/start.ts'
import { addTaskCommands } from './commands/task.ts'
import { addUpCommand } from './commands/up.ts'

export function addCommands(program: Command, run: Run): void {
  addUpCommand(program, run)
  addRunCommand(program, run)
  addTaskCommands(program, run)
  addRepoCommands(program, run)
  addAgentCommands(program, run)
  addPluginCommands(program, run)
  addDoctorCommand(program, run)
  addStartCommand(program, run)
}
