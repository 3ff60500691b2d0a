// Answers each line of the input, a token, with the outcome of `verify` of the module that is named.

import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const { verify } = await import(pathToFileURL(process.argv[2]))

for await (const token of createInterface({ input: process.stdin })) {
  const outcome = await verify(token).then(
    (claims) => ({ claims }),
    (error) => ({ error: `${error.name}: ${error.message}` }),
  )
  console.log(JSON.stringify(outcome))
}
