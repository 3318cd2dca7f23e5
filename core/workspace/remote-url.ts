/** Addresses of remotes, as we may store and show them. */
import type { Repository as RepositoryRecord } from '../contract/records.ts'

type VcsProvider = RepositoryRecord['vcsProvider']

/** Without password or token; the user name stays only where ssh needs it. */
export function withoutCredentials(url: string): string {
  const parsed = URL.parse(url)
  if (!parsed) return url.replace(/^([a-z+]+:\/\/)[^/]*@/i, '$1').replace(/[?#].*$/s, '')
  if (!/^(https?|ssh|git|ftps?|git\+ssh):$/.test(parsed.protocol)) return url
  parsed.password = ''
  if (!parsed.protocol.includes('ssh')) parsed.username = ''
  // A token can hide in the query too.
  parsed.search = ''
  parsed.hash = ''
  return parsed.href
}

/** Who hosts the remote, by the name of its host. */
export function providerOf(url: string | undefined): VcsProvider {
  const host = url === undefined ? '' : hostOf(url)
  const known = ['github', 'gitlab', 'bitbucket'] as const
  return known.find((provider) => host.split('.').some((label) => label === provider)) ?? 'none'
}

function hostOf(url: string): string {
  const parsed = URL.parse(url)
  if (parsed?.host) return parsed.hostname.toLowerCase()
  // The short form of ssh: user@host:path
  return /^(?:[^@/]+@)?([^:/]+):/.exec(url)?.[1]?.toLowerCase() ?? ''
}
