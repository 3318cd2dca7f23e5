import { describe, expect, it } from 'vitest'
import { forgeAccess } from '../../hosts/forge-access.ts'

const env = { GITHUB_TOKEN: 'hub', GITLAB_TOKEN: 'lab' }

describe('a token', () => {
  it('goes to the host that it is for', () => {
    expect(forgeAccess(env, 'github', 'git@github.com:a/b.git').token).toBe('hub')
    expect(forgeAccess({ GH_TOKEN: 'gh\n' }, 'github', 'https://firm.ghe.com/a/b').token).toBe('gh')
    expect(forgeAccess(env, 'gitlab', 'https://gitlab.com/a/b').token).toBe('lab')
  })

  it.each([
    ['github', 'https://github.evil.test/a/b'],
    ['github', 'https://github.com.evil.test/a/b'],
    ['github', 'https://evilghe.com/a/b'],
    ['github', 'https://github.com:8443/a/b'],
    ['gitlab', 'https://gitlab.evil.test/a/b'],
  ] as const)('of %s does not go to the look-alike %s', (provider, url) => {
    expect(forgeAccess(env, provider, url).token).toBeUndefined()
  })

  it('goes to the address that the user set', () => {
    const apiUrl = 'https://github.firm.test/api/v3'
    const access = forgeAccess({ ...env, TROUPE_GITHUB_API_URL: apiUrl }, 'github', 'https://github.firm.test/a/b')
    expect(access).toEqual({ apiUrl, token: 'hub' })
    const lab = { ...env, TROUPE_GITLAB_API_URL: 'https://gitlab.firm.test/api/v4' }
    expect(forgeAccess(lab, 'gitlab', 'https://gitlab.firm.test/a/b').token).toBe('lab')
  })

  it('for enterprise hosts has a name of its own', () => {
    const enterprise = { ...env, GH_ENTERPRISE_TOKEN: 'firm' }
    expect(forgeAccess(enterprise, 'github', 'https://github.firm.test/a/b').token).toBe('firm')
  })

  it('is not looked for where there is no service', () => {
    expect(forgeAccess(env, 'none', '/srv/git/tools')).toEqual({})
  })
})
