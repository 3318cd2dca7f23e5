/** The project that an address of a remote names. */
import { fail } from '../base/errors.ts'

export interface Project {
  /** As its web address has it, in lower case, with the port if it is no usual one. */
  readonly host: string
  /** From the owner to the name, without `.git`: `owner/name`; on GitLab groups can nest. */
  readonly path: string
}

/** Hosts that only take git over the port of HTTPS, and whom they stand for. */
const SSH_HOSTS: Readonly<Record<string, string>> = {
  'ssh.github.com': 'github.com',
  'altssh.gitlab.com': 'gitlab.com',
}

const HOST = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/
const SEGMENT = /^[A-Za-z0-9_.][A-Za-z0-9_.-]*$/
/** The short form of ssh: `user@host:path`, which has no scheme. */
const SHORT_FORM = /^(?:[^@/:]+@)?([^@/:]+):(?!\/\/)(.+)$/

/**
 * Takes `https://host/owner/name.git`, `ssh://git@host/owner/name`, `git@host:owner/name.git`, with `.git` or without.
 * @throws TroupeError UNSUPPORTED
 */
export function parseProject(remoteUrl: string): Project {
  const found = fromShortForm(remoteUrl) ?? fromUrl(remoteUrl)
  const path = found?.path.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '') ?? ''
  const segments = path.split('/')
  const right = segments.length > 1 && segments.every((part) => SEGMENT.test(part) && part !== '.' && part !== '..')
  if (!found || !HOST.test(found.host) || !right) {
    return fail(
      'UNSUPPORTED',
      `The remote ${quotable(remoteUrl)} does not name a project as https://host/owner/name or git@host:owner/name does. ` +
        'Push the branch and open the pull request by hand.',
    )
  }
  return { host: SSH_HOSTS[found.host] ?? found.host, path }
}

function fromShortForm(remoteUrl: string): Project | undefined {
  const [, host, path] = SHORT_FORM.exec(remoteUrl) ?? []
  return host === undefined || path === undefined ? undefined : { host: host.toLowerCase(), path }
}

function fromUrl(remoteUrl: string): Project | undefined {
  const url = URL.parse(remoteUrl)
  if (!url) return undefined
  // The port of ssh says nothing of the web address.
  if (/^(git\+)?ssh:$/.test(url.protocol)) return { host: url.hostname.toLowerCase(), path: url.pathname }
  return /^https?:$/.test(url.protocol) ? { host: url.host, path: url.pathname } : undefined
}

/** Without what may be a password. */
const quotable = (remoteUrl: string): string =>
  remoteUrl
    .replace(/\/\/[^/@]*@/, '//')
    .replace(/[?#].*$/s, '')
    .replace(/\p{Cc}+/gu, ' ')
    .slice(0, 200)
