/** What a user may name to be installed. Hostile input: it ends in the arguments of npm, and through it in those of git. Pure. */
import { isAbsolute, normalize } from 'node:path'
import { fail } from '../../base/errors.ts'

export type PluginSource =
  /** A package of a registry; `range` as npm has it, or a tag. */
  | { readonly kind: 'registry'; readonly name: string; readonly range: string }
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'tarball'; readonly url: string }
  | { readonly kind: 'git'; readonly url: string }

const MOST_CHARACTERS = 1000
const PACKAGE = /^((?:@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*)(?:@(.+))?$/
const RANGE = /^[A-Za-z0-9^~<>=*][A-Za-z0-9^~<>=*.|+\- ]{0,99}$/
const TARBALL = /\.(?:tgz|tar\.gz|tar)$/
const GIT_PROTOCOLS = ['git+https:', 'git+http:', 'git+ssh:', 'git+file:']
/** A branch, a tag, a commit, or `semver:<range>`; never an option. */
const COMMITTISH = /^(?:semver:)?[A-Za-z0-9^~][A-Za-z0-9^~.=*_/+-]{0,199}$/
const FORMS =
  'Give a package (name or name@range), an absolute path of a folder or tarball, or a git address (git+https://...#tag).'

/** @throws TroupeError PLUGIN_SOURCE */
export function parseSource(text: string): PluginSource {
  if (text.length > MOST_CHARACTERS) refuse(text, 'is too long')
  if (/\p{Cc}/u.test(text)) refuse(text, 'holds a control character')
  if (isAbsolute(text)) return { kind: 'path', path: normalize(text) }
  if (/^[a-z][a-z+.-]*:/i.test(text)) return parseUrl(text)
  return parsePackage(text)
}

/** As npm takes it. */
export function toSpec(source: PluginSource): string {
  if (source.kind === 'registry') return `${source.name}@${source.range}`
  return source.kind === 'path' ? source.path : source.url
}

function parsePackage(text: string): PluginSource {
  const [, name, range = 'latest'] = PACKAGE.exec(text) ?? []
  if (name === undefined || name.length > 214) return refuse(text, 'is not the name of a package')
  if (!RANGE.test(range)) refuse(text, `has no range of versions after its name: "${range.slice(0, 100)}"`)
  return { kind: 'registry', name, range }
}

function parseUrl(text: string): PluginSource {
  if (/\s/.test(text) || !URL.canParse(text)) return refuse(text, 'is not an address')
  const url = new URL(text)
  // It is kept and shown. Git and npm have places of their own for what signs somebody in.
  if (url.password !== '' || (url.username !== '' && url.protocol !== 'git+ssh:'))
    refuse(url.host, 'comes with a password or token')
  if ([url.hostname, url.username].some((part) => decodeURIComponent(part).startsWith('-')))
    refuse(text, 'has an option as a name')
  if (GIT_PROTOCOLS.includes(url.protocol)) return parseGit(text, url)
  if (url.protocol === 'https:' && url.pathname.endsWith('.git')) return parseGit(`git+${text}`, new URL(`git+${text}`))
  const loopback = url.protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname)
  if ((url.protocol === 'https:' || loopback) && TARBALL.test(url.pathname)) return { kind: 'tarball', url: url.href }
  return refuse(text, `has the kind of address "${url.protocol}", which is not taken`)
}

function parseGit(text: string, { hash, search }: URL): PluginSource {
  const committish = hash.slice(1)
  if (search !== '') refuse(text, 'has a question mark')
  if (hash !== '' && !COMMITTISH.test(committish))
    refuse(text, `names "${committish}", which is no branch, tag or commit`)
  return { kind: 'git', url: text }
}

const refuse = (text: string, why: string): never =>
  fail('PLUGIN_SOURCE', `"${text.slice(0, 200).replaceAll(/\p{Cc}/gu, '?')}" ${why}. ${FORMS}`)
