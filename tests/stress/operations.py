"""All that a crowd does in a tenant. Each operation is one thing that an application does, and looks at what it reads.

An operation runs inside the tenant whose alias it gets.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.stress.reads import (
    aggregate,
    go_astray,
    join,
    look_aside,
    look_elsewhere,
    look_in_pieces,
    prefetch,
    raw_rows,
)
from tests.stress.worker import Worker
from tests.stress.writes import (
    after_commit,
    count_locked,
    count_up,
    create,
    create_many,
    found_city,
    get_or_make,
    keep_half,
    label,
    raw_statements,
    remove,
    remove_by_query,
    roll_back,
    save,
    update,
    write_in_two,
)

Operation = Callable[[Worker, str], None]
#: What there is to do, and how often each is done among the others: about as much is deleted as is made.
OPERATIONS: dict[Operation, int] = {
    create: 3,
    create_many: 1,
    save: 2,
    update: 2,
    count_up: 2,
    count_locked: 2,
    remove: 5,
    remove_by_query: 5,
    roll_back: 2,
    keep_half: 1,
    after_commit: 2,
    raw_statements: 2,
    raw_rows: 6,
    prefetch: 4,
    join: 6,
    look_in_pieces: 4,
    get_or_make: 3,
    aggregate: 5,
    label: 2,
    found_city: 1,
    look_aside: 2,
    look_elsewhere: 3,
    write_in_two: 1,
    go_astray: 1,
}
