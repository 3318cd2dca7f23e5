import { describe, expect, test } from 'vitest'
import { newId } from '../../core/base/ids.ts'
import { Finishing } from '../../core/engine/finishing.ts'
import { addEffects } from '../../core/store/effects.ts'
import { sqlite } from '../helpers/databases.ts'
import { openWorkbench, type Workbench } from './workbench.ts'

async function addEffect(bench: Workbench): Promise<string> {
  const taskId = await bench.addTask(bench.engine())
  const id = newId()
  await bench.sample.store.transaction((tx) => addEffects(tx, taskId, [{ id, type: 'requestWorker', params: {} }]))
  return id
}

const isThere = (bench: Workbench, id: string): Promise<boolean> =>
  bench.sample.store.read(async (tx) => (await tx.get('select id from effect where id = ?', [id])) !== undefined)

describe('an effect that was handled', () => {
  test('is finished by the next transaction, and only told so after the commit', async () => {
    await using bench = await openWorkbench(sqlite)
    using finishing = new Finishing(bench.sample.store)
    const id = await addEffect(bench)
    const finished = finishing.add(id)
    let told = false
    void finished.then(() => (told = true))
    await finishing.transaction(async () => expect(told).toBe(false))
    expect(await isThere(bench, id)).toBe(false)
    await finished
  })

  test('stays when that transaction fails, and goes with the one after it', async () => {
    await using bench = await openWorkbench(sqlite)
    using finishing = new Finishing(bench.sample.store)
    const id = await addEffect(bench)
    const finished = finishing.add(id)
    const failing = finishing.transaction(async () => Promise.reject(new Error('no')))
    await expect(failing).rejects.toThrow('no')
    await finishing.transaction(async () => {})
    await finished
    expect(await isThere(bench, id)).toBe(false)
  })

  test('is finished by itself when no transaction comes', async () => {
    await using bench = await openWorkbench(sqlite)
    using finishing = new Finishing(bench.sample.store)
    const id = await addEffect(bench)
    await finishing.add(id)
    expect(await isThere(bench, id)).toBe(false)
  })
})
