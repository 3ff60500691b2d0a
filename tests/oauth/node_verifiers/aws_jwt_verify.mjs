import { JwtVerifier } from 'aws-jwt-verify'

const { ISSUER: issuer, AUDIENCE: audience } = process.env
const verifier = JwtVerifier.create({ issuer, audience, jwksUri: `${issuer}/.well-known/jwks.json` })

export async function verify(token) {
  return verifier.verify(token)
}
