import { describe, expect, test } from 'vitest'
import { makeBatches } from '../../core/engine/batches.ts'

describe('batches', () => {
  test('hold together what came while one was under way', async () => {
    const done: (readonly number[])[] = []
    const first = Promise.withResolvers<void>()
    const batches = makeBatches<number>(async (items) => {
      done.push([...items])
      if (done.length === 1) await first.promise
    })
    const one = batches.add(1)
    await Promise.resolve()
    const rest = [batches.add(2), batches.add(3)]
    first.resolve()
    await Promise.all([one, ...rest])
    await batches.add(4)
    expect(done).toEqual([[1], [2, 3], [4]])
  })

  test('fail for those that were in them, and for nobody after', async () => {
    let fails = true
    const batches = makeBatches<number>(async () => {
      if (fails) throw new Error('not now')
    })
    const both = await Promise.allSettled([batches.add(1), batches.add(2)])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    fails = false
    await expect(batches.add(3)).resolves.toBeUndefined()
  })
})
