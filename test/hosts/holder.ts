/** A second process that holds a data directory: prints `held`, then waits to be ended. Arguments: the folder, the socket's answer. */
import { createServer } from 'node:http'
import { openDataDirectory } from '../../hosts/data-directory.ts'
import { writeHostFile } from '../../hosts/host-file.ts'
import { acquireHostLock } from '../../hosts/host-lock.ts'

const [root = '', behaviour = 'answers'] = process.argv.slice(2)
const directory = await openDataDirectory({}, root)
const lock = await acquireHostLock(directory)
const server = createServer((_request, response) => {
  if (behaviour === 'answers') response.writeHead(405).end()
})
await new Promise<void>((resolve) => server.listen(directory.socket, resolve))
writeHostFile(directory, {
  pid: process.pid,
  url: 'http://127.0.0.1:7870',
  token: 'secret-token',
  socket: directory.socket,
  startedAt: '2026-01-02T03:04:05.000Z',
})
process.stdout.write('held\n')
setInterval(() => lock, 60_000)
