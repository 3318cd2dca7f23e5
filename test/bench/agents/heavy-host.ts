/** A host in this process whose heap holds `<MiB>` beside its own; at each message it says how long a session took to speak. */
import { openInProcessHost } from '../../helpers/in-process-host.ts'
import { openRepeater } from '../runner/repeater.ts'

const MIB = 1024 ** 2
const DOUBLE = 8

const [, , mib] = process.argv
/** Doubles of 1 MiB each: plain memory of the heap, which costs the collector nothing to look at. */
const held = Array.from({ length: Number(mib) }, () => Array.from<number>({ length: MIB / DOUBLE }).fill(0.5))

await using host = await openInProcessHost()
const repository = await host.lab.repository('small')
await using repeater = await openRepeater(host.client, { repository, agent: 'command', prompt: 'echo Hello.' })
const over = Promise.withResolvers<void>()
process.once('disconnect', () => over.resolve())
process.on('message', () => void repeater.firstText().then((ms) => process.send?.(ms)))
process.send?.(held.length)
await over.promise
