import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { appendFile, chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { TestRepository } from '../helpers/repositories.ts'
import { BRANCH, codeOf, openWorkbench, TASK, type Workbench } from './workbench.ts'

const ADDRESS = 'https://git.example.test/octo/tools.git'

interface Pushing extends Workbench {
  /** The bare repository at the other end. */
  readonly far: TestRepository
  push(changes?: Partial<Parameters<Workbench['workspaces']['pushBranch']>[0]>): Promise<{ commit: string }>
  farTip(): Promise<string>
}

/** The user's own configuration says that the address is a folder here: as near to a server as it gets without one. */
async function openPushing(): Promise<Pushing> {
  const bench = await openWorkbench()
  const { lab, repository } = bench
  const far = await lab.repository('far.git', { empty: true, args: ['--bare'] })
  await appendFile(join(lab.env['HOME'] ?? '', '.gitconfig'), `[url "${far.path}"]\n\tinsteadOf = ${ADDRESS}\n`)
  await repository.git('remote', 'add', 'origin', ADDRESS)
  await repository.git('push', '--quiet', 'origin', 'main')
  return {
    ...bench,
    far,
    push: (changes) =>
      bench.workspaces.pushBranch({ taskId: TASK, repositoryPath: repository.path, branchName: BRANCH, ...changes }),
    farTip: () => far.git('rev-parse', `refs/heads/${BRANCH}`),
  }
}

/** Somebody else's commit on the branch at the other end. */
async function commitElsewhere(bench: Pushing): Promise<string> {
  await bench.lab.at(bench.lab.folder).git('clone', '--quiet', '--branch', BRANCH, bench.far.path, 'elsewhere')
  const elsewhere = bench.lab.at(join(bench.lab.folder, 'elsewhere'))
  const commit = await elsewhere.commit({ 'theirs.txt': 'theirs\n' })
  await elsewhere.git('push', '--quiet', 'origin', BRANCH)
  return commit
}

describe('pushing a branch', () => {
  it('makes it on the remote, and does nothing the second time', async () => {
    await using bench = await openPushing()
    const worktree = await bench.worktree()
    const commit = await worktree.commit({ 'work.txt': 'work\n' })
    expect(await bench.push()).toEqual({ commit })
    expect(await bench.farTip()).toBe(commit)
    expect(await bench.push()).toEqual({ commit })
    expect(await bench.far.git('for-each-ref', '--format=%(refname)')).toBe(`refs/heads/main\nrefs/heads/${BRANCH}`)
  })

  it('brings later commits, and replaces what was pushed by it when the branch was written anew', async () => {
    await using bench = await openPushing()
    const worktree = await bench.worktree()
    await worktree.commit({ 'work.txt': 'one\n' })
    await bench.push()
    const second = await worktree.commit({ 'work.txt': 'two\n' })
    await bench.push()
    expect(await bench.farTip()).toBe(second)
    await worktree.git('commit', '--quiet', '--amend', '--message', 'Other words')
    const { commit } = await bench.push()
    expect(commit).not.toBe(second)
    expect(await bench.farTip()).toBe(commit)
  })

  it("never replaces somebody else's commits, even if they were fetched", async () => {
    await using bench = await openPushing()
    const worktree = await bench.worktree()
    await worktree.commit({ 'work.txt': 'one\n' })
    await bench.push()
    const theirs = await commitElsewhere(bench)
    await worktree.git('commit', '--quiet', '--amend', '--message', 'Other words')
    await expect(bench.push()).rejects.toThrow(
      /has commits at https:\/\/git\.example\.test.* that the task does not have/,
    )
    await bench.repository.git('fetch', '--quiet', 'origin')
    expect(await codeOf(bench.push())).toBe('CONFLICT')
    expect(await bench.farTip()).toBe(theirs)
    await worktree.git('rebase', '--quiet', `origin/${BRANCH}`)
    const { commit } = await bench.push()
    expect(await bench.farTip()).toBe(commit)
  })

  it('leaves a branch of that name alone that it did not push', async () => {
    await using bench = await openPushing()
    await bench.repository.git('push', '--quiet', 'origin', `main:${BRANCH}`)
    const theirs = await commitElsewhere(bench)
    await (await bench.worktree()).commit({ 'work.txt': 'one\n' })
    expect(await codeOf(bench.push())).toBe('CONFLICT')
    expect(await bench.farTip()).toBe(theirs)
  })

  it('says in the words of the server why it refused', async () => {
    await using bench = await openPushing()
    await bench.far.git('config', 'receive.denyCurrentBranch', 'refuse')
    await mkdir(join(bench.far.path, 'hooks'))
    const hook = join(bench.far.path, 'hooks/pre-receive')
    await writeFile(hook, '#!/bin/sh\nprintf "branches \\033[31mneed a ticket" >&2\nexit 1\n', { mode: 0o755 })
    await (await bench.worktree()).commit({ 'work.txt': 'one\n' })
    const error: unknown = await bench.push().catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'GIT_FAILED', message: expect.stringMatching(/need a ticket/) })
    expect(error).toMatchObject({ message: expect.not.stringContaining('\u001b') })
  })

  it('needs a remote, of the address that was agreed on, over a network', async () => {
    await using bench = await openPushing()
    await (await bench.worktree()).commit({ 'work.txt': 'one\n' })
    await expect(bench.push({ remote: 'upstream' })).rejects.toThrow(/has no remote upstream/)
    expect(await codeOf(bench.push({ remoteUrl: 'https://git.example.test/octo/other' }))).toBe('CONFLICT')
    for (const url of [
      bench.far.path,
      `file://${bench.far.path}`,
      '../far.git',
      'ext::sh -c evil',
      '-x:y',
      'ssh://-x/y',
    ]) {
      await bench.repository.git('config', 'remote.origin.url', url)
      expect([url, await codeOf(bench.push())]).toEqual([url, 'UNSUPPORTED'])
    }
    await expect(bench.farTip()).rejects.toThrow()
  })

  it('can be given up', async () => {
    await using bench = await openPushing()
    await (await bench.worktree()).commit({ 'work.txt': 'one\n' })
    expect(await codeOf(bench.push({ signal: AbortSignal.abort() }))).toBe('ABORTED')
  })

  it('shows no password of the address', async () => {
    await using bench = await openPushing()
    await (await bench.worktree()).commit({ 'work.txt': 'one\n' })
    await bench.repository.git('config', 'remote.origin.url', 'https://me:hunter2@127.0.0.1:1/octo/tools')
    const error: unknown = await bench.push().catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'GIT_FAILED', message: expect.stringMatching(/127\.0\.0\.1:1/) })
    expect(JSON.stringify([String(error), error])).not.toContain('hunter2')
  })
})

