/**
 * How the hosting services are reached, from the environment of the host, until the keychain holds the tokens.
 *
 * A token is for one host. The remote of a repository can be a look-alike, or be changed by an agent, so it does not say
 * where a token goes: only the host that the token belongs to by its name, or an address that the user set, does.
 */
import { parseProject } from '../core/forge/project.ts'
import type { ForgeAccess, SettingsPort } from '../core/handlers/deps.ts'
import type { Environment } from './data-directory.ts'

type Provider = Parameters<SettingsPort['forge']>[0]

export function forgeAccess(env: Environment, provider: Provider, remoteUrl: string): ForgeAccess {
  const first = (...names: readonly string[]) => names.map((name) => env[name]?.trim()).find(Boolean)
  if (provider === 'github') {
    const apiUrl = first('TROUPE_GITHUB_API_URL')
    const own = apiUrl !== undefined || isOf(remoteUrl, ['github.com', '.ghe.com'])
    // The names that the command line of GitHub has for the two.
    const names = own ? ['GITHUB_TOKEN', 'GH_TOKEN'] : ['GH_ENTERPRISE_TOKEN', 'GITHUB_ENTERPRISE_TOKEN']
    return { apiUrl, token: first(...names) }
  }
  if (provider === 'gitlab') {
    const apiUrl = first('TROUPE_GITLAB_API_URL')
    const own = apiUrl !== undefined || isOf(remoteUrl, ['gitlab.com'])
    return { apiUrl, token: own ? first('GITLAB_TOKEN') : undefined }
  }
  return {}
}

/** True for these hosts, and for those below the ones that begin with a dot. @throws TroupeError UNSUPPORTED */
function isOf(remoteUrl: string, hosts: readonly string[]): boolean {
  const { host } = parseProject(remoteUrl)
  return hosts.some((one) => host === one || (one.startsWith('.') && host.endsWith(one)))
}
