"""Writes grype's records of Debian with vunnel's own provider, from files at hand in place of its downloads.

usage: python grype-records.py TRACKER_EXPORT DSA_LIST ROOT

The provider's workspace is ROOT/debian.
"""

import shutil
import sys

from vunnel import provider, result
from vunnel.providers.debian import Config, Provider


class NoDates:
    """When a fix was first seen is in a registry that is not asked; nothing here depends on it."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def download(self):
        return None

    def best(self, **_):
        return None


def main(export: str, announcements: str, root: str) -> None:
    runtime = provider.RuntimeConfig(result_store=result.StoreStrategy.FLAT_FILE)
    debian = Provider(root, Config(runtime=runtime))
    parser = debian.parser
    parser.fixdater = NoDates()
    parser._download_json = lambda: shutil.copyfile(export, parser.json_file_path)
    parser._download_dsa = lambda: shutil.copyfile(announcements, parser.dsa_file_path)
    debian.run()


main(*sys.argv[1:])
