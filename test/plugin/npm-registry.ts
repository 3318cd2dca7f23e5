/** A registry on this machine: serves what is published to it, as npm asks for it. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

interface Published {
  readonly manifest: Readonly<Record<string, unknown>> & { readonly name: string; readonly version: string }
  readonly tarball: Buffer
}

export interface NpmRegistry extends AsyncDisposable {
  readonly url: string
  /** The paths of all requests. */
  readonly asked: readonly string[]
  /** Publishes the package in this folder. */
  publish(folder: string): void
}

/** A tarball as `npm pack` makes it: everything is in `package/`. */
export function pack(folder: string, compression: 'gzip' | 'none' = 'gzip'): Buffer {
  const place = mkdtempSync(join(folder, '../pack-'))
  try {
    cpSync(folder, join(place, 'package'), { recursive: true })
    execFileSync('tar', [compression === 'gzip' ? 'czf' : 'cf', join(place, 'package.tgz'), '-C', place, 'package'])
    return readFileSync(join(place, 'package.tgz'))
  } finally {
    rmSync(place, { recursive: true })
  }
}

export async function openNpmRegistry(): Promise<NpmRegistry> {
  const packages = new Map<string, Map<string, Published>>()
  const asked: string[] = []
  const server = createServer(({ url = '' }, response) => {
    asked.push(url)
    const [, name = '', , version = ''] =
      /^\/((?:@[^/]+\/)?[^/]+)(\/-\/(.+)\.tgz)?$/.exec(decodeURIComponent(url)) ?? []
    const versions = packages.get(name)
    const tarball = versions?.get(version)?.tarball
    if (tarball) response.end(tarball)
    else if (versions && version === '') response.end(JSON.stringify(packument(name, [...versions.values()])))
    else response.writeHead(404).end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const packument = (name: string, versions: readonly Published[]) => ({
    name,
    'dist-tags': { latest: versions.at(-1)?.manifest.version },
    versions: Object.fromEntries(
      versions.map(({ manifest, tarball }) => [
        manifest.version,
        {
          ...manifest,
          dist: {
            tarball: `${url}/${name}/-/${manifest.version}.tgz`,
            integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}`,
          },
        },
      ]),
    ),
  })

  return {
    url,
    asked,
    publish(folder) {
      const manifest: Published['manifest'] = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
      const versions = packages.get(manifest.name) ?? new Map<string, Published>()
      packages.set(manifest.name, versions.set(manifest.version, { manifest, tarball: pack(folder) }))
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
