import { type Config, config, createCleartextMessage, type PrivateKey, sign } from 'openpgp'

/** Signs a text in the cleartext signature framework, as `gpg --clearsign` does. */
export async function clearsign(
  text: string,
  keys: readonly PrivateKey[],
  date: Date,
  options: Partial<Config> = {},
): Promise<string> {
  const signed = await sign({
    message: await createCleartextMessage({ text }),
    signingKeys: [...keys],
    date,
    config: { ...config, ...options },
  })
  return signed.replaceAll('\r\n', '\n')
}
