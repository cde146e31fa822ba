import type { Release } from '#factory'
import type { ImageStanding } from '#store'
import { sees } from '../access/rights.ts'
import { pageBackward, pageForward } from '../http/pages.ts'
import { type Route, route } from '../http/route.ts'
import {
  COUNT,
  DIGEST,
  IMAGE,
  list,
  MOMENT,
  NUMBER,
  objectOf,
  orNull,
  PAGING,
  page,
  TEXT,
  VARIANT,
} from '../http/shapes.ts'
import { notThere } from '../record.ts'
import type { Serving } from '../serving.ts'

const STANDING = objectOf({
  image: IMAGE,
  variant: VARIANT,
  release: NUMBER,
  digest: DIGEST,
  tags: list(TEXT),
  references: list(TEXT),
  released: MOMENT,
  platforms: list(TEXT),
  open: COUNT,
  fixable: COUNT,
})

const RELEASE = objectOf({
  id: NUMBER,
  image: IMAGE,
  variant: VARIANT,
  digest: DIGEST,
  lock: DIGEST,
  tags: list(TEXT),
  references: list(TEXT),
  manifests: list(objectOf({ platform: TEXT, digest: DIGEST, contents: DIGEST })),
  evidence: {
    type: 'object',
    description: 'digests of the envelopes, by predicate type',
    additionalProperties: DIGEST,
  },
  released: MOMENT,
  run: orNull(NUMBER),
  restores: orNull(NUMBER),
})

const AFFECTED = objectOf({ image: IMAGE, variant: VARIANT, platform: TEXT, packages: list(TEXT) })

/** What images are there, what they were, and how they stand with their findings. */
export const imageRoutes: readonly Route[] = [
  route({
    id: 'listImages',
    method: 'GET',
    at: '/api/v1/images',
    summary: 'What every image and variant is at now, by name',
    group: 'images',
    action: 'read',
    query: { type: 'object', additionalProperties: false, properties: PAGING },
    gives: page(STANDING),
    answer: ({ query, caller }, serving) =>
      pageForward(query, {
        parts: 2,
        names: ({ image, variant }: ImageStanding) => [image, variant],
        read: ({ after: [image = '', variant = ''], limit }) =>
          serving.store.images.list(caller.images, { after: { image, variant }, limit }),
        show: (standing) => showStanding(standing, serving),
      }),
  }),
  route({
    id: 'listReleases',
    method: 'GET',
    at: '/api/v1/releases',
    summary: 'Releases, the newest first',
    group: 'images',
    action: 'read',
    query: {
      type: 'object',
      additionalProperties: false,
      properties: { ...PAGING, image: IMAGE, variant: VARIANT },
    },
    gives: page(RELEASE),
    answer: ({ query: { image, variant, ...paging }, caller }, serving) => {
      const only = { ...(image === undefined ? {} : { image }), ...(variant === undefined ? {} : { variant }) }
      return pageBackward(
        paging,
        (part) => serving.store.history.releases(caller.images, { ...part, ...only }),
        (release) => showRelease(release, serving),
      )
    },
  }),
  route({
    id: 'readRelease',
    method: 'GET',
    at: '/api/v1/releases/{release}',
    summary: 'One release with the digests of its evidence',
    group: 'images',
    action: 'read',
    path: { type: 'object', additionalProperties: false, required: ['release'], properties: { release: NUMBER } },
    gives: RELEASE,
    answer: async ({ path, caller }, serving) => {
      const release = await serving.store.history.release(caller.images, path.release)
      if (release === undefined) throw notThere(`release ${path.release}`)
      return { json: showRelease(release, serving) }
    },
  }),
  route({
    id: 'listAffected',
    method: 'GET',
    at: '/api/v1/affected',
    summary: 'Which images hold a source package in a version below another, by Debian’s order',
    group: 'images',
    action: 'read',
    query: {
      type: 'object',
      additionalProperties: false,
      required: ['archive', 'source', 'below'],
      properties: {
        ...PAGING,
        archive: {
          type: 'string',
          title: 'a named archive, e.g. debian-13',
          pattern: '^[a-z0-9][a-z0-9.-]*$',
          maxLength: 100,
        },
        source: { type: 'string', title: 'a source package', pattern: '^[a-z0-9][a-z0-9+.-]+$', maxLength: 100 },
        below: {
          type: 'string',
          title: 'a version of a package',
          pattern: '^(\\d+:)?\\d[A-Za-z0-9.+~-]*$',
          maxLength: 200,
        },
      },
    },
    gives: page(AFFECTED),
    answer: async ({ query: { archive, source, below, ...paging }, caller }, { store }) => {
      const all = await store.releases.affected({ archive, source, below })
      const key = (one: (typeof all)[number]) => [one.image, one.variant, one.platform]
      const seen = all
        .filter(({ image }) => sees(caller.images, image))
        .sort((left, right) => compare(key(left), key(right)))
      return await pageForward(paging, {
        parts: 3,
        names: key,
        read: async ({ after, limit }) => {
          const start = seen.findIndex((one) => compare(key(one), after) > 0)
          return start < 0 ? [] : seen.slice(start, start + limit)
        },
      })
    },
  }),
]

function compare(left: readonly string[], right: readonly string[]): number {
  const at = left.findIndex((part, index) => part !== right[index])
  return at < 0 ? 0 : (left[at] ?? '') < (right[at] ?? '') ? -1 : 1
}

/** How an image is pulled by each of its tags. */
export function referencesOf(image: string, tags: readonly string[], registry: string): readonly string[] {
  return tags.map((tag) => `${registry}/${image}:${tag}`)
}

function showStanding(standing: ImageStanding, { registry }: Serving): object {
  return { ...standing, references: referencesOf(standing.image, standing.tags, registry) }
}

function showRelease(release: Release, { registry }: Serving): object {
  const { run = null, restores = null, ...rest } = release
  return { ...rest, references: referencesOf(release.image, release.tags, registry), run, restores }
}
