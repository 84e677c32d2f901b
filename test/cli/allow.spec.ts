import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { until } from '../support/until.ts'
import { Stage } from './command.ts'
import { curl, needs, testServer } from './programs.ts'
import type { TestServer } from './programs.ts'

describe('warren share --allow', () => {
  let stage: Stage
  let server: TestServer
  before(function () {
    needs(this, 'curl')
  })
  beforeEach(async () => {
    stage = await Stage.create()
    server = await testServer('hello\n')
  })
  afterEach(async () => {
    await stage.close()
    await server.close()
  })

  const idOf = async (home: string): Promise<string> =>
    (await stage.finished(home, ['key'])).out.trim()

  it('lets in only those who are listed, whatever ticket others have', async () => {
    const ticket = await stage
      .warren('a', ['share', `${server.port}`, '--allow', await idOf('b')])
      .firstLine()
    const url = await stage.warren('b', ['open', ticket]).firstLine()
    assert.equal(await curl(stage, url), 'hello\n')
    const refused = await stage.finished('c', ['open', ticket, '--timeout', '3s'])
    // As if nothing were shared under that name.
    assert.equal(refused.code, 69, refused.err)
    const wrong = await stage.finished('a', ['share', `${server.port}`, '--allow', 'me'])
    assert.equal(wrong.code, 78, wrong.err)
    assert.match(wrong.err, /"me" is not a peer id/)
  })

  it('follows its file: who is taken out loses what runs, who is put in can open', async () => {
    const file = join(stage.directory, 'friends')
    const [b, c] = [await idOf('b'), await idOf('c')]
    await writeFile(file, `${b} # the laptop\n`)
    const sharing = stage.warren('a', ['share', `${server.port}`, '--allow-file', file])
    const ticket = await sharing.firstLine()
    const url = await stage.warren('b', ['open', ticket]).firstLine()
    const fetching = stage.run('curl', ['--silent', '--no-buffer', `${url}/slow`])
    await fetching.firstLine()
    await writeFile(file, `# the laptop is gone\n${c}\n`)
    await sharing.says(/allow-list has changed: 1 may open/)
    assert.notEqual((await fetching.ended).code, 0, 'what ran has ended')
    const other = await stage.warren('c', ['open', ticket]).firstLine()
    assert.equal(await curl(stage, other), 'hello\n')
    // A line that is none changes nothing, and is told.
    await writeFile(file, 'nonsense\n')
    await sharing.says(/line 1: "nonsense" is not a peer id/)
    assert.equal(await curl(stage, other), 'hello\n')
    await writeFile(file, `${b}\n${c}\n`)
    await until(
      async () => (await curl(stage, url).catch(() => '')) === 'hello\n',
      'it can be opened again'
    )
  })
})
