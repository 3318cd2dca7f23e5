import { expect, it } from 'vitest'
import { RecentPages } from '../../core/log/recent-pages.ts'
import type { LogEntry } from '../../core/log/types.ts'
import { numbers } from './collector.ts'

const entries = (first: number, last: number, size = 10): LogEntry[] =>
  numbers(first, last).map((seq) => ({ seq, json: 'x'.repeat(size) }))
const seqs = (page: readonly LogEntry[] | undefined) => page?.map(({ seq }) => seq)

it('gives all who stand at the begin of a page the same array', () => {
  const pages = new RecentPages()
  const [first, second] = [entries(5, 8), entries(9, 9)]
  pages.add(first)
  pages.add(second)
  expect(pages.after(4)).toBe(first)
  expect(pages.after(4)).toBe(first)
  expect(pages.after(8)).toBe(second)
})

it('gives whoever stands within a page the rest of it', () => {
  const pages = new RecentPages()
  pages.add(entries(1, 4))
  pages.add(entries(5, 6))
  expect(seqs(pages.after(2))).toEqual([3, 4])
  expect(seqs(pages.after(5))).toEqual([6])
})

it('has nothing for who is at the end, or before its first page', () => {
  const pages = new RecentPages()
  expect(pages.after(0)).toBeUndefined()
  pages.add(entries(5, 6))
  expect(pages.after(3)).toBeUndefined()
  expect(pages.after(6)).toBeUndefined()
})

it('keeps a bounded size, and the newest page however large it is', () => {
  const pages = new RecentPages()
  for (let seq = 1; seq <= 40; seq += 1) pages.add(entries(seq, seq, 100 * 1024))
  expect(pages.after(0)).toBeUndefined()
  expect(numbers(0, 39).filter((cursor) => pages.after(cursor)).length).toBeLessThan(15)
  pages.add(entries(41, 41, 5 * 1024 * 1024))
  expect(pages.after(39)).toBeUndefined()
  expect(seqs(pages.after(40))).toEqual([41])
})

it('never joins pages that leave a gap', () => {
  const pages = new RecentPages()
  pages.add(entries(1, 4))
  pages.add(entries(7, 8))
  expect(pages.after(0)).toBeUndefined()
  expect(pages.after(4)).toBeUndefined()
  expect(seqs(pages.after(6))).toEqual([7, 8])
})

it('drops what was taken, and may be empty', () => {
  const pages = new RecentPages()
  pages.keepFor([])
  pages.add(entries(1, 4))
  pages.add(entries(5, 6))
  pages.keepFor([6, 4])
  expect(pages.after(0)).toBeUndefined()
  expect(seqs(pages.after(4))).toEqual([5, 6])
  pages.keepFor([])
  expect(pages.after(4)).toBeUndefined()
})

it('keeps nothing for who has fallen behind its first page', () => {
  const pages = new RecentPages()
  pages.add(entries(5, 6))
  pages.keepFor([4, 6])
  expect(seqs(pages.after(4))).toEqual([5, 6])
  pages.keepFor([3, 6])
  expect(pages.after(4)).toBeUndefined()
})
