import { expect, it } from 'vitest'
import { makeTurns } from '../../core/base/turns.ts'

const rest = () => new Promise<void>((resolve) => setImmediate(resolve))

it('lets go of what is given up while it waits, and of nothing that has begun', async () => {
  const inTurn = makeTurns(1)
  const [first, begun] = [Promise.withResolvers<string>(), [] as number[]]
  const giveUps = [0, 1, 2].map(() => new AbortController())
  const [holder, given, kept] = giveUps.map(({ signal }, index) =>
    inTurn(async () => (begun.push(index), index === 0 ? first.promise : 'done'), signal),
  )
  giveUps[1]?.abort(new Error('given up'))
  await expect(given).rejects.toThrow('given up')
  await expect(inTurn(async () => 'never', AbortSignal.abort(new Error('at once')))).rejects.toThrow('at once')
  giveUps[0]?.abort()
  first.resolve('whole')
  expect(await holder).toBe('whole')
  expect(await kept).toBe('done')
  expect(begun).toEqual([0, 2])
  expect(await inTurn(async () => 'later')).toBe('later')
})

it('lets as many be under way as it may, and the others begin in their order, also after one that failed', async () => {
  const inTurn = makeTurns(2)
  const begun: number[] = []
  const works = [0, 1, 2, 3, 4].map(() => Promise.withResolvers<number>())
  const results = works.map(({ promise }, index) =>
    inTurn(() => {
      begun.push(index)
      return promise
    }).catch((error: unknown) => error),
  )
  await rest()
  expect(begun).toEqual([0, 1])
  works[1]?.reject('failed')
  await rest()
  expect(begun).toEqual([0, 1, 2])
  for (const [index, work] of works.entries()) work.resolve(index)
  expect(await Promise.all(results)).toEqual([0, 'failed', 2, 3, 4])
  expect(begun).toEqual([0, 1, 2, 3, 4])
  expect(await inTurn(async () => 'later')).toBe('later')
})
