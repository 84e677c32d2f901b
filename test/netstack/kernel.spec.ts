import assert from 'node:assert/strict'
import { inNamespace } from './support/namespace.ts'

describe('our stack and the Linux kernel, in a network namespace', () => {
  it('serves curl: downloads, uploads, connections kept alive', async function () {
    await inNamespace(this, 'curlFromKernel')
  })

  it('is a client of an HTTP server', async function () {
    await inNamespace(this, 'httpToKernel')
  })

  it('carries iperf3 through the forwarder, both directions', async function () {
    await inNamespace(this, 'iperf')
  })

  it('half-closes in both roles', async function () {
    await inNamespace(this, 'halfClose')
  })

  it('resets and refuses, and is reset and refused', async function () {
    await inNamespace(this, 'resets')
  })

  it('accepts and ends 1,000 connections', async function () {
    await inNamespace(this, 'passive')
  })

  it('opens and ends 1,000 connections', async function () {
    await inNamespace(this, 'active')
  })

  it('shows window scaling, SACK and timestamps in ss -ti', async function () {
    const findings = await inNamespace(this, 'negotiated')
    assert.equal(Object.keys(findings).length, 2)
  })

  it('delivers everything over a path that loses packets', async function () {
    await inNamespace(this, 'losses')
  })

  it('exchanges echoes and datagrams of all sizes', async function () {
    await inNamespace(this, 'datagrams')
  })

  it('sends nothing that tshark finds malformed or with a bad checksum', async function () {
    await inNamespace(this, 'captures')
  })

  it('reads the device in each way that it can', async function () {
    await inNamespace(this, 'plainReaders')
  })

  it('notices that its interface is down, back, and gone', async function () {
    await inNamespace(this, 'gone')
  })

  it('needs no root in a user namespace', async function () {
    await inNamespace(this, 'halfClose', 'nobody')
  })
})
