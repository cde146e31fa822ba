import { join } from 'node:path'

const EXAMPLES = join(import.meta.dirname, '../../examples')
const FIXTURES = join(import.meta.dirname, '../fixtures/dockerfiles')

/** An application that a Dockerfile of two stages builds on images of the catalogue. */
export interface DockerfileApplication {
  readonly name: string
  /** Of its Dockerfile. */
  readonly folder: string
  /** What its build stage is from, and what it is built on: names and variants of images. */
  readonly images: readonly [builder: string, base: string]
  /** What its program says, where it ends by itself. */
  readonly says?: RegExp
}

/** The applications, by name: two are examples for readers as well. */
export const DOCKERFILE_APPLICATIONS: readonly DockerfileApplication[] = [
  {
    name: 'python',
    folder: join(EXAMPLES, 'python-dockerfile'),
    images: ['python:dev', 'python:runtime'],
    says: /^compiled True 1\.16\.0$/,
  },
  fixture('node', ['node:dev', 'node:runtime'], /^npm ci true 65532$/),
  fixture('go', ['go:runtime', 'static:runtime'], /^go VERSION_5 65532$/),
  {
    name: 'java',
    folder: join(EXAMPLES, 'java-dockerfile'),
    images: ['java-21:dev', 'java-21:runtime'],
    says: /^maven 21 nonroot$/,
  },
  fixture('php', ['php:dev', 'php:runtime'], /^composer 8 É$/),
  fixture('rust', ['rust:runtime', 'cc:runtime'], /^cargo 42$/),
  fixture('nginx', ['nginx:runtime', 'nginx:runtime']),
]

function fixture(name: string, images: DockerfileApplication['images'], says?: RegExp): DockerfileApplication {
  return { name, folder: join(FIXTURES, name), images, ...(says === undefined ? {} : { says }) }
}
