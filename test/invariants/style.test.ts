import { describe, expect, it } from 'vitest'
import { parseAst } from 'vitest/node'
import { readMarkdownTable } from '../helpers/markdown-table.ts'
import { listModules, listRepositoryFiles, readRepositoryFile, sizeOf } from '../helpers/repository-files.ts'

const TEXT_LIMIT = 1024 * 1024
const LINES_LIMIT = 400

/** Written by a person: not generated, not recorded, not downloaded. */
const isOurs = (path: string) => !path.startsWith('fixtures/') && path !== 'package-lock.json'

const files = listRepositoryFiles()
const textFiles = files.filter((path) => sizeOf(path) <= TEXT_LIMIT)
const modules = listModules('core', 'plugins', 'hosts', 'ui', 'test')

const linesOf = (path: string) => readRepositoryFile(path).split('\n')

/** `path:line` of every line that matches. */
const findLines = (paths: readonly string[], pattern: RegExp) =>
  paths.flatMap((path) => linesOf(path).flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}`] : [])))

/** Where a program reads the default export: the loader of plugins, Vitest. */
const mayHaveDefault = (path: string) => /^plugins\/[^/]+\/index\.ts$/.test(path) || path.endsWith('.config.ts')

const exportsOf = (path: string) =>
  parseAst(readRepositoryFile(path), { lang: path.endsWith('x') ? 'tsx' : 'ts' }).body.map(({ type }) => type)

type Versions = Readonly<Record<string, string>>
const manifest: Readonly<Record<'dependencies' | 'devDependencies' | 'optionalDependencies', Versions>> = JSON.parse(
  readRepositoryFile('package.json'),
)
const dependencies: Versions = {
  ...manifest.dependencies,
  ...manifest.devDependencies,
  ...manifest.optionalDependencies,
}

describe('a module', () => {
  it('has named exports only, unless a program asks for a default one', () => {
    const wrong = modules.filter((path) => exportsOf(path).includes('ExportDefaultDeclaration'))
    expect(wrong.filter((path) => !mayHaveDefault(path))).toEqual([])
  })

  it('names what it re-exports', () => {
    expect(modules.filter((path) => exportsOf(path).includes('ExportAllDeclaration'))).toEqual([])
  })

  it(`has at most ${LINES_LIMIT} lines`, () => {
    const long = files.filter((path) => /\.(js|ts|tsx)$/.test(path) && linesOf(path).length > LINES_LIMIT)
    expect(long.filter(isOurs)).toEqual([])
  })

  it('has a name in kebab-case', () => {
    expect(modules.filter((path) => !/^([a-z0-9*-]+\/)*[a-z0-9-]+(\.[a-z0-9]+)*\.tsx?$/.test(path))).toEqual([])
  })

  it('silences neither compiler nor linter', () => {
    const silencers = /@ts-(ignor[e]|expect-erro[r]|nochec[k])|(ox|es)lint-disabl[e]/
    expect(findLines(modules, silencers)).toEqual([])
  })
})

describe('a committed file', () => {
  it('names no package registry: that is the business of whoever installs', () => {
    const hosts = /registry\.(npm[j]s|yarn[p]kg)|npm[m]irror\./i
    expect(findLines(textFiles, hosts)).toEqual([])
  })

  // In each pattern a class of one letter keeps the line that holds it from matching itself.
  it("names no place on a developer's machine", () => {
    const places = /\/wor[k]\/(main|shared|\.)|\/(hom[e]|User[s])\/(?!(user|you|me|someone|dev|node|troupe)\/)\w+\//
    expect(findLines(textFiles.filter(isOurs), places)).toEqual([])
  })

  it('is small: large data does not belong into the history', () => {
    expect(files.filter((path) => sizeOf(path) > TEXT_LIMIT)).toEqual([])
  })
})

describe('a dependency', () => {
  it('has one exact version', () => {
    const loose = Object.entries(dependencies).filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
    expect(loose).toEqual([])
  })

  it('is locked by its hash, without the address of a registry', () => {
    const { packages }: { packages: Record<string, { resolved?: string; integrity?: string }> } = JSON.parse(
      readRepositoryFile('package-lock.json'),
    )
    const wrong = Object.entries(packages).filter(
      ([place, { resolved, integrity }]) => place && (resolved || !integrity),
    )
    expect(wrong.map(([place]) => place)).toEqual([])
  })

  it('has its reason in CONTRIBUTING.md', () => {
    const rows = readMarkdownTable(readRepositoryFile('CONTRIBUTING.md'), ['package', 'what for'])
    const named = rows.flatMap(([names = '']) => [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => name))
    expect(new Set(named)).toEqual(new Set(Object.keys(dependencies)))
    expect(rows.filter(([, reason = '']) => reason.length < 10)).toEqual([])
  })
})
