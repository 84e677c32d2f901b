/** Defaults of every option, in one place; the README's table is compared with it. */
export const DEFAULTS = {} as const
