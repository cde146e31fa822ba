/**
 * The source packages that labels are made of: those of the tracker's slice and samples, the catalogue's own, and others
 * that carry a trap. What is large (browsers, the kernel, offices) is left out: its lists would be the whole excerpt.
 */
export const SOURCES: readonly string[] = [
  ...['apache2', 'bind9', 'busybox', 'ca-certificates', 'cockpit', 'curl', 'dcmtk'],
  ...['distro-info-data', 'dnsdist', 'dokuwiki', 'expat', 'flask', 'git', 'glib2.0', 'glibc'],
  ...['gnutls28', 'grpc', 'h2o', 'haproxy', 'jetty9', 'jinja2', 'jython', 'krb5', 'libarchive', 'libpng1.6'],
  ...['libssh2', 'libtasn1-6', 'libxml2', 'libxmltok', 'luajit', 'minizip', 'needrestart', 'netty', 'nghttp2', 'nginx'],
  ...['nodejs', 'nss', 'openssh', 'openssl', 'pam', 'pcre2', 'perl', 'php-phpseclib', 'php-phpseclib3'],
  ...['phpseclib', 'postgresql-13', 'postgresql-15', 'postgresql-17', 'prosody', 'pypy3', 'python-django'],
  ...['python-oslo.utils', 'python2.7', 'python3.11', 'python3.13', 'python3.9', 'redict', 'redis', 'rsync'],
  ...['ruby-rack', 'runc', 'ruby2.7', 'ruby3.3', 'samba', 'shadow', 'sope', 'sqlite3', 'sudo', 'systemd', 'tar'],
  ...['tiff', 'tomcat10', 'tomcat9', 'tor', 'trafficserver', 'tryton-server', 'ucf', 'util-linux', 'valkey'],
  ...['varnish', 'wordpress', 'xz-utils', 'zlib'],
]
