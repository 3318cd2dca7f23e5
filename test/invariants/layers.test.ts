import { existsSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readMarkdownTable } from '../helpers/markdown-table.ts'
import { listModules, readRepositoryFile, repositoryRoot } from '../helpers/repository-files.ts'
import { importsOf } from './imports.ts'
import type { Import } from './imports.ts'
import { findCycle } from './cycles.ts'
import { isAllowed, LAYER_TABLE, layerOf, LAYERS } from './layers.ts'

const modules = listModules('core', 'plugins', 'hosts', 'ui')
const imports = modules.flatMap((path) => importsOf(path))

const show = ({ from, specifier, typesOnly }: Import) => `${from} imports ${specifier}${typesOnly ? ' (types)' : ''}`

const layerNamed = (name: string) => {
  const layer = LAYERS.find((one) => one.name === name)
  if (!layer) throw new Error(`The table has no folder ${name}.`)
  return layer
}

/** Everything that a module brings with it at run time, itself among it. */
function closure(start: readonly string[]): Set<string> {
  const seen = new Set<string>()
  for (let next = [...start]; next.length > 0;) {
    for (const path of next) seen.add(path)
    const targets = imports.filter((one) => next.includes(one.from) && !one.typesOnly).map(({ target }) => target)
    next = targets.filter((path) => modules.includes(path) && !seen.has(path))
  }
  return seen
}

const wrongIn = (from: string, source: string) => {
  const layer = layerOf(from)
  return importsOf(from, source).filter((one) => layer && !isAllowed(layer, one)).length
}

describe('the table of layers', () => {
  it('stands in core/README.md in the same words', () => {
    const rows = readMarkdownTable(readRepositoryFile('core/README.md'), ['folder', 'may import'])
    expect(rows).toEqual(LAYER_TABLE.map((row) => [...row]))
  })

  it('has a row for every folder of core', () => {
    const missing = new Set(
      modules.filter((path) => !layerOf(path)).map((path) => path.split('/').slice(0, 2).join('/')),
    )
    expect([...missing]).toEqual([])
  })
})

describe('every import', () => {
  it('was found in a good number of modules', () => {
    expect(modules.length).toBeGreaterThan(50)
    expect(imports.length).toBeGreaterThan(modules.length)
  })

  it.each(LAYERS.map(({ name }) => name).filter((name) => name !== 'test'))('of %s follows the table', (name) => {
    const layer = layerNamed(name)
    const wrong = imports.filter((one) => layerOf(one.from) === layer && !isAllowed(layer, one))
    expect(wrong.map(show)).toEqual([])
  })

  it('keeps test and fixtures out of the program', () => {
    expect(imports.filter(({ target }) => /^(test|fixtures)\//.test(target)).map(show)).toEqual([])
  })

  it('of a file of ours names one that exists', () => {
    const ours = imports.filter(({ specifier }) => specifier.startsWith('.'))
    expect(ours.filter(({ target }) => !existsSync(join(repositoryRoot, target))).map(show)).toEqual([])
  })
})

describe('isomorphic code', () => {
  it.each(['core/base', 'core/contract', 'core/machines', 'core/rpc/client', 'core/plugin/contract'])(
    '%s and what it brings along needs nothing of Node',
    (folder) => {
      const loaded = closure(modules.filter((path) => path.startsWith(`${folder}/`)))
      const wrong = imports.filter((one) => loaded.has(one.from) && isBuiltin(one.specifier))
      expect(wrong.map(show)).toEqual([])
    },
  )

  it.each([
    ['core/base', ['uuid']],
    ['core/contract', ['zod']],
  ])('%s needs no package but %j', (folder, allowed) => {
    const inFolder = imports.filter((one) => one.from.startsWith(`${folder}/`) && !one.specifier.startsWith('.'))
    expect(inFolder.filter(({ specifier }) => !allowed.includes(specifier)).map(show)).toEqual([])
  })
})

describe('the folders', () => {
  it('do not depend on each other in a circle', () => {
    const edges = imports.map((one) => [layerOf(one.from)?.name, layerOf(one.target)?.name] as const)
    expect(findCycle(edges.filter(([from, to]) => from !== to))).toBeUndefined()
  })
})

describe('the check itself', () => {
  it.each([
    ['a static import', `import { x } from '../engine/x.ts'`],
    ['an import of types', `import type { X } from '../engine/x.ts'`],
    ['an inline import of types', `import { type X } from '../engine/x.ts'`],
    ['an import without names', `import '../engine/x.ts'`],
    ['a re-export', `export { x } from '../engine/x.ts'`],
    ['a re-export of all', `export * from '../engine/x.ts'`],
    ['a dynamic import', `const x = await import('../engine/x.ts')`],
    ['a type of an import', `type X = import('../engine/x.ts').X`],
    ['the place of a thread', `new Worker(new URL('../engine/x.ts', import.meta.url))`],
    ['a way out of the repository', `import { x } from '../../../elsewhere.ts'`],
  ])('sees %s', (_, source) => {
    expect(wrongIn('core/store/y.ts', source)).toBe(1)
  })

  it('tells types from values where the table does', () => {
    expect(wrongIn('core/runner/y.ts', `import type { Port } from '../engine/ports.ts'`)).toBe(0)
    expect(wrongIn('core/runner/y.ts', `import { Port } from '../engine/ports.ts'`)).toBe(1)
  })

  it('keeps one plugin from another, and from the rest of core', () => {
    expect(wrongIn('plugins/a/index.ts', `import { x } from './x.ts'; import { y } from 'troupe/plugin'`)).toBe(0)
    expect(wrongIn('plugins/a/index.ts', `import { x } from '../b/x.ts'`)).toBe(1)
    expect(wrongIn('plugins/a/index.ts', `import { x } from '../../core/base/x.ts'`)).toBe(1)
  })

  it('names a circle', () => {
    const edges = [
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'a'],
    ] as const
    expect(findCycle(edges)).toEqual(['a', 'b', 'c', 'a'])
  })
})
