import assert from 'node:assert/strict'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { keychain } from '@libp2p/keychain'
import { MemoryDatastore } from 'datastore-core'
import { cleanUp, hosted, stock } from './support/nodes.ts'

describe('keychain, hosted', () => {
  afterEach(cleanUp)

  const services = { keychain: keychain({ pass: 'a password of enough length' }) }

  it('keeps, finds, lists, renames, exports and removes keys on our datastore', async () => {
    const { keychain: keys } = (await hosted(services)).services
    const key = await generateKeyPair('Ed25519')
    const { id } = await keys.importKey('first', key)
    assert.deepEqual(await keys.findKeyByName('first'), { id, name: 'first' })
    assert.deepEqual(await keys.findKeyById(id), { id, name: 'first' })
    await keys.importKey('second', await generateKeyPair('Ed25519'))
    assert.deepEqual((await keys.listKeys()).map(({ name }) => name).sort(), ['first', 'second'])
    await keys.renameKey('first', 'renamed')
    assert.ok((await keys.exportKey('renamed')).equals(key))
    await keys.removeKey('renamed')
    await assert.rejects(keys.findKeyByName('renamed'), { name: 'NotFoundError' })
  })

  it('shares a datastore with stock libp2p, one after the other', async () => {
    const datastore = new MemoryDatastore()
    const key = await generateKeyPair('Ed25519')
    const ours = await hosted(services, { datastore })
    await ours.services.keychain.importKey('kept', key)
    await ours.close()
    const theirs = await stock(services, { datastore })
    assert.ok((await theirs.services.keychain.exportKey('kept')).equals(key))
    await theirs.stop()
    const again = await hosted(services, { datastore })
    assert.ok((await again.services.keychain.exportKey('kept')).equals(key))
    const other = await hosted(
      { keychain: keychain({ pass: 'another password, too long' }) },
      { datastore }
    )
    await assert.rejects(other.services.keychain.exportKey('kept'))
  })
})
