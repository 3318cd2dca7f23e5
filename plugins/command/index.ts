/** An agent that is a command line: the prompt itself, or a program that is given the prompt. */
import { definePlugin } from 'troupe/plugin'
import { detect } from './detect.ts'
import { run } from './run.ts'

export default definePlugin({ agents: { command: { detect, run } } })
