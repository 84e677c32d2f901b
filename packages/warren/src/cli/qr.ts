/** Terminal columns that a QR code leaves free at each side. */
const MARGIN = 2

/**
 * `text` as a QR code of half blocks, or `undefined` when it would not fit into `columns`.
 * A ticket goes in capitals: QR codes hold these more densely, and tickets are read in both.
 */
export async function qrCode(text: string, columns: number): Promise<string | undefined> {
  const { renderUnicodeCompact } = await import('uqr')
  const picture = renderUnicodeCompact(text.toUpperCase(), { border: 2 })
  const width = picture.split('\n', 1)[0]?.length ?? 0
  return width + MARGIN <= columns ? picture : undefined
}
