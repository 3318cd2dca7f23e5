import { expect, test } from 'vitest'
import { messageBody } from '../../core/contract/messages.ts'
import { wordsOf } from '../../core/contract/words.ts'
import { isOwnWord } from '../../core/runner/own-words.ts'

test('each word of a message, and each part of one, is known to be no secret', () => {
  const words = wordsOf(messageBody)
  expect(words).toEqual(expect.arrayContaining(['toolUseId', 'userQuestion', 'permission', 'label', 'NOT_FOUND']))
  expect(words.filter((word) => !isOwnWord(word) || !isOwnWord(word.slice(1)))).toEqual([])
})

test('so is each word of reports and stored progress; what is longer, or something else, may be a secret', () => {
  expect(['checkpoint', 'withdrawn', 'worktreePath', 'stdout', 'followUps'].filter((word) => !isOwnWord(word))).toEqual(
    [],
  )
  expect(['contents', 'content1', 'swordfish', 'CONTENT', 'user message'].filter(isOwnWord)).toEqual([])
})
