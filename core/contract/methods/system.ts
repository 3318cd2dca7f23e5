/** The host itself. */
import { z } from 'zod'
import { method } from '../method.ts'

const settings = z.object({
  /** The effective values, by section, as in config.toml. */
  values: z.record(z.string(), z.json()),
  file: z.string(),
})

export const system = {
  getHealth: method({
    params: z.object({}),
    result: z.object({
      status: z.enum(['ok', 'degraded']),
      checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string().optional() })),
      sessions: z.number().int(),
      uptimeMs: z.number(),
    }),
    errors: [],
    access: 'public',
    doc: 'Says whether the host works: its database, its engine, its sessions.',
  }),
  getVersion: method({
    params: z.object({}),
    result: z.object({ version: z.string(), node: z.string(), contract: z.number().int() }),
    errors: [],
    access: 'public',
    doc: 'Gives the version of Troupe, of Node and of the plugin contract.',
  }),
  getSettings: method({
    params: z.object({}),
    result: settings,
    errors: [],
    access: 'viewer',
    doc: 'Gives the effective settings.',
  }),
  updateSettings: method({
    params: z.object({ values: z.record(z.string(), z.json()) }),
    result: settings,
    errors: ['CONFIG_INVALID'],
    access: 'admin',
    doc: "Merges values into the data directory's config.toml; null removes a key; an invalid result changes nothing.",
  }),
}
