/** Real repositories in temporary folders, with a git that knows nothing of the machine it runs on. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface TestRepository {
  readonly path: string
  /** Runs git there and gives what it printed, without the newline at the end. */
  git(...args: string[]): Promise<string>
  /** Writes files; the names are paths below the repository. */
  write(files: Readonly<Record<string, string | Uint8Array>>): Promise<void>
  /** Writes files, adds all and commits; gives the commit. */
  commit(files: Readonly<Record<string, string | Uint8Array>>, message?: string): Promise<string>
}

export interface GitLab extends AsyncDisposable {
  /** Holds everything; removed at the end. */
  readonly folder: string
  /** Not made yet. */
  readonly dataDir: string
  /** For git and for all that calls it: own HOME, no system configuration, a fixed identity. */
  readonly env: Readonly<Record<string, string>>
  /** A repository with one commit on `main`. */
  repository(
    name?: string,
    options?: { readonly empty?: boolean; readonly args?: readonly string[] },
  ): Promise<TestRepository>
  /** Binds the helper functions to a folder that is there already. */
  at(path: string): TestRepository
}

/** Dispose it at the end of the test. `identity: false` leaves git without a user. */
export async function openGitLab({ identity = true }: { readonly identity?: boolean } = {}): Promise<GitLab> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'troupe-git-')))
  const home = join(folder, 'home')
  await mkdir(home)
  const user = identity ? '[user]\n\tname = Test User\n\temail = user@example.test\n' : ''
  await writeFile(join(home, '.gitconfig'), `${user}[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n`)
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    TMPDIR: folder,
    LC_ALL: 'C.UTF-8',
    GIT_CONFIG_NOSYSTEM: '1',
  }
  const at = (path: string): TestRepository => bind(path, env)
  return {
    folder,
    dataDir: join(folder, 'data'),
    env,
    at,
    async repository(name = 'project', { empty = false, args = [] } = {}) {
      const path = join(folder, name)
      await mkdir(path, { recursive: true })
      const repository = at(path)
      // Without the template's sample hooks, which nobody needs.
      await repository.git('init', '--quiet', '--template=', ...args)
      if (!empty) await repository.commit({ 'README.md': 'A project.\n' }, 'Begin')
      return repository
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }),
  }
}

function bind(path: string, env: Readonly<Record<string, string>>): TestRepository {
  const identified = { ...env, GIT_AUTHOR_NAME: 'Test User', GIT_AUTHOR_EMAIL: 'user@example.test' }
  const committer = { GIT_COMMITTER_NAME: 'Test User', GIT_COMMITTER_EMAIL: 'user@example.test' }
  const git = async (...args: string[]): Promise<string> => {
    const options = { cwd: path, env: { ...identified, ...committer }, maxBuffer: 64 * 1024 * 1024 }
    return (await run('git', args, options)).stdout.replace(/\n$/, '')
  }
  const write = async (files: Readonly<Record<string, string | Uint8Array>>): Promise<void> => {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(path, name)), { recursive: true })
      await writeFile(join(path, name), content)
    }
  }
  return {
    path,
    git,
    write,
    async commit(files, message = 'Change') {
      await write(files)
      await git('add', '--all', '--force')
      await git('commit', '--quiet', '--allow-empty', '--message', message)
      return git('rev-parse', 'HEAD')
    },
  }
}
