/** An agent that prints lines at a steady rate, each with the time of its write: `<lines per second> <lines>`. */
import { writeSync } from 'node:fs'

const [perSecond, lines] = process.argv.slice(2).map(Number)
if (!perSecond || !lines) throw new Error('How many lines a second, and how many in all?')

const begin = performance.now()
let printed = 0
const timer = setInterval(() => {
  const due = Math.min(lines, Math.floor(((performance.now() - begin) / 1000) * perSecond))
  for (; printed < due; printed += 1) {
    writeSync(1, `{"type":"text","content":"${process.hrtime.bigint() / 1000n} is when this was written."}\n`)
  }
  if (printed >= lines) clearInterval(timer)
}, 1)
