/** Owns one timer: the bound of whatever is waited for now. Arming it again replaces it. */
export class Deadline implements Disposable {
  #timer: ReturnType<typeof setTimeout> | undefined

  arm(ms: number, call: () => void): void {
    this.clear()
    this.#timer = setTimeout(call, ms)
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  [Symbol.dispose](): void {
    this.clear()
  }
}
