import type { Effect } from './effect.ts'

const LINK = '/usr/lib/jvm/default-jvm'

/**
 * Debian's JVMs stand in folders with the architecture in their names, so that JAVA_HOME would differ by platform. Debian's
 * own link, default-java, leads to the release's default version, which need not be the one that `java` starts.
 */
export const javaHome: Effect = {
  name: 'java-home',
  summary: 'Links /usr/lib/jvm/default-jvm to the Java that /usr/bin/java starts.',
  apply({ tree }) {
    const java = tree.resolve('/etc/alternatives/java')
    const home = java === undefined ? undefined : /^\/usr\/lib\/jvm\/([^/]+)\/bin\/java$/.exec(java)?.[1]
    if (home === undefined || tree.get(LINK) !== undefined) return []
    return [{ type: 'symlink', path: LINK, target: home }]
  },
}
