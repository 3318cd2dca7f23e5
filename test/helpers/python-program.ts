/** Programs from PyPI, each in a virtual environment of its own. */
import { chmod, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runInstaller } from './installer.ts'

/** pip writes the place of the environment into the program; this finds it from where it is. A script's folder is searched for modules, so it has another name. */
const LAUNCHER = (program: string): string =>
  `#!/bin/sh\nbin=$(dirname "$(readlink -f "$0")")\nexec "$bin/python" "$bin/run-${program}.py" "$@"\n`

/** @throws Error when there is no Python with `venv`, or the package cannot be installed with it. */
export async function installPython(
  folder: string,
  { name, version, program }: { readonly name: string; readonly version: string; readonly program: string },
): Promise<void> {
  const bin = join(folder, 'bin')
  await runInstaller('python3', ['-m', 'venv', folder])
  const options = ['--quiet', '--no-input', '--no-cache-dir', '--disable-pip-version-check', '--only-binary=:all:']
  await runInstaller(join(bin, 'python'), ['-m', 'pip', 'install', ...options, `${name}==${version}`])
  await rename(join(bin, program), join(bin, `run-${program}.py`))
  await writeFile(join(bin, program), LAUNCHER(program))
  await chmod(join(bin, program), 0o755)
}

export const pythonProgram = (folder: string, program: string): string => join(folder, 'bin', program)
