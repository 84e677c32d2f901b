/** Whether a promise has settled once everything that is ready now has run. */
export async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false
  const note = (): void => {
    done = true
  }
  promise.then(note, note)
  await new Promise(resolve => setImmediate(resolve))
  return done
}
