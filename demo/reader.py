"""The reader of the demo: asks the target again and again, each time in one statement, whether anything is half there."""

import dataclasses
import time

INVARIANTS = """
SELECT (SELECT coalesce(sum(balance), 0) FROM public.accounts) AS money,
       (SELECT count(*) FROM public.accounts) AS accounts,
       (SELECT count(*) FROM public.orders o
          LEFT JOIN (SELECT order_id, count(*) AS lines, sum(amount) AS total
                     FROM public.order_lines GROUP BY order_id) l USING (order_id)
          WHERE o.line_count <> coalesce(l.lines, 0) OR o.total <> coalesce(l.total, 0)) AS orders_that_disagree,
       (SELECT count(*) FROM public.order_lines l
          WHERE NOT EXISTS (SELECT FROM public.orders o WHERE o.order_id = l.order_id)) AS lines_without_order,
       (SELECT (count(*), coalesce(sum(txn_id), 0), coalesce(min(txn_id), 0))::text FROM public.marks_first) AS first,
       (SELECT (count(*), coalesce(sum(txn_id), 0), coalesce(min(txn_id), 0))::text FROM public.marks_last) AS last
"""


@dataclasses.dataclass
class Seen:
    checks: int = 0
    half_visible: int = 0
    example: str = ""
    distinct_states: int = 0  # Different numbers of transactions seen: shows that the reader saw the run move.


def check_once(connection, money, accounts, seen):
    row = connection.execute(INVARIANTS).fetchone()
    seen.checks += 1
    broken = []
    if row[0] != money or row[1] != accounts:
        broken.append(f"money is {row[0]} on {row[1]} accounts, not {money} on {accounts}")
    if row[2]:
        broken.append(f"{row[2]} orders disagree with their lines")
    if row[3]:
        broken.append(f"{row[3]} lines without their order")
    if row[4] != row[5]:
        broken.append(f"marks (count, sum, min): first {row[4]}, last {row[5]}")
    if broken:
        seen.half_visible += 1
        seen.example = seen.example or "; ".join(broken)
    return row[4]


def watch(connection, money, accounts, stop, pause=0.01):
    """Checks until stop() says so."""
    seen = Seen()
    before = None
    while not stop():
        state = check_once(connection, money, accounts, seen)
        seen.distinct_states += state != before
        before = state
        time.sleep(pause)
    return seen
