import { expect, test } from 'vitest'
import { TroupeError } from '../../core/base/errors.ts'
import { silentLogger } from '../../core/base/logger.ts'
import { LeftLogs } from '../../core/log/left-logs.ts'

const unwritable = new TroupeError('LOG_ARCHIVE', 'It cannot be written.')

function openLeft() {
  const told: unknown[] = []
  const warn = (fields: unknown): void => void told.push(fields)
  return { left: new LeftLogs({ ...silentLogger, warn }), told }
}

test('a log that cannot be archived is told once, and rests for twice as many runs each time', () => {
  const { left, told } = openLeft()
  const tried: number[] = []
  for (let run = 1; run <= 16; run += 1) {
    left.begin({ all: false })
    if (left.resting().includes('stuck')) continue
    tried.push(run)
    left.leave('stuck', unwritable)
    expect(left.resting()).toEqual(['stuck'])
  }
  expect(tried).toEqual([1, 2, 4, 8, 16])
  expect(told).toHaveLength(1)
})

test('none rests in a run that somebody asked for, and what was archived is as any other again', () => {
  const { left, told } = openLeft()
  for (let run = 0; run < 3; run += 1) {
    left.begin({ all: true })
    expect(left.resting()).toEqual([])
    left.leave('stuck', unwritable)
  }
  left.begin({ all: true })
  left.archived('stuck')
  expect(left.reason).toBeUndefined()
  left.leave('stuck', unwritable)
  expect(left.reason).toBe(unwritable)
  expect(told).toHaveLength(2)
})

test('what fails again and again, or for another reason, ends the run', () => {
  const { left } = openLeft()
  left.begin({ all: false })
  left.leave('one', unwritable)
  left.leave('two', unwritable)
  left.archived('good')
  left.leave('three', unwritable)
  left.leave('four', unwritable)
  expect(() => left.leave('five', unwritable)).toThrow(unwritable)
  const closed = new TroupeError('STORE_FAILED', 'The database is closed.')
  expect(() => left.leave('six', closed)).toThrow(closed)
})
