/** Agents; plugins bring them. */
import { z } from 'zod'
import { method } from '../method.ts'
import { agentInfo } from '../records.ts'

export const agents = {
  listAgents: method({
    params: z.object({ detect: z.boolean().default(true) }),
    result: z.object({ agents: z.array(agentInfo) }),
    errors: [],
    access: 'viewer',
    doc: 'Lists agents, and for each whether its program is installed, its version and whether it is signed in.',
  }),
}
