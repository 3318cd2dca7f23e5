/** Replays lines of an agent over ACP as one turn, the way a conversation does. */
import { type JsonObject, type Spoken, asObject, raw } from 'troupe/plugin'
import { readLine } from '../../../plugins/acp/protocol.ts'
import { type Heard, emptyTranscript, endTurn, hearPermission, hearUpdate } from '../../../plugins/acp/transcript.ts'
import { tellMessage } from '../../helpers/recordings.ts'

type Translate = (said: JsonObject) => JsonObject | undefined

export function hearAll(lines: readonly string[], translate: Translate = (said) => said): Spoken[] {
  let transcript = emptyTranscript
  const take = (heard: Heard) => {
    transcript = heard.transcript
    return heard.spoken
  }
  const spoken = lines.flatMap((text) => {
    const line = readLine(text)
    if (!line) return raw(text)
    if (line.kind === 'request')
      return take(hearPermission(transcript, translate(asObject(line.params['toolCall']) ?? {}) ?? {}))
    if (line.kind !== 'notification') return []
    const update = asObject(line.params['update'])
    const translated = update && translate(update)
    return update ? (translated ? take(hearUpdate(transcript, translated)) : []) : raw(text)
  })
  return [...spoken, ...endTurn(transcript, undefined).spoken]
}

/** Without deltas. */
export const tell = (spoken: Spoken): string[] => (spoken.kind === 'delta' ? [] : [tellMessage(spoken.message)])
