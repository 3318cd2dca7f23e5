import { describe, expect, it } from 'vitest'
import type { Repository } from '../../../core/contract/records.ts'
import { findRepository } from '../../../hosts/cli/commands/repo.ts'
import { matches } from '../../../hosts/cli/task-reference.ts'

const ID = '01a20444-71d2-71db-8883-f0a17d608ee4'

describe('a part of an id', () => {
  it('is its beginning or its end, with or without dashes', () => {
    for (const part of ['01a20444', '01a20444-71d2', '01a2044471d2', '7d608ee4', '8883-f0a17d608ee4', ID]) {
      expect([part, matches(ID, part)]).toEqual([part, true])
    }
  })

  it('is also the beginning of what lists show', () => expect(matches(ID, '7d60')).toBe(true))

  it('is nothing from the middle, and not nothing', () => {
    for (const part of ['71db', '', '-', '---']) expect([part, matches(ID, part)]).toEqual([part, false])
  })
})

describe('a repository', () => {
  const make = (id: string, name: string, localPath: string): Repository => ({
    id,
    name,
    localPath,
    createdAt: '',
    updatedAt: '',
    workspaceId: 'w',
    defaultBranch: 'main',
    vcsProvider: 'none',
  })
  const site = make(ID, 'site', '/code/site')
  const other = make('01a20444-71d2-71db-8883-f0a17d60abcd', 'site', '/code/other')

  it('is named by its folder, its id or its name', () => {
    for (const reference of ['/code/site', ID, '7d608ee4'])
      expect(findRepository([site, other], reference, reference)).toBe(site)
    expect(findRepository([site], 'site', '/cwd/site')).toBe(site)
  })

  it('is not guessed when a name is not enough', () => {
    expect(() => findRepository([site, other], 'site', '/cwd/site')).toThrow(/several repositories/)
    expect(() => findRepository([site], 'nothing', '/cwd/nothing')).toThrow(/no repository "nothing"/)
  })
})
