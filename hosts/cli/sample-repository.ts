/** A small repository to see Troupe work on, and a task for it that needs no account: a shell script as the agent. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Git } from '../../core/workspace/git.ts'

const FILES: Readonly<Record<string, string>> = {
  'README.md': '# Greetings\n\nPrints a greeting: `sh greet.sh en`\n\nLanguages: en\n',
  'greetings.txt': 'en Hello\n',
  'greet.sh': `# Prints the greeting of a language: sh greet.sh en
found=$(grep "^$1 " greetings.txt) || { echo "no greeting for '$1'" >&2; exit 1; }
echo "\${found#* }!"
`,
}

/** Also that of later merges: the sample shall work for people who told git no name yet. */
const IDENTITY = { 'user.name': 'Troupe Sample', 'user.email': 'sample@troupe.invalid' }

export const SAMPLE_TITLE = 'Greet in three more languages'

/** Some seconds of work in steps that can be watched. */
export const SAMPLE_PROMPT = `set -e
echo "The sample greets in $(wc -l < greetings.txt | tr -d ' ') language. Adding three more."
sleep 1
for greeting in "fr Bonjour" "de Hallo" "es Hola"; do
  echo "$greeting" >> greetings.txt
  echo "Added: $greeting"
  sleep 1
done
sed -i.old 's/^Languages: .*/Languages: en, fr, de, es/' README.md && rm README.md.old
echo "Checking that each of them greets:"
for language in en fr de es; do sh greet.sh "$language"; done
`

/**
 * Makes the repository unless it is there; true when it was made now. It appears whole or not at all.
 * @throws TroupeError GIT_NOT_INSTALLED, GIT_FAILED
 */
export async function makeSampleRepository(path: string, git: Git, signal: AbortSignal): Promise<boolean> {
  if (existsSync(path)) return false
  const folder = `${path}.${randomBytes(4).toString('hex')}.tmp`
  try {
    await mkdir(folder, { mode: 0o700 })
    for (const [name, content] of Object.entries(FILES)) await writeFile(join(folder, name), content)
    const run = (...args: string[]) => git(args, { cwd: folder, signal })
    await run('init', '--quiet', '--template=', '--initial-branch=main')
    for (const [name, value] of Object.entries(IDENTITY)) await run('config', '--local', name, value)
    await run('add', '--all')
    await run('-c', 'commit.gpgSign=false', 'commit', '--quiet', '--message', 'A greeting')
    await rename(folder, path)
    return true
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
