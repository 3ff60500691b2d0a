import { createRemoteJWKSet, jwtVerify } from 'jose'

const { ISSUER: issuer, AUDIENCE: audience, ALGORITHM: algorithm, TYPE: typ } = process.env
// Without a pause between two requests for the keys, as if time passed between the tokens.
const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`), { cooldownDuration: 0 })

export async function verify(token) {
  const options = { issuer, audience, algorithms: algorithm.split(' '), typ }
  return (await jwtVerify(token, keys, options)).payload
}
