import { describe, expect, it } from 'vitest'
import { makePortChannel } from '../../core/rpc/port-channel.ts'

describe('a channel over a port', () => {
  it('settles what it sends when the other side has taken it', async () => {
    const { port1, port2 } = new MessageChannel()
    const [left, right] = [makePortChannel(port1), makePortChannel(port2)]
    const heard: string[] = []
    await left.send('before there is a receiver')
    right.receive((text) => heard.push(text))
    await left.send('after')
    expect(heard).toEqual(['before there is a receiver', 'after'])
    left.close()
  })

  it('rejects what is under way, and all that comes later, when the other side dies', async () => {
    const { port1, port2 } = new MessageChannel()
    const channel = makePortChannel(port1)
    const underWay = channel.send('nobody takes this')
    port2.close()
    await expect(underWay).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
    expect(channel.closed.aborted).toBe(true)
    await expect(channel.send('later')).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
  })
})
