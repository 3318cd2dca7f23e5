/** Loaded before a program (`--import`): its wall clock is shifted by the milliseconds in the file that TEST_CLOCK names. */
import { readFileSync } from 'node:fs'

const file = process.env['TEST_CLOCK'] ?? ''
const real = Date.now.bind(Date)

Date.now = () => real() + Number(readFileSync(file, 'utf8'))
