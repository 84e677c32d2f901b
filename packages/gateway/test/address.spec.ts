import assert from 'node:assert/strict'
import { checkUnixPath, formatAddress, parseListen, parseTarget } from '../src/address.ts'

describe('addresses', () => {
  const good: [string | number, string][] = [
    [3000, 'tcp://localhost:3000'],
    ['3000', 'tcp://localhost:3000'],
    [' 3000 ', 'tcp://localhost:3000'],
    [':3000', 'tcp://localhost:3000'],
    ['db:5432', 'tcp://db:5432'],
    ['127.0.0.1:80', 'tcp://127.0.0.1:80'],
    ['tcp://127.0.0.1:80', 'tcp://127.0.0.1:80'],
    ['TCP://example.org:80/', 'tcp://example.org:80'],
    ['[::1]:80', 'tcp://[::1]:80'],
    ['tcp://[fe80::1%eth0]:80', 'tcp://[fe80::1%eth0]:80'],
    ['unix:/run/app.sock', 'unix:/run/app.sock'],
    ['unix:///run/app.sock', 'unix:/run/app.sock']
  ]
  for (const [text, url] of good) {
    it(`${JSON.stringify(text)} is the target ${url}`, () => {
      assert.equal(formatAddress(parseTarget(text)), url)
    })
  }

  const bad = ['', 'abc', 'host:', 'host:99999', 'host:80:90', '::1:80', '-1', '3.5', 'tcp:/x:1']
  bad.push('tcp://user@host:1', 'host:1/path', 'a b:1', '[zz]:1', '0', 'tcp://host')
  for (const text of bad) {
    it(`${JSON.stringify(text)} is no target, and the message says what works`, () => {
      assert.throws(() => parseTarget(text), { code: 'ERR_ADDRESS_INVALID', message: /port/ })
    })
  }

  for (const text of [
    'udp://h:53',
    'http://localhost:3000',
    'https://h:1',
    'ws://h:1',
    'socks5://h:1'
  ]) {
    it(`${text} is refused by name, with what works`, () => {
      assert.throws(() => parseTarget(text), {
        code: 'ERR_ADDRESS_UNSUPPORTED',
        message: /:\/\/ is not supported yet; what works is tcp:\/\//
      })
    })
  }

  it('a port beyond the last one is named as what is wrong', () => {
    assert.throws(() => parseTarget('db:65536'), {
      code: 'ERR_ADDRESS_INVALID',
      message: 'invalid target "db:65536": ports end at 65535'
    })
    assert.equal(formatAddress(parseTarget(65_535)), 'tcp://localhost:65535')
  })

  it('a bare port to listen on is one of 127.0.0.1, and may be 0', () => {
    assert.equal(formatAddress(parseListen(0)), 'tcp://127.0.0.1:0')
    assert.equal(formatAddress(parseListen('4000')), 'tcp://127.0.0.1:4000')
    assert.equal(formatAddress(parseListen('0.0.0.0:4000')), 'tcp://0.0.0.0:4000')
  })

  describe('paths of unix sockets (T-unix-1)', () => {
    const refused = [
      '',
      'app.sock',
      './app.sock',
      '../app.sock',
      '~/app.sock',
      '/run/../etc/app.sock',
      '/run/./app.sock',
      '/run/..',
      '/run/',
      '//run/app.sock',
      '/run/a\0b',
      '\0abstract',
      '@abstract',
      `/${'x'.repeat(107)}`,
      `/${'ö'.repeat(54)}`,
      `/${'x'.repeat(119)}`
    ]
    for (const path of refused) {
      it(`refuses ${JSON.stringify(path.slice(0, 30))} (${path.length} characters)`, () => {
        assert.throws(() => checkUnixPath(path), { code: 'ERR_UNIX_PATH' })
      })
    }
    for (const path of [
      '/a',
      `/${'x'.repeat(106)}`,
      '/run/..%2fapp',
      '/run/a b',
      '/run/...',
      '/run/.app'
    ]) {
      it(`takes ${JSON.stringify(path.slice(0, 30))} (${path.length} characters)`, () => {
        assert.equal(checkUnixPath(path), path)
      })
    }
  })
})
