"""`rotate_tenant_keys`: every secret of the registry under the newest key."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.core.management.base import CommandError, CommandParser

from multi_tenant.fleet.keys import Rotation, ciphertexts, rotate_each
from multi_tenant.management.base import RegistryCommand
from multi_tenant.management.progress import ProgressBar


class Command(RegistryCommand):
    """Seals secrets anew while the site runs; killed, it is simply run again."""

    help = (
        'Encrypts every secret of the registry with the first of MULTI_TENANT["ENCRYPTION_KEYS"]; afterwards the '
        "others may go."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        found = ciphertexts()
        counts: Counter[Rotation] = Counter()
        with ProgressBar(self.stderr, total=len(found), shown=not options["json"]) as bar:
            for result in rotate_each(found):
                counts[result.rotation] += 1
                if result.error:
                    bar.clear()
                    self.stderr.write(result.error)
                bar.advance()
        if options["json"]:
            self.write_json({rotation.value: counts[rotation] for rotation in Rotation})
        else:
            self.stdout.write(
                f"{counts[Rotation.ROTATED]} rotated, {counts[Rotation.CURRENT]} under the newest key before."
            )
            if counts[Rotation.ROTATED]:
                # A process that read a row before and saves it now writes the old ciphertext back.
                self.stdout.write("Before an old key is removed, run this once more: it must say 0 rotated.")
        if counts[Rotation.FAILED]:
            raise CommandError(
                f"{counts[Rotation.FAILED]} of {len(found)} secrets cannot be opened and were left as they are. Keep "
                "all keys until they are dealt with."
            )
