import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runOrThrow } from './command.ts'

/** An application as its own package manager has installed it below a root. */
export interface InstalledApplication {
  readonly ecosystem: 'npm' | 'pypi' | 'golang' | 'maven'
  /** What its package manager's own lock, report or list says is installed: `name version`, sorted. */
  readonly locked: readonly string[]
}

/** Where applications are put together, and the root that they are installed in. */
interface Place {
  readonly root: string
  readonly scratch: string
}

/** Installs an application of each ecosystem below `opt` of a root, from the registries that this machine is configured for. */
export async function installApplications(place: Place): Promise<readonly InstalledApplication[]> {
  for (const folder of [place.root, place.scratch]) mkdirSync(folder, { recursive: true })
  return [await installNpm(place), await installPython(place), await installGo(place), await installJava(place)]
}

async function installNpm({ root }: Place): Promise<InstalledApplication> {
  const folder = join(root, 'opt/npm')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'orders', version: '1.4.0', private: true }))
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--save-exact']
  await runOrThrow(['npm', 'install', ...options, 'express@4.21.2', '@hapi/hoek@11.0.7', 'semver@7.6.3'], {
    cwd: folder,
  })
  const lock: { packages: Record<string, { version: string }> } = JSON.parse(
    readFileSync(join(folder, 'package-lock.json'), 'utf8'),
  )
  // The entry without a path is the application itself, which is not installed but is what others are installed for.
  const locked = Object.entries(lock.packages).flatMap(([path, { version }]) =>
    path === '' ? [] : `${path.replace(/^.*node_modules\//, '')} ${version}`,
  )
  return { ecosystem: 'npm', locked: unique(locked) }
}

async function installPython({ root, scratch }: Place): Promise<InstalledApplication> {
  const report = join(scratch, 'pip.json')
  const pip = ['python3', '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-compile']
  const target = ['--ignore-installed', '--prefix', join(root, 'opt/python'), '--report', report]
  await runOrThrow([...pip, ...target, 'flask==3.1.0', 'requests==2.32.3'])
  const { install }: { install: { metadata: { name: string; version: string } }[] } = JSON.parse(
    readFileSync(report, 'utf8'),
  )
  // PEP 503.
  const locked = install.map(
    ({ metadata }) => `${metadata.name.toLowerCase().replaceAll(/[-_.]+/g, '-')} ${metadata.version}`,
  )
  return { ecosystem: 'pypi', locked: unique(locked) }
}

const GO_PROGRAM = `package main

import (
	"fmt"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

func main() {
	root := &cobra.Command{Use: "orders", Run: func(*cobra.Command, []string) { fmt.Println(uuid.New()) }}
	_ = root.Execute()
}
`

async function installGo({ root, scratch }: Place): Promise<InstalledApplication> {
  const folder = join(scratch, 'go')
  mkdirSync(folder)
  writeFileSync(join(folder, 'main.go'), GO_PROGRAM)
  const required = ['github.com/google/uuid v1.6.0', 'github.com/spf13/cobra v1.8.1']
  const lines = ['module example.org/orders', 'go 1.22.0', ...required.map((one) => `require ${one}`), '']
  writeFileSync(join(folder, 'go.mod'), lines.join('\n'))
  const target = join(root, 'opt/go/orders')
  const env = { CGO_ENABLED: '0' }
  await runOrThrow(['go', 'build', '-mod=mod', '-o', target, '.'], { cwd: folder, env })
  // What is linked in, not what the graph of modules would allow; and the program's own module and Go's library.
  const format = '{{with .Module}}{{.Path}} {{or .Version "(devel)"}}{{end}}'
  const listed = await runOrThrow(['go', 'list', '-deps', '-f', format, '.'], { cwd: folder, env })
  const compiler = (await runOrThrow(['go', 'env', 'GOVERSION'])).trim().replace(/^go/, '')
  const modules = listed.split('\n').filter((line) => line !== '')
  return { ecosystem: 'golang', locked: unique([...modules, `stdlib ${compiler}`]) }
}

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>org.example</groupId><artifactId>orders</artifactId><version>2.1.0</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>com.google.code.gson</groupId><artifactId>gson</artifactId><version>2.11.0</version></dependency>
    <dependency><groupId>org.apache.commons</groupId><artifactId>commons-text</artifactId><version>1.12.0</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>2.0.16</version></dependency>
  </dependencies>
</project>
`

/** Half of the archives lie beside the application, half inside its own, as application servers have them. */
async function installJava({ root, scratch }: Place): Promise<InstalledApplication> {
  const folder = join(scratch, 'java')
  mkdirSync(join(folder, 'BOOT-INF'), { recursive: true })
  writeFileSync(join(folder, 'pom.xml'), POM)
  const list = join(folder, 'list.txt')
  const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1'
  const maven = ['mvn', '--batch-mode', '--quiet']
  const runtime = '-DincludeScope=runtime'
  const goals = [`${plugin}:copy-dependencies`, `-DoutputDirectory=${join(folder, 'BOOT-INF/lib')}`, runtime]
  await runOrThrow([...maven, ...goals], { cwd: folder })
  await runOrThrow([...maven, `${plugin}:list`, `-DoutputFile=${list}`, runtime], { cwd: folder })
  const target = join(root, 'opt/java')
  mkdirSync(target, { recursive: true })
  const move = 'for one in gson error_prone_annotations; do mv BOOT-INF/lib/$one-*.jar "$1/"; done'
  await runOrThrow(['bash', '-ec', move, 'bash', target], { cwd: folder })
  // Maven's own mark in what it packages.
  const mark = join(folder, 'META-INF/maven/org.example/orders')
  mkdirSync(mark, { recursive: true })
  writeFileSync(join(mark, 'pom.properties'), 'groupId=org.example\nartifactId=orders\nversion=2.1.0\n')
  const archive = ['--file', join(target, 'orders.jar'), 'BOOT-INF', 'META-INF']
  await runOrThrow(['jar', '--create', '--no-compress', ...archive], { cwd: folder })
  const listed = [...readFileSync(list, 'utf8').matchAll(/^ +([^:\s]+):([^:\s]+):jar:([^:\s]+):/gm)]
  const locked = listed.map(([, group, name, version]) => `${group}:${name} ${version}`)
  return { ecosystem: 'maven', locked: unique([...locked, 'org.example:orders 2.1.0']) }
}

function unique(lines: readonly string[]): readonly string[] {
  return [...new Set(lines)].sort()
}
