import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LIMITS, podman, pullImage } from './podman.ts'
import type { Tried } from './services.ts'

/** What every program asks of the image it runs on, in C. */
const COMMON = `
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void account(void) {
  struct passwd *entry = getpwuid(getuid());
  printf("%s %d:%d\\n", entry ? entry->pw_name : "nobody known", getuid(), getgid());
}

static void names(void) {
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
  if (getaddrinfo("localhost", "https", &hints, &found) != 0) { puts("no name"); return; }
  struct sockaddr_in *address = (struct sockaddr_in *)found->ai_addr;
  printf("%s:%d\\n", inet_ntoa(address->sin_addr), ntohs(address->sin_port));
}

static void zone(void) {
  char text[40];
  time_t noon = 1782900000;
  setenv("TZ", "Europe/Berlin", 1);
  tzset();
  strftime(text, sizeof text, "%H:%M %Z", localtime(&noon));
  puts(text);
}

static void root(void) {
  FILE *file = fopen("/tmp/word", "w");
  puts(file ? "writes to /tmp" : "cannot write to /tmp");
  file = fopen("/etc/word", "w");
  puts(file ? "writes to /etc" : errno == EROFS ? "read-only root" : strerror(errno));
}

static void roots(void) {
  char line[200];
  int count = 0;
  FILE *bundle = fopen(getenv("SSL_CERT_FILE"), "r");
  while (bundle && fgets(line, sizeof line, bundle)) count += strncmp(line, "-----BEGIN", 10) == 0;
  puts(count >= 140 ? "140 root certificates or more" : "too few root certificates");
}
`

const DYNAMIC = `${COMMON}
#include <dlfcn.h>
#include <langinfo.h>
#include <locale.h>

int main(void) {
  account(); names(); zone(); root(); roots();
  setlocale(LC_ALL, "");
  puts(nl_langinfo(CODESET));
  void *ssl = dlopen("libssl.so.3", RTLD_NOW);
  puts(ssl && dlsym(ssl, "TLS_client_method") ? "TLS" : dlerror());
}
`

const STATIC = `${COMMON}
int main(void) { account(); names(); zone(); root(); roots(); }
`

const PLUS_PLUS = `
#include <chrono>
#include <future>
#include <iostream>
#include <regex>
#include <stdexcept>

int main() {
  auto sum = std::async(std::launch::async, [] { long all = 0; 
#pragma omp parallel for reduction(+ : all)
    for (int at = 1; at <= 1000; at++) all += at;
    return all; });
  try { throw std::runtime_error("thrown and caught"); } catch (const std::exception &error) {
    std::cout << error.what() << " " << sum.get() << " " << std::regex_match("trixie", std::regex("[a-z]+")) << std::endl;
  }
}
`

const EXPECTED =
  'nonroot 65532:65532 / 127.0.0.1:443 / 12:00 CEST / writes to /tmp / read-only root / 140 root certificates or more'

interface Program {
  readonly name: string
  readonly source: string
  readonly compile: readonly string[]
  /** The image that it runs on. */
  readonly image: string
  readonly expected: string
}

const PROGRAMS: readonly Program[] = [
  { name: 'static.c', source: STATIC, compile: ['gcc', '-static', '-w'], image: 'static', expected: EXPECTED },
  { name: 'base.c', source: DYNAMIC, compile: ['gcc'], image: 'base', expected: `${EXPECTED} / UTF-8 / TLS` },
  {
    name: 'cc.cc',
    source: PLUS_PLUS,
    compile: ['g++', '-fopenmp'],
    image: 'cc',
    expected: 'thrown and caught 500500 1',
  },
]

/**
 * Compiles programs in cc's dev variant and runs each on a runtime image, with podman, as a multi-stage build would:
 * as the image's user, on a read-only root. `folder` holds the layout that the images are in.
 */
export async function runPrograms(folder: string): Promise<readonly Tried[]> {
  const shared = join(folder, 'programs')
  await mkdir(shared)
  const images = new Map<string, string>()
  const pull = async (title: string) => {
    images.set(title, await pullImage(`oci:${folder}/layout:${title}`))
    return images.get(title) ?? ''
  }
  try {
    const compiler = await pull('cc-dev')
    const results: Tried[] = []
    for (const { name, source, compile, image, expected } of PROGRAMS) {
      await writeFile(join(shared, name), source)
      await podman([
        'run',
        '--rm',
        ...LIMITS,
        '-v',
        `${shared}:/work`,
        compiler,
        ...compile,
        '-o',
        `/work/${name}.out`,
        `/work/${name}`,
      ])
      const options = [
        '--read-only',
        '--read-only-tmpfs=false',
        '--tmpfs',
        '/tmp',
        '--network',
        'none',
        '--cap-drop=ALL',
      ]
      const mount = ['-v', `${shared}/${name}.out:/program:ro`]
      const said = await podman([
        'run',
        '--rm',
        ...LIMITS,
        ...options,
        ...mount,
        await pull(`${image}-runtime`),
        '/program',
      ])
      const found = said.trim().replaceAll('\n', ' / ')
      results.push({ good: found === expected, line: `${name} compiled in cc-dev, run on ${image}: ${found}` })
    }
    return results
  } finally {
    for (const id of images.values()) await podman(['rmi', '--force', id])
  }
}
