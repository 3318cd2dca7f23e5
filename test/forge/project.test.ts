import { describe, expect, it } from 'vitest'
import { parseProject } from '../../core/forge/project.ts'

describe('the address of a remote', () => {
  it.each([
    'https://github.com/octo/tools.git',
    'https://github.com/octo/tools',
    'https://github.com/octo/tools/',
    'https://user:secret@github.com/octo/tools.git',
    'git@github.com:octo/tools.git',
    'github.com:octo/tools',
    'git@GitHub.com:/octo/tools.git',
    'ssh://git@github.com/octo/tools.git',
    'ssh://git@github.com:22/octo/tools',
    'ssh://git@ssh.github.com:443/octo/tools.git',
    'git+ssh://git@github.com/octo/tools',
  ])('names its project: %s', (url) => {
    expect(parseProject(url)).toEqual({ host: 'github.com', path: 'octo/tools' })
  })

  it('keeps the groups of GitLab and the port of its pages', () => {
    expect(parseProject('https://gitlab.example.test:8443/group/sub/my.tools.git')).toEqual({
      host: 'gitlab.example.test:8443',
      path: 'group/sub/my.tools',
    })
  })

  it.each([
    '',
    '/srv/git/tools.git',
    '../tools',
    'file:///srv/git/tools.git',
    'ext::sh -c evil',
    'https://github.com/tools',
    'https://github.com/octo/..',
    'git@github.com:octo/../user',
    'git@github.com:octo/%2e%2e/user',
    'git@github.com:-octo/tools',
    'git@github.com:octo//tools',
    'git@-oProxyCommand=evil:octo/tools',
    'git@github.com:octo/to\u0007ols',
  ])('that names none is refused: %j', (url) => {
    expect(() => parseProject(url)).toThrow(/by hand/)
  })

  it('is quoted without its password', () => {
    const quoted = () => parseProject('https://user:hunter2@github.com/tools?token=hunter3')
    expect(quoted).toThrow(/github\.com\/tools/)
    expect(quoted).not.toThrow(/hunter/)
  })
})
