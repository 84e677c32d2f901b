/** Default of each option; the meaning is with the option. */
export const DEFAULTS = {
  keyTypes: ['Ed25519', 'secp256k1', 'ECDSA', 'RSA'],
  minRsaBits: 2_048,
  maxRsaBits: 8_192,
  maxHandshakeMessageBytes: 4_192
} as const
