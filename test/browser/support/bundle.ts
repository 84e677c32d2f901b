import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import type { BuildOptions, Plugin } from 'esbuild'

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))

/** A program for the browser in one file. */
export interface Bundle {
  readonly code: string
  /** Bytes of it, minified. */
  readonly bytes: number
  /** The same behind gzip, as it crosses the wire. */
  readonly gzipped: number
  /** What it still imports when it runs. */
  readonly imports: readonly string[]
  /** Bytes of each package in it, most first. */
  readonly packages: ReadonlyMap<string, number>
}

/** Bundles a file of this folder, compiled, as an application's build would for the browser. */
export async function bundle(
  entry: string,
  alias: Readonly<Record<string, string>> = {}
): Promise<Bundle> {
  const options = {
    entryPoints: [fileURLToPath(new URL(`../${entry}`, import.meta.url))],
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2024',
    // What is left of Node stays an import, which the tests then find.
    external: ['node:*'],
    alias: { ...alias },
    logLevel: 'silent'
  } as const satisfies BuildOptions
  const { metafile: all } = await build(options)
  const { outputFiles, metafile } = await build({
    ...options,
    plugins: [oneCopy(Object.keys(all.inputs))]
  })
  const [file] = outputFiles
  const [output] = Object.values(metafile.outputs)
  if (file === undefined || output === undefined) throw new Error(`nothing came of ${entry}`)
  const packages = new Map<string, number>()
  for (const [path, { bytesInOutput }] of Object.entries(output.inputs)) {
    const name = packageOf(path)
    packages.set(name, (packages.get(name) ?? 0) + bytesInOutput)
  }
  return {
    code: file.text,
    bytes: file.contents.byteLength,
    gzipped: gzipSync(file.contents, { level: 9 }).byteLength,
    imports: output.imports.map(({ path }) => path),
    packages: new Map([...packages].toSorted(([, one], [, other]) => other - one))
  }
}

/** Name of the package that a file belongs to. */
function packageOf(path: string): string {
  const [, installed] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? []
  const [, own] = /packages\/([^/]+)\//.exec(path) ?? []
  return installed ?? (own === undefined ? 'the entry' : `@warren/${own}`)
}

/**
 * Takes each version of a package once. This repository's install has several copies of some, since
 * its tests want other versions beside them; an application's own install would not, and would
 * ship none of them twice.
 */
function oneCopy(inputs: readonly string[]): Plugin {
  const copies = new Map<string, string>()
  // The copy that is nested least is that of an application.
  for (const path of inputs.toSorted((a, b) => a.length - b.length || (a < b ? -1 : 1))) {
    const key = versionOf(join(ROOT, path))
    if (key !== undefined && !copies.has(key)) copies.set(key, join(ROOT, path))
  }
  return {
    name: 'one-copy',
    setup(builder) {
      builder.onResolve({ filter: /^[^./]/ }, async ({ path, pluginData, ...where }) => {
        if (pluginData === oneCopy || where.kind === 'entry-point') return undefined
        const { importer, kind, resolveDir } = where
        const found = await builder.resolve(path, {
          importer,
          kind,
          resolveDir,
          pluginData: oneCopy
        })
        const key = found.external ? undefined : versionOf(found.path)
        return { ...found, path: (key === undefined ? undefined : copies.get(key)) ?? found.path }
      })
    }
  }
}

/** Package, version and file of an installed file. */
function versionOf(path: string): string | undefined {
  const [, root, file] = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)(\/.*)$/.exec(path) ?? []
  if (root === undefined || file === undefined) return undefined
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    name: string
    version: string
  }
  return `${name}@${version}${file}`
}
