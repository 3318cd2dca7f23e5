/** `troupe repo`: what agents work on. */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { fail } from '../../../core/base/errors.ts'
import type { Repository } from '../../../core/contract/records.ts'
import { type Run, addCommand, addGroup } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { shortId } from '../render/format.ts'
import { plainLine } from '../render/sanitize.ts'
import type { Style } from '../render/style.ts'
import { tableLines } from '../render/table.ts'
import { matches } from '../task-reference.ts'

export function addRepoCommands(program: Command, run: Run): void {
  const group = addGroup(program, 'repo', 'Add, list and remove repositories')
  addAdd(group, run)
  addList(group, run)
  addRemove(group, run)
}

function addAdd(group: Command, run: Run): void {
  const command = addCommand(group, 'add [folder]', {
    summary: 'Add a local git repository (default: the folder you are in)',
    details: '`troupe run` adds its repository by itself. Adding one again changes its name or default branch.',
    examples: ['troupe repo add', 'troupe repo add ~/code/site --name site --branch main'],
  })
    .option('--name <name>', "its name (default: the folder's)")
    .option('--branch <branch>', 'its default branch')
    .action((folder: string | undefined, { name, branch }: { name?: string; branch?: string }) =>
      run(command, async (context) => {
        await using connection = await context.connect()
        const params = { path: resolve(context.cwd, folder ?? '.'), name, defaultBranch: branch }
        const result = await connection.client.call('addRepository', params, { signal: context.signal })
        context.output.result(result, () => repositoryLines([result.repository], context.output.style))
        return EXIT.done
      }),
    )
}

function addList(group: Command, run: Run): void {
  const command = addCommand(group, 'ls', { summary: 'List repositories', examples: ['troupe repo ls'] }).action(() =>
    run(command, async (context) => {
      await using connection = await context.connect()
      const result = await connection.client.call('listRepositories', {}, { signal: context.signal })
      context.output.result(result, () => repositoryLines(result.repositories, context.output.style))
      return EXIT.done
    }),
  )
}

function addRemove(group: Command, run: Run): void {
  const command = addCommand(group, 'rm <repository>', {
    summary: 'Forget a repository that no task uses; its files are not touched',
    examples: ['troupe repo rm site', 'troupe repo rm ~/code/site'],
  }).action((reference: string) =>
    run(command, async (context) => {
      await using connection = await context.connect()
      const { repositories } = await connection.client.call('listRepositories', {}, { signal: context.signal })
      const repository = findRepository(repositories, reference, resolve(context.cwd, reference))
      const result = await connection.client.call('removeRepository', { id: repository.id }, { signal: context.signal })
      context.output.result(result, () => [`${plainLine(repository.name)} is forgotten; its files are as they were.`])
      return EXIT.done
    }),
  )
}

/** By id, path or name, in this order. @throws TroupeError NOT_FOUND, USAGE */
export function findRepository(repositories: readonly Repository[], reference: string, path: string): Repository {
  const tests = [
    ({ id }: Repository) => id === reference,
    ({ localPath }: Repository) => localPath === path,
    ({ name }: Repository) => name === reference,
    ({ id }: Repository) => /^[0-9a-f-]{3,}$/.test(reference) && matches(id, reference),
  ]
  for (const test of tests) {
    const [repository, ...others] = repositories.filter(test)
    if (others.length > 0)
      fail('USAGE', `"${plainLine(reference)}" names several repositories. Give the folder or the id.`)
    if (repository) return repository
  }
  return fail('NOT_FOUND', `There is no repository "${plainLine(reference)}". See them with: troupe repo ls`)
}

export function repositoryLines(repositories: readonly Repository[], style: Style): string[] {
  if (repositories.length === 0) return ['There are no repositories yet. Add one: troupe repo add <folder>']
  const columns = [{ title: 'ID' }, { title: 'NAME' }, { title: 'BRANCH' }, { title: 'FOLDER', flexible: true }]
  const rows = repositories.map(({ id, name, defaultBranch, localPath, remoteUrl }) => [
    { text: shortId(id), format: 'dim' as const },
    { text: plainLine(name), format: 'bold' as const },
    { text: plainLine(defaultBranch) },
    { text: plainLine(localPath ?? remoteUrl ?? '') },
  ])
  return tableLines(columns, rows, style)
}
