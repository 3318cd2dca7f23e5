/** What a task changed: the list of files, and the patch. */
import type { DiffFile, TaskDiff } from '../../../core/contract/records.ts'
import { plural } from './format.ts'
import { plainLine, plainText } from './sanitize.ts'
import type { Style } from './style.ts'
import { padEnd, displayWidth, truncate } from './width.ts'

type Format = Parameters<Style['paint']>[0]

const MARKS: Readonly<Record<DiffFile['change'], { mark: string; format: Format }>> = {
  added: { mark: 'A', format: 'green' },
  modified: { mark: 'M', format: 'yellow' },
  deleted: { mark: 'D', format: 'red' },
  renamed: { mark: 'R', format: 'cyan' },
  type_changed: { mark: 'T', format: 'yellow' },
}

/** `3 files changed, +12 −4` */
export function changeSummary({ files, additions, deletions }: TaskDiff, style: Style): string {
  if (files.length === 0) return 'no changes'
  const counts = `${style.paint('green', `+${additions}`)} ${style.paint('red', `−${deletions}`)}`
  return `${plural(files.length, 'file')} changed, ${counts}`
}

/** One line a file: how it changed, its path, its counts. */
export function fileLines(diff: TaskDiff, style: Style, most = Infinity): string[] {
  const shown = diff.files.slice(0, most)
  const names = shown.map((file) => truncate(fileName(file), style.width - 24))
  const width = Math.max(0, ...names.map(displayWidth))
  const lines = shown.map((file, at) => {
    const { mark, format } = MARKS[file.change]
    return ` ${style.paint(format, mark)} ${padEnd(names[at] ?? '', width)}  ${fileCounts(file, style)}`.trimEnd()
  })
  return diff.files.length > shown.length
    ? [...lines, ` … ${plural(diff.files.length - shown.length, 'more file')}`]
    : lines
}

function fileName({ path, oldPath }: DiffFile): string {
  return oldPath === undefined || oldPath === path ? plainLine(path) : `${plainLine(oldPath)} → ${plainLine(path)}`
}

function fileCounts(file: DiffFile, style: Style): string {
  if (file.binary) return style.paint('dim', 'binary')
  if (file.submodule) return style.paint('dim', 'submodule')
  const counts = [
    file.additions > 0 ? style.paint('green', `+${file.additions}`) : '',
    file.deletions > 0 ? style.paint('red', `−${file.deletions}`) : '',
    file.oldMode && file.newMode && file.oldMode !== file.newMode
      ? style.paint('dim', `mode ${file.oldMode} → ${file.newMode}`)
      : '',
  ]
  return counts.filter(Boolean).join(' ')
}

/** The whole diff for people: coloured, without anything that a terminal would obey. */
export function diffLines(diff: TaskDiff, style: Style): string[] {
  return diff.files.flatMap((file, at) => [
    ...(at === 0 ? [] : ['']),
    style.paint('bold', `${MARKS[file.change].mark} ${fileName(file)}`),
    ...patchLines(file, style),
  ])
}

function patchLines(file: DiffFile, style: Style): string[] {
  if (file.binary) return [style.paint('dim', '(binary)')]
  if (file.tooLarge || file.patch === undefined)
    return [style.paint('dim', `(not shown: ${fileCounts(file, style) || 'no lines'})`)]
  return hunks(file.patch).map((line) => paintLine(oneLine(line), style))
}

/** A carriage return must not make two lines of one: the second could pass for a line of the diff. */
const oneLine = (line: string): string => plainText(line.replace(/\r$/, '')).replaceAll('\n', '␍')

function paintLine(line: string, style: Style): string {
  if (line.startsWith('@@')) return style.paint('cyan', line)
  if (line.startsWith('+')) return style.paint('green', line)
  return line.startsWith('-') ? style.paint('red', line) : line
}

/** Lines from the first hunk on, whether or not a header stands before it. */
function hunks(patch: string): string[] {
  const lines = patch.replace(/\n$/, '').split('\n')
  return lines.slice(
    Math.max(
      0,
      lines.findIndex((line) => line.startsWith('@@')),
    ),
  )
}

/** A patch that `git apply` takes, byte by byte as it is; binary files are left out. */
export function toPatch(diff: TaskDiff): string {
  return diff.files
    .filter((file) => !file.binary && !file.tooLarge && !file.submodule)
    .map(filePatch)
    .join('')
}

function filePatch(file: DiffFile): string {
  const before = quoted(`a/${file.oldPath ?? file.path}`)
  const after = quoted(`b/${file.path}`)
  const body = file.patch?.includes('@@')
    ? [
        `--- ${file.change === 'added' ? '/dev/null' : before}`,
        `+++ ${file.change === 'deleted' ? '/dev/null' : after}`,
        ...hunks(file.patch),
      ]
    : []
  return [`diff --git ${before} ${after}`, ...extendedHeader(file), ...body, ''].join('\n')
}

function extendedHeader({ change, oldMode, newMode, oldPath, path }: DiffFile): string[] {
  if (change === 'added') return [`new file mode ${newMode ?? '100644'}`]
  if (change === 'deleted') return [`deleted file mode ${oldMode ?? '100644'}`]
  return [
    ...(oldMode && newMode && oldMode !== newMode ? [`old mode ${oldMode}`, `new mode ${newMode}`] : []),
    ...(change === 'renamed' && oldPath ? [`rename from ${quoted(oldPath)}`, `rename to ${quoted(path)}`] : []),
  ]
}

/** As git quotes names with quotes, backslashes or control characters. */
function quoted(path: string): string {
  if (!/["\\\p{Cc}]/u.test(path)) return path
  const escaped = path.replaceAll(/["\\\p{Cc}]/gu, (character) => {
    const named = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\t': '\\t' }[character]
    return named ?? `\\${(character.codePointAt(0) ?? 0).toString(8).padStart(3, '0')}`
  })
  return `"${escaped}"`
}
