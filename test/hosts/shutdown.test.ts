import { EventEmitter, once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { listenForShutdown } from '../../hosts/shutdown.ts'

function begin(forceAfterMs?: number) {
  const source = new EventEmitter()
  const exits: number[] = []
  const exit = (code: number) => {
    exits.push(code)
    source.emit('exit')
  }
  const shutdown = listenForShutdown({ source, exit, ...(forceAfterMs !== undefined && { forceAfterMs }) })
  return { source, exits, shutdown, [Symbol.dispose]: () => shutdown[Symbol.dispose]() }
}

describe('a signal', () => {
  it('asks for an orderly end at first, and ends at once when it comes again', () => {
    using run = begin()
    run.source.emit('SIGTERM')
    expect(run.shutdown.signal.aborted).toBe(true)
    expect(run.shutdown.signal.reason).toMatchObject({ code: 'ABORTED' })
    expect(run.exits).toEqual([])
    run.source.emit('SIGINT')
    expect(run.exits).toEqual([130])
  })

  it('ends the process when the orderly end takes too long', async () => {
    using run = begin(1)
    run.source.emit('SIGHUP')
    const keepAlive = setTimeout(() => {}, 30_000)
    await once(run.source, 'exit')
    clearTimeout(keepAlive)
    expect(run.exits).toEqual([129])
  })

  it('goes to whoever took Ctrl-C over, and only while they have it', () => {
    using run = begin()
    let heard = 0
    {
      using _taken = run.shutdown.onInterrupt(() => heard++)
      run.source.emit('SIGINT')
      expect([heard, run.shutdown.signal.aborted]).toEqual([1, false])
    }
    run.source.emit('SIGINT')
    expect([heard, run.shutdown.signal.aborted]).toEqual([1, true])
  })

  it('means an end even while Ctrl-C is taken over, if it is another one', () => {
    using run = begin()
    using _taken = run.shutdown.onInterrupt(() => {})
    run.source.emit('SIGTERM')
    expect(run.shutdown.cause).toBe('SIGTERM')
  })

  it('is not heard any more afterwards', () => {
    const run = begin()
    run.shutdown[Symbol.dispose]()
    expect(run.source.eventNames()).toEqual([])
  })
})
