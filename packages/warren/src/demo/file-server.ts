import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { content } from './content.ts'

/** Path of the demo file. */
export const FILE_PATH = '/file.bin'

/** An ordinary HTTP server with one file of `size` bytes; knows nothing of Warren. */
export function fileServer(size: number): Server {
  return createServer((request, response) => {
    serve(request, response, size).catch(() => response.destroy())
  })
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  size: number
): Promise<void> {
  const path = (request.url ?? '').split('?')[0]
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end()
    return
  }
  if (path === '/') {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
    response.end(`<!doctype html><title>warren demo</title><a href="${FILE_PATH}">file.bin</a>\n`)
    return
  }
  if (path !== FILE_PATH) {
    response.writeHead(404).end('not found\n')
    return
  }
  const range = parseRange(request.headers.range, size)
  if (range === 'unsatisfiable') {
    response.writeHead(416, { 'content-range': `bytes */${size}` }).end()
    return
  }
  const { start, end } = range ?? { start: 0, end: size }
  response.writeHead(range === undefined ? 200 : 206, {
    'content-type': 'application/octet-stream',
    'content-length': end - start,
    'accept-ranges': 'bytes',
    etag: `"warren-demo-${size}"`,
    ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end - 1}/${size}` })
  })
  if (request.method === 'HEAD') {
    response.end()
    return
  }
  await pipeline(Readable.from(content(start, end), { objectMode: false }), response)
}

/** One range of `bytes=a-b`, `bytes=a-` or `bytes=-n` (RFC 9110 section 14); others are ignored. */
function parseRange(
  header: string | undefined,
  size: number
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  if (match === null || (match[1] === '' && match[2] === '')) return undefined
  const suffix = match[1] === ''
  const start = suffix ? Math.max(0, size - Number(match[2])) : Number(match[1])
  const end = suffix || match[2] === '' ? size : Math.min(size, Number(match[2]) + 1)
  return start < end ? { start, end } : 'unsatisfiable'
}
