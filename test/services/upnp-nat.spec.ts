import assert from 'node:assert/strict'
import { uPnPNAT } from '@libp2p/upnp-nat'
import { BASIC, addressOf, cleanUp, hosted, stock } from './support/nodes.ts'

describe('upnp-nat, hosted', () => {
  afterEach(cleanUp)

  it('starts and stops where there is no gateway', async () => {
    // A gateway is named, at a port where nobody listens, so that none is searched by multicast.
    const gateways = ['http://127.0.0.1:1/device.xml']
    const services = { ...BASIC, upnpNAT: uPnPNAT({ gateways, autoConfirmAddress: true }) }
    const ours = await hosted(services)
    const theirs = await stock(BASIC)
    assert.ok((await ours.services.ping.ping(addressOf(theirs))) >= 0)
    const [own] = ours.components.addressManager.getAddressesWithMetadata()
    assert.equal(own?.type, 'transport')
    await ours.close()
    assert.equal(ours.status, 'closed')
  })
})
