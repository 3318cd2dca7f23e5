/**
 * What we use of Node's HTTP. Not imported as a module: that reads every export, and some of them load all that is behind
 * Node's `fetch`, 6 MB and 30 ms of each start.
 */
export const { Agent, createServer, request, STATUS_CODES } = process.getBuiltinModule('node:http')
