"""Snapshot, wide: TPC-H's lineitem (16 columns) and orders (9), made by tpchgen-cli."""

import pathlib
import subprocess
import sys

from bench.works.snapshot import Snapshot, bulk_insert


class Wide(Snapshot):
    name = "wide"
    title = "snapshot, wide (TPC-H lineitem, orders)"
    TABLES = {
        "lineitem": """
            l_orderkey bigint NOT NULL,
            l_partkey bigint NOT NULL,
            l_suppkey bigint NOT NULL,
            l_linenumber int NOT NULL,
            l_quantity decimal(15,2) NOT NULL,
            l_extendedprice decimal(15,2) NOT NULL,
            l_discount decimal(15,2) NOT NULL,
            l_tax decimal(15,2) NOT NULL,
            l_returnflag char(1) NOT NULL,
            l_linestatus char(1) NOT NULL,
            l_shipdate date NOT NULL,
            l_commitdate date NOT NULL,
            l_receiptdate date NOT NULL,
            l_shipinstruct char(25) NOT NULL,
            l_shipmode char(10) NOT NULL,
            l_comment varchar(44) NOT NULL,
            CONSTRAINT pk_lineitem PRIMARY KEY (l_orderkey, l_linenumber)""",
        "orders": """
            o_orderkey bigint NOT NULL CONSTRAINT pk_orders PRIMARY KEY,
            o_custkey bigint NOT NULL,
            o_orderstatus char(1) NOT NULL,
            o_totalprice decimal(15,2) NOT NULL,
            o_orderdate date NOT NULL,
            o_orderpriority char(15) NOT NULL,
            o_clerk char(15) NOT NULL,
            o_shippriority int NOT NULL,
            o_comment varchar(79) NOT NULL""",
    }

    def fill(self, stage, connection):
        made = stage.directory / "tpch"
        generator = pathlib.Path(sys.executable).parent / "tpchgen-cli"
        subprocess.run([generator, "tbl", "-s", f"{self.sizes.tpch_scale:g}", "-T", ",".join(self.TABLES), "-o", made],
                       check=True, capture_output=True)
        for table in self.TABLES:
            bulk_insert(connection, table, made / f"{table}.tbl", "|", "|\n")
