/**
 * Cuts the output of `git diff-tree --patch` into one patch a file while it streams by.
 *
 * Owns the bytes of the file being read, never more than the limit of one, and the patches kept so far, never more than
 * the limit of all.
 */
export interface PatchLimits {
  readonly fileBytes: number
  readonly allBytes: number
}

/** Unified hunks without the header; `none` for binary files and mere renames or mode changes. */
export type Patch =
  { readonly kind: 'hunks'; readonly text: string } | { readonly kind: 'none' } | { readonly kind: 'tooLarge' }

export interface PatchReader {
  write(chunk: Buffer): void
  /** One for each file section, in the order of the output. */
  end(): Patch[]
}

// Every line of a hunk begins with a space, `+`, `-`, `\` or `@`, so this begins a header and nothing else.
const HEADER = Buffer.from('\ndiff --git ')

export function makePatchReader(limits: PatchLimits): PatchReader {
  const patches: Patch[] = []
  let kept = 0
  // A newline before the first header makes it look like the others.
  let pending: Buffer = Buffer.from('\n')
  let section: { parts: Buffer[]; bytes: number } | undefined

  const add = (bytes: Buffer): void => {
    if (!section) return
    section.bytes += bytes.length
    if (section.bytes <= limits.fileBytes) section.parts.push(bytes)
  }
  const close = (): void => {
    if (!section) return
    const whole = section.bytes <= limits.fileBytes && kept + section.bytes <= limits.allBytes
    const patch = whole ? toPatch(Buffer.concat(section.parts)) : ({ kind: 'tooLarge' } as const)
    if (patch.kind === 'hunks') kept += section.bytes
    patches.push(patch)
    section = undefined
  }

  return {
    write(chunk) {
      let data = Buffer.concat([pending, chunk])
      for (let at = data.indexOf(HEADER); at >= 0; at = data.indexOf(HEADER)) {
        add(data.subarray(0, at + 1))
        close()
        section = { parts: [], bytes: 0 }
        data = data.subarray(at + HEADER.length)
      }
      // The end may be the beginning of a header.
      const safe = Math.max(0, data.length - HEADER.length + 1)
      add(data.subarray(0, safe))
      pending = data.subarray(safe)
    },
    end() {
      add(pending)
      close()
      return patches
    },
  }
}

function toPatch(section: Buffer): Patch {
  const text = section.toString('utf8')
  const start = /^@@ /m.exec(text)?.index
  return start === undefined ? { kind: 'none' } : { kind: 'hunks', text: text.slice(start) }
}
