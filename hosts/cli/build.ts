/**
 * `npm run build`: compiles what is published to `dist/`, which mirrors the source tree. A file that is read at run time
 * is copied to the same place, so that paths relative to a module are the same in both.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const dist = join(root, 'dist')

const readJson = (file: string): Record<string, unknown> => JSON.parse(readFileSync(file, 'utf8'))

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

const writeJson = (file: string, value: unknown): void => write(file, `${JSON.stringify(value, null, 2)}\n`)

function compile(): void {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'hosts/cli/tsconfig.build.json'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (status !== 0) process.exit(1) // The compiler has said why.
}

/** The compiler rewrites imports, but not the place of a worker thread: `new URL('./thread.ts', import.meta.url)`. */
function rewriteModuleUrls(): void {
  for (const path of globSync('**/*.js', { cwd: dist })) {
    const file = join(dist, path)
    const text = readFileSync(file, 'utf8')
    const rewritten = text.replaceAll(/(new URL\(\s*(['"])[^'"]+)\.ts(\2,\s*import\.meta\.url)/g, '$1.js$3')
    if (rewritten !== text) writeFileSync(file, rewritten)
  }
}

const toJs = (path: unknown): string => String(path).replace(/\.ts$/, '.js')

/** The manifests of the bundled plugins name TypeScript; Node refuses that below node_modules. */
function copyManifests(): void {
  for (const path of globSync('plugins/*/package.json', { cwd: root })) {
    const manifest = readJson(join(root, path))
    writeJson(join(dist, path), { ...manifest, main: toJs(manifest['main'] ?? 'index.ts') })
  }
}

/** `dist` reads like the root of the package: its version is in `package.json` there too. */
function writeRootManifest(): void {
  const { name, version, license, type } = readJson(join(root, 'package.json'))
  writeJson(join(dist, 'package.json'), { name, version, license, type })
}

const ASSETS = '{core,plugins,hosts}/**/*.{css,html,json,md,sh,sql,txt,yaml}'

function isAsset(path: string): boolean {
  return !/(^|\/)(package\.json|tsconfig[^/]*\.json|README\.md)$/.test(path)
}

function copyAssets(): void {
  for (const path of globSync(ASSETS, { cwd: root }).filter(isAsset)) {
    mkdirSync(dirname(join(dist, path)), { recursive: true })
    copyFileSync(join(root, path), join(dist, path))
  }
}

rmSync(dist, { recursive: true, force: true })
compile()
rewriteModuleUrls()
copyManifests()
copyAssets()
writeRootManifest()