describe('a push from a repository that plants programs', () => {
  it('runs none of them, and those of the user', async () => {
    await using bench = await openPushing()
    const { lab, repository } = bench
    const trace = (name: string): string => join(lab.folder, `trace-${name}`)
    const plant = async (name: string): Promise<string> => {
      const program = join(lab.folder, `planted-${name}`)
      await writeFile(program, `#!/bin/sh\ntouch '${trace(name)}'\nexit 1\n`)
      await chmod(program, 0o755)
      return program
    }
    await (await bench.worktree()).commit({ 'work.txt': 'one\n' })
    const hooks = join(lab.folder, 'hooks')
    for (const folder of [hooks, join(repository.path, '.git/hooks')]) {
      await mkdir(folder, { recursive: true })
      for (const hook of ['pre-push', 'reference-transaction', 'push-to-checkout']) {
        await writeFile(join(folder, hook), await readFile(await plant(`hook-${hook}`)), { mode: 0o755 })
      }
    }
    const elsewhere = await lab.repository('elsewhere.git', { empty: true, args: ['--bare'] })
    const settings: Record<string, string> = {
      'core.hooksPath': hooks,
      'core.sshCommand': await plant('ssh'),
      'core.askPass': await plant('askpass'),
      'core.gitProxy': await plant('proxy'),
      'credential.helper': `!${await plant('credential')}`,
      'remote.origin.vcs': 'evil',
      'remote.origin.receivepack': await plant('receive-pack'),
      'gpg.program': await plant('gpg'),
      'push.gpgSign': 'true',
      'push.recurseSubmodules': 'on-demand',
      [`url.${elsewhere.path}.pushInsteadOf`]: ADDRESS,
    }
    for (const [key, value] of Object.entries(settings)) await repository.git('config', key, value)
    await repository.git('config', '--add', 'remote.origin.url', elsewhere.path)
    await repository.git('config', '--add', 'remote.origin.pushurl', elsewhere.path)

    const { commit } = await bench.push()
    expect(await bench.farTip()).toBe(commit)
    expect(await elsewhere.git('for-each-ref')).toBe('')
    // Over ssh the user's own command runs; it gets to say whom it was asked to call.
    await appendFile(
      join(lab.env['HOME'] ?? '', '.gitconfig'),
      `[core]\n\tsshCommand = "echo >'${trace('user-ssh')}'"\n`,
    )
    await repository.git('config', '--replace-all', 'remote.origin.url', 'git@git.example.test:octo/tools.git')
    expect(await codeOf(bench.push())).toBe('GIT_FAILED')
    expect(await readFile(trace('user-ssh'), 'utf8')).toContain('git@git.example.test')
    // A server that asks who it is: the user's own helper answers.
    await using server = await startAsking()
    await plant('user-credential')
    const helper = `[credential]\n\thelper = "!'${join(lab.folder, 'planted-user-credential')}'"\n`
    await appendFile(join(lab.env['HOME'] ?? '', '.gitconfig'), helper)
    await repository.git('config', 'remote.origin.url', server.url)
    expect(await codeOf(bench.push())).toBe('GIT_FAILED')
    expect(existsSync(trace('user-credential'))).toBe(true)
    const names = ['hook-pre-push', 'hook-reference-transaction', 'hook-push-to-checkout', 'ssh', 'askpass', 'proxy']
    const traces = () => [...names, 'credential', 'receive-pack', 'gpg'].filter((name) => existsSync(trace(name)))
    expect(traces()).toEqual([])
    // A plain git does run them.
    for (const url of ['git@git.example.test:octo/tools.git', server.url]) {
      await repository.git('-c', 'push.gpgSign=false', 'push', url, 'main').catch(() => {})
    }
    await repository.git('push', '--no-signed', bench.far.path, 'main').catch(() => {})
    expect(traces()).toEqual(expect.arrayContaining(['ssh', 'credential', 'askpass', 'hook-pre-push']))
  })
})

/** Answers every request with 401. */
async function startAsking(): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((_, response) =>
    response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end(),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/octo/tools`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
