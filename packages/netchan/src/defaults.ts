/** Defaults of every option, in one place; the README's table is compared with it. */
export const DEFAULTS = {
  maxDepth: 16
} as const
