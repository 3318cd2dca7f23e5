import { describe, expect, test } from 'vitest'
import { parseSource, toSpec } from '../../core/plugin/installed/source.ts'

describe('what is taken to be installed, and what npm is told', () => {
  test.for([
    ['my-agent', 'my-agent@latest'],
    ['my-agent@^1.2', 'my-agent@^1.2'],
    ['@me/my-agent', '@me/my-agent@latest'],
    ['@me/my-agent@>=1.0.0 <2', '@me/my-agent@>=1.0.0 <2'],
    ['my-agent@next', 'my-agent@next'],
    ['/home/me/my-agent', '/home/me/my-agent'],
    ['/home/me/../you/it.tgz', '/home/you/it.tgz'],
    ['https://example.com/it-1.0.0.tgz', 'https://example.com/it-1.0.0.tgz'],
    ['git+https://example.com/it.git', 'git+https://example.com/it.git'],
    ['https://example.com/it.git#v1', 'git+https://example.com/it.git#v1'],
    ['git+ssh://git@example.com/it.git#semver:^1', 'git+ssh://git@example.com/it.git#semver:^1'],
    ['git+file:///srv/it.git#main', 'git+file:///srv/it.git#main'],
  ])('%s', ([text = '', spec]) => {
    expect(toSpec(parseSource(text))).toBe(spec)
  })
})

describe('what is refused', () => {
  test.for([
    [''],
    ['--registry=http://evil'],
    ['-g'],
    ['../up'],
    ['.hidden'],
    ['@me/../you'],
    ['me/you'],
    ['UPPER'],
    ['my-agent@--global'],
    ['my-agent@npm:other'],
    ['my-agent@file:../x'],
    ['my-agent@https://evil/x.tgz'],
    ['my-agent\n--registry=x'],
    ['my-agent\0'],
    ['x'.repeat(300)],
    ['x'.repeat(100_000)],
    ['file:../x'],
    ['http://example.com/it.tgz'],
    ['ftp://example.com/it.tgz'],
    ['https://example.com/it'],
    ['https://me:secret@example.com/it.tgz'],
    ['git+https://token@example.com/it.git'],
    ['git+file:///x --upload-pack=evil'],
    ['git+ssh://-oProxyCommand=evil/x.git'],
    ['git+ssh://%2DoProxyCommand=evil/x.git'],
    ['git+ssh://-x@example.com/x.git'],
    ['git+https://example.com/it.git#--upload-pack=evil'],
    ['git+https://example.com/it.git?x=1'],
    ['git+https://example.com/it.git#a b'],
    ['ext::sh -c evil'],
    ['git+ext://x'],
    ['github:me/it'],
  ])('%j', ([text = '']) => {
    expect(() => parseSource(text)).toThrow(expect.objectContaining({ code: 'PLUGIN_SOURCE' }))
  })

  test('is not shown with its password', () => {
    expect(() => parseSource('https://me:secret@example.com/it.tgz')).toThrow(/^(?!.*secret)/)
  })
})
