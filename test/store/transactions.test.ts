import { expect, it } from 'vitest'
import { TroupeError } from '../../core/base/errors.ts'
import { newId } from '../../core/base/ids.ts'
import { openStore } from '../../core/store/open-store.ts'
import { getTask, listTasks, updateTask } from '../../core/store/tasks.ts'
import { insertWorkspace, listWorkspaces } from '../../core/store/workspaces.ts'
import { describeEachDatabase, describePostgres } from '../helpers/databases.ts'
import { deps, openSample } from './sample.ts'

const names = (rows: { name: string }[]) => rows.map((row) => row.name)

await describeEachDatabase('a transaction', (databases) => {
  it('keeps what it wrote when its work settles well', async () => {
    await using database = await databases.create()
    {
      await using store = await openStore(database.options, deps)
      await store.transaction((tx) => insertWorkspace(tx, { id: newId(), name: 'one' }))
    }
    await using reopened = await openStore(database.options, deps)
    expect(names(await reopened.read(listWorkspaces))).toEqual(['one'])
  })

  it('leaves nothing of a work that fails, and throws its error', async () => {
    await using sample = await openSample(databases)
    const failing = sample.store.transaction(async (tx) => {
      await insertWorkspace(tx, { id: newId(), name: 'entity manager' })
      await tx.run(`update workspace set name = 'raw'`)
      throw new TroupeError('CONFLICT', 'changed my mind')
    })
    await expect(failing).rejects.toMatchObject({ code: 'CONFLICT', message: 'changed my mind' })
    expect(names(await sample.store.read(listWorkspaces))).toEqual(['default'])
  })

  it('goes on after one that failed', async () => {
    await using sample = await openSample(databases)
    await expect(sample.store.transaction((tx) => tx.run('not sql'))).rejects.toThrow()
    const task = await sample.addTask()
    expect(await sample.store.read((tx) => getTask(tx, task.id))).toEqual(task)
  })

  it('sees its own writes, while reads beside it do not until it is committed', async () => {
    await using sample = await openSample(databases)
    const { id } = await sample.addTask()
    const title = (store = sample.store) => store.read(async (tx) => (await getTask(tx, id))?.title)
    await sample.store.transaction(async (tx) => {
      await updateTask(tx, id, { title: 'new' })
      expect((await getTask(tx, id))?.title).toBe('new')
      expect(await title()).toBe('Add a cart')
    })
    expect(await title()).toBe('new')
  })

  it('never mixes with another that counts on what it read', async () => {
    await using sample = await openSample(databases)
    const { id } = await sample.addTask({ title: '0' })
    const lock = sample.store.driver === 'postgresql' ? ' for update' : ''
    const increment = () =>
      sample.store.transaction(async (tx) => {
        const row = await tx.get<{ title: string }>(`select title from unit_task where id = ?${lock}`, [id])
        await new Promise((resolve) => setImmediate(resolve))
        await updateTask(tx, id, { title: String(Number(row?.title) + 1) })
      })
    await Promise.all(Array.from({ length: 50 }, increment))
    expect((await sample.store.read((tx) => getTask(tx, id)))?.title).toBe('50')
  })

  it('maps a key that is taken and a record that is missing to CONFLICT', async () => {
    await using sample = await openSample(databases)
    const task = await sample.addTask()
    await expect(sample.addTask({ id: task.id })).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(sample.addTask({ repositoryGroupId: newId() })).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  it('refuses a statement that comes after its end, and so do reads', async () => {
    await using sample = await openSample(databases)
    const late = await sample.store.transaction(async (tx) => () => tx.run('delete from worker'))
    await expect(late()).rejects.toMatchObject({ code: 'INTERNAL' })
    const lateRead = await sample.store.read(async (tx) => () => listWorkspaces(tx))
    await expect(lateRead()).rejects.toMatchObject({ code: 'INTERNAL' })
  })

  it('is refused after the store was closed', async () => {
    await using sample = await openSample(databases)
    await sample.store[Symbol.asyncDispose]()
    await expect(sample.store.transaction(async () => {})).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await expect(sample.store.read((tx) => listTasks(tx, { limit: 1 }))).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await sample.store[Symbol.asyncDispose]()
  })

  it('passes the check of a sound database', async () => {
    await using sample = await openSample(databases)
    await expect(sample.store.check()).resolves.toBeUndefined()
  })
})

await describePostgres('a transaction whose work hides that a statement failed', (databases) => {
  it('is rolled back, and its promise says so', async () => {
    await using sample = await openSample(databases)
    const hiding = sample.store.transaction(async (tx) => {
      await insertWorkspace(tx, { id: newId(), name: 'lost' })
      await tx.run('not sql').catch(() => {})
    })
    await expect(hiding).rejects.toMatchObject({ code: 'INTERNAL' })
    expect(names(await sample.store.read(listWorkspaces))).toEqual(['default'])
  })
})
