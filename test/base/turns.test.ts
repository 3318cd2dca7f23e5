import { expect, it } from 'vitest'
import { makeTurns } from '../../core/base/turns.ts'

const rest = () => new Promise<void>((resolve) => setImmediate(resolve))

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
