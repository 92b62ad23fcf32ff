"""A second capture instance for every table while changes go on, the first one switched off, and kill -9 around the switch."""

import os
import random
import time

from tests.fault.case import Fault
from tests.support.processes import NotReady, wait_until

ROUNDS = 3


class Instances(Fault):
    def enable_all(self, suffix):
        for name in ["dbo.tick", *self.TABLES]:
            schema, table = name.split(".")
            self.sql(f"EXEC sys.sp_cdc_enable_table @source_schema = N'{schema}', @source_name = N'{table}', "
                     f"@role_name = NULL, @capture_instance = N'{table}_{suffix}'")

    def disable_all(self, instances):
        """What an administrator does once the stored instances are the new ones."""
        for name, instance in instances.items():
            self.sql(f"EXEC sys.sp_cdc_disable_table N'dbo', N'{name}', N'{instance}'")

    def stored(self):
        return dict(self.rows("SELECT source_table, instance_name FROM tailrace.table_state"))

    def wait_switched(self, run, suffix):
        def done():
            if not run.running():
                raise NotReady(f"tailrace ended with {run.child.returncode}:\n{run.log()[-4000:]}")
            return all(instance == f"{table}_{suffix}" for table, instance in self.stored().items())
        wait_until(done, 60, "every table is read from its new instance", every=0.05)

    # The switch is durable with the position or not at all: a kill on either side of that commit goes on with what is stored.
    def test_killed_around_the_switch(self):
        run = self.start_streaming()
        before = self.stored()
        self.start_writer(41)
        self.drain(run)
        run = self.start(environment={"TAILRACE_CRASH_AT": "switch.before_commit:1"})
        self.enable_all("second")
        self.assert_killed(run)
        self.assertEqual(self.stored(), before)
        run = self.start(environment={"TAILRACE_CRASH_AT": "switch.after_commit:1"})
        self.assert_killed(run)
        self.assertNotEqual(self.stored(), before)
        run = self.start(environment={"TAILRACE_CRASH_AT": "sink.after_commit:3"})
        self.assert_killed(run)
        run = self.start()
        self.wait_switched(run, "second")
        self.disable_all(before)
        self.finish(run)

    # Again and again, with a third and a fourth instance in the place that the older one leaves, killed wherever it is.
    def test_killed_at_random_while_instances_come_and_go(self):
        seed = int(os.environ.get("TAILRACE_SEED", 0)) or random.SystemRandom().randrange(1, 1 << 31)
        self.note(f"seed {seed} (TAILRACE_SEED={seed} repeats it)")
        chance = random.Random(seed)
        run = self.start_streaming()
        self.start_writer(seed, rate=80)
        for number in range(2, 2 + ROUNDS):
            before = self.stored()
            self.enable_all(f"v{number}")
            for _ in range(2):
                time.sleep(chance.uniform(0.05, 0.6))
                run.kill()
                self.assert_nothing_half_visible()
                run = self.start()
            self.wait_switched(run, f"v{number}")
            self.disable_all(before)
        self.finish(run)

    # All of it happens while the program is down. The new instances reach back to the position: nothing was lost.
    def test_switched_off_while_it_was_down(self):
        run = self.start_streaming()
        before = self.stored()
        self.start_writer(43)
        run = self.stop_and_start(run, {"TAILRACE_CRASH_AT": "switch.before_commit:1"})
        self.enable_all("second")
        self.assert_killed(run)
        run = self.start(environment={"TAILRACE_CRASH_AT": "switch.after_commit:1"})
        self.assert_killed(run)
        after = self.stored()
        gone = {table: instance for table, instance in before.items() if after[table] != instance}
        self.assertTrue(gone)
        self.disable_all(gone)
        run = self.start()
        self.wait_switched(run, "second")
        self.finish(run)

    def stop_and_start(self, run, environment):
        self.drain(run)
        return self.start(environment=environment)
