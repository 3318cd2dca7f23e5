import { expect, it } from 'vitest'
import { toWords } from '../../../hosts/cli/answer-words.ts'

const options = [{ label: 'Allow' }, { label: 'Deny' }, { label: '7' }]

it('a number is the option with this number', () => {
  expect(toWords('1', { options })).toBe('Allow')
  expect(toWords(' 2 ', { options })).toBe('Deny')
})

it('a number that is the words of an option is these words', () => {
  expect(toWords('7', { options })).toBe('7')
})

it('what names no option is said as it is', () => {
  for (const text of ['0', '4', '1st', '1.5', 'Allow', 'no, rather not', '', '1, 2']) {
    expect(toWords(text, { options })).toBe(text)
  }
  expect(toWords('1', {})).toBe('1')
})

it('several numbers are several options where the question takes several', () => {
  expect(toWords('1, 2', { options, multiple: true })).toBe('Allow, Deny')
  expect(toWords('1, 9', { options, multiple: true })).toBe('1, 9')
})
