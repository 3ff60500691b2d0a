import * as oauth from 'oauth4webapi'

const { ISSUER, AUDIENCE, ALGORITHM } = process.env
const issuer = new URL(ISSUER)
const answer = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2' })
const server = await oauth.processDiscoveryResponse(issuer, answer)

export async function verify(token) {
  const headers = { authorization: `Bearer ${token}` }
  const request = new Request('https://orders.example.com/', { headers })
  const options = { signingAlgorithms: ALGORITHM.split(' ') }
  return oauth.validateJwtAccessToken(server, request, AUDIENCE, options)
}
