/** Which worker takes a task. */

export interface WorkerLoad {
  readonly id: string
  /** How many sessions it may run at once. */
  readonly capacity: number
  readonly sessions: number
}

/** The worker with the most room, the first of equals; none when all are full. */
export function chooseWorker(workers: readonly WorkerLoad[]): WorkerLoad | undefined {
  const room = ({ capacity, sessions }: WorkerLoad) => capacity - sessions
  return workers
    .filter((worker) => room(worker) > 0)
    .reduce<WorkerLoad | undefined>((best, worker) => (best && room(best) >= room(worker) ? best : worker), undefined)
}
