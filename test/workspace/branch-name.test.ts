import { execFileSync } from 'node:child_process'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { branchName, isBranchName, toSlug } from '../../core/workspace/branch-name.ts'
import { codeOf } from './workbench.ts'

const taskId = '0190aaaa-bbbb-7000-8000-1234DEADBEEF'
const template = 'troupe/${slug}-${taskId}'

describe('the name of a branch', () => {
  it.each([
    ['Fix the login page!', 'fix-the-login-page'],
    ['Crème brûlée — naïve', 'creme-brulee-naive'],
    ['登录页面 修复', '登录页面-修复'],
    ['मुखपृष्ठ', 'मुखपृष्ठ'],
    ['../../etc/passwd', 'etc-passwd'],
    ['--force', 'force'],
    ['🚀', 'task'],
    ['', 'task'],
    ['x.lock', 'x-lock'],
    ['a'.repeat(100), 'a'.repeat(40)],
  ])('takes %j as %s', (title, slug) => {
    expect(toSlug(title)).toBe(slug)
    expect(branchName(template, { taskId, title })).toBe(`troupe/${slug}-deadbeef`)
  })

  it('differs for two tasks made in the same millisecond', () => {
    const other = '0190aaaa-bbbb-7000-8000-1234DEADBEE0'
    const names = [taskId, other].map((id) => branchName(template, { taskId: id, title: 'same' }))
    expect(new Set(names).size).toBe(2)
  })

  it('is one that git accepts, whatever the title', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (title) => {
        expect(isBranchName(branchName(template, { taskId, title }))).toBe(true)
      }),
    )
  })

  it('is checked by the rules of git itself', () => {
    const parts = fc.constantFrom(
      'a',
      'B',
      '.',
      '..',
      '/',
      '-',
      '@',
      '{',
      '~',
      '^',
      ':',
      '?',
      '*',
      '[',
      '\\',
      ' ',
      '.lock',
      'é',
      '\u0001',
      'HEAD',
    )
    const names = fc.sample(
      fc.array(parts, { minLength: 1, maxLength: 4 }).map((list) => list.join('')),
      150,
    )
    // With `--branch`, git takes these for the checked out branch or an earlier one.
    const plain = names.filter((name) => name !== '@' && !name.includes('@{-'))
    for (const name of plain) expect([name, isBranchName(name)]).toEqual([name, gitAccepts(name)])
  })

  it('needs a template that makes sense', async () => {
    expect(await codeOf(filled('${nope}'))).toBe('CONFIG_INVALID')
    expect(await codeOf(filled('bad..${slug}'))).toBe('CONFIG_INVALID')
    expect(await filled('${agent}/${title}')).toBe('agent/x')
  })
})

const filled = async (text: string): Promise<string> => branchName(text, { taskId, title: 'x' })

function gitAccepts(name: string): boolean {
  try {
    execFileSync('git', ['check-ref-format', '--branch', name], { stdio: 'ignore', cwd: '/' })
    return true
  } catch {
    return false
  }
}
