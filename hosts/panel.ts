/** What a browser sees. The panel comes with an issue of its own; until then a page says where to go. */
import type { Pages } from '../core/rpc/server/routes.ts'

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Troupe</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; }
  code { background: color-mix(in srgb, currentColor 10%, transparent); padding: 0.1em 0.3em; border-radius: 3px; }
  :root { color-scheme: light dark; }
</style>
<h1>Troupe is running</h1>
<p>Work with it from a terminal: <code>troupe run "&lt;prompt&gt;" --repo .</code>, then <code>troupe task ls</code>.</p>
<p>Programs talk to it by JSON-RPC: <a href="/openrpc.json">the methods as OpenRPC</a>.</p>
</html>
`

export const pages: Pages = async (path) =>
  path === '/' ? { status: 200, body: PAGE, contentType: 'text/html; charset=utf-8' } : undefined
