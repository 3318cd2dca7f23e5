/** Ends a run with one line of counts, after everything else that is printed, and says why tests were skipped. */
import { writeSync } from 'node:fs'
import type { SerializedError } from 'vitest'
import type { Reporter, TestModule } from 'vitest/node'

interface Counts {
  passed: number
  failed: number
  skipped: number
}

/** A module or suite that could not be run has no failed test to count, so it counts itself. */
const brokenSuites = (module: TestModule): number =>
  [module, ...module.children.allSuites()].filter((suite) => suite.errors().length > 0).length

function addModule(counts: Counts, module: TestModule): void {
  counts.failed += brokenSuites(module)
  for (const test of module.children.allTests()) {
    const { state } = test.result()
    if (state === 'passed') counts.passed++
    else if (state === 'skipped') counts.skipped++
    else counts.failed++ // `pending`: the run ended before the test did.
  }
}

function skippedTests(module: TestModule): string[] {
  const lines: string[] = []
  for (const test of module.children.allTests('skipped')) {
    const result = test.result()
    const reason = result.state === 'skipped' && result.note ? `: ${result.note}` : ''
    lines.push(`skipped  ${module.relativeModuleId} > ${test.fullName}${reason}`)
  }
  return lines
}

export class CountReporter implements Reporter {
  // By id: Vitest makes another object for the same module once it has been loaded.
  readonly #ended = new Map<string, TestModule>()
  readonly #unfinished = new Map<string, TestModule>()
  #unhandledErrors = 0

  onInit(): void {
    // Others print while the process ends; only an exit handler comes after them.
    process.once('exit', (code) => writeSync(1, this.#closing(code)))
  }

  onTestModuleQueued(module: TestModule): void {
    this.#unfinished.set(module.moduleId, module)
  }

  onTestModuleEnd(module: TestModule): void {
    this.#unfinished.delete(module.moduleId)
    this.#ended.set(module.moduleId, module)
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    this.#unfinished.clear()
    this.#unhandledErrors = unhandledErrors.length
    for (const module of modules) this.#ended.set(module.moduleId, module)
    for (const line of modules.flatMap(skippedTests)) process.stdout.write(`${line}\n`)
  }

  /** Also of a run that was cut off: then every module that has not ended has failed. */
  #closing(code: number): string {
    const counts: Counts = { passed: 0, failed: this.#unhandledErrors + this.#unfinished.size, skipped: 0 }
    for (const module of this.#ended.values()) addModule(counts, module)
    if (code !== 0 && counts.failed === 0) counts.failed = 1 // For example, the global setup threw.
    const cutOff = [...this.#unfinished.values()].map((module) => `not finished  ${module.relativeModuleId}\n`)
    return `${cutOff.join('')}${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`
  }
}
