/**
 * Gathers single pieces of work into batches: what comes while one batch is under way is done together in the next.
 * Owns the batch that gathers and the one that is under way.
 */
export interface Batches<Item> {
  /** Settles as the batch does in which the item was done. */
  add(item: Item): Promise<void>
}

export function makeBatches<Item>(doAll: (items: readonly Item[]) => Promise<void>): Batches<Item> {
  let underWay: Promise<void> = Promise.resolve()
  let gathering: { readonly items: Item[]; readonly done: Promise<void> } | undefined

  function newBatch(): { readonly items: Item[]; readonly done: Promise<void> } {
    const items: Item[] = []
    const done = underWay.then(() => {
      gathering = undefined
      return doAll(items)
    })
    underWay = done.catch(() => {})
    return { items, done }
  }

  return {
    add(item) {
      gathering ??= newBatch()
      gathering.items.push(item)
      return gathering.done
    },
  }
}
