import { catalogueImages } from './parts/catalogue.ts'
import { weighImages } from './size.ts'

/** The images that came with the engine, in all variants; `size` weighs the runtimes of the whole catalogue. */
const ENGINE = ['static', 'base', 'cc', 'busybox', 'debian', 'python', 'nginx']

/** The images of the engine's own issue for amd64, weighed as `size` does. */
export async function run(): Promise<{ holds: boolean; lines: string[] }> {
  const images = await catalogueImages(ENGINE)
  return weighImages(images.filter(({ platform }) => platform === 'linux/amd64'))
}
