"""How much each work moves: the sizes of a full run, of QUICK=1, and of any part of them for trying the harness."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Sizes:
    name: str
    runs: int
    peer_runs: int
    peer_part: float  # Of a snapshot's rows, for slow peers: most of the time goes to them, and they take as long for each row of a part.
    tpch_scale: float
    narrow_rows: int
    text_rows: int
    backlog_changes: int
    huge_rows: int
    latency_seconds: int
    idle_seconds: int
    writers_seconds: int
    kafka_changes: int
    encoder_seconds: float  # Of each measurement, a round.
    scale_changes: int
    scale_tables: tuple
    scale_rows: int

    def part(self, fraction):
        """The same work with less to do: its figures say nothing, but everything is gone through."""
        def less(number):
            return max(1000, int(number * fraction))

        return dataclasses.replace(
            self, name=f"{self.name} x {fraction:g}", tpch_scale=max(0.001, self.tpch_scale * fraction),
            narrow_rows=less(self.narrow_rows), text_rows=less(self.text_rows),
            backlog_changes=less(self.backlog_changes), huge_rows=less(self.huge_rows),
            latency_seconds=max(3, int(self.latency_seconds * fraction)),
            idle_seconds=max(3, int(self.idle_seconds * fraction)),
            writers_seconds=max(3, int(self.writers_seconds * fraction)),
            kafka_changes=less(self.kafka_changes), encoder_seconds=max(0.1, self.encoder_seconds * fraction),
            scale_changes=less(self.scale_changes), scale_rows=less(self.scale_rows))


FULL = Sizes("full", runs=3, peer_runs=3, peer_part=0.2, tpch_scale=1, narrow_rows=10_000_000, text_rows=1_000_000,
             backlog_changes=2_000_000, huge_rows=5_000_000, latency_seconds=60, idle_seconds=60, writers_seconds=30,
             kafka_changes=200_000, encoder_seconds=1, scale_changes=500_000,
             scale_tables=(1, 10, 100, 1000), scale_rows=2_000_000)
QUICK = Sizes("quick", runs=3, peer_runs=1, peer_part=1, tpch_scale=0.1, narrow_rows=1_000_000, text_rows=100_000,
              backlog_changes=200_000, huge_rows=500_000, latency_seconds=20, idle_seconds=20, writers_seconds=10,
              kafka_changes=50_000, encoder_seconds=0.5, scale_changes=50_000,
              scale_tables=(1, 10, 100, 1000), scale_rows=200_000)
