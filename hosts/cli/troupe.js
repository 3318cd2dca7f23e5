#!/usr/bin/env node
/**
 * The program `troupe`. If the Node of the system is too old it starts the packaged one with itself and stands in for it:
 * same terminal, same signals, same end. Plain JavaScript that any Node since 18 parses.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { findRuntime, isRecentEnough, noRuntime } from './runtime.js'

// A clone has the source beside this file, a published package only the compiled code.
const source = new URL('main.ts', import.meta.url)
const entry = existsSync(source) ? source : new URL('../../dist/hosts/cli/main.js', import.meta.url)

/** Signals that the terminal sends to every process of the foreground group, so to the child as well. */
const FROM_TERMINAL = ['SIGINT', 'SIGQUIT', 'SIGHUP']
const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY

/** The launcher is killed hard: whoever did that wants the program gone, so it shuts down too. */
function endWithLauncher() {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  process.channel.unref()
}

/** @param {import('node:child_process').ChildProcess} child */
function forwardSignals(child) {
  for (const signal of ['SIGTERM', ...FROM_TERMINAL]) {
    process.on(signal, () => {
      if (onTerminal && FROM_TERMINAL.includes(signal)) return // It has it already; twice would mean "at once".
      child.kill(signal)
    })
  }
}

/** Ends as the child ended, so that a shell sees the same code or signal. */
function endLike(code, signal) {
  if (signal === null) process.exit(code)
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}

function refuse(message) {
  process.stderr.write(`troupe: ${message}\n`)
  process.exitCode = 1
}

function runOn(program) {
  const args = [fileURLToPath(import.meta.url), ...process.argv.slice(2)]
  const child = spawn(program, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
  forwardSignals(child)
  child.on('error', (error) => refuse(`${program} cannot be started (${error.message}). ${noRuntime()}`))
  child.on('exit', endLike)
}

if (isRecentEnough()) {
  if (process.channel) endWithLauncher()
  await import(entry.href)
} else {
  const program = findRuntime(import.meta.url)
  if (program) runOn(program)
  else refuse(noRuntime())
}
