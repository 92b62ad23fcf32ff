"""The tables of the demo at the source: real data, and small ones on which live changes prove something.

What each of the small tables proves is said beside it; the reader (demo/reader.py) checks it at the target.
"""

DATABASE = "shop"

SCHEMAS = ["CREATE SCHEMA geo"]

TABLES = {
    # Real data.
    "dbo.airlines": """
        carrier char(2) NOT NULL PRIMARY KEY,
        name varchar(60) NOT NULL""",
    "dbo.airports": """
        faa char(3) NOT NULL PRIMARY KEY,
        name nvarchar(100) NOT NULL,
        lat float NOT NULL,
        lon float NOT NULL,
        alt int NOT NULL,
        tz smallint NOT NULL,
        dst char(1) NULL,
        tzone varchar(64) NULL""",
    "dbo.planes": """
        tailnum varchar(6) NOT NULL PRIMARY KEY,
        year smallint NULL,
        type varchar(40) NOT NULL,
        manufacturer varchar(60) NOT NULL,
        model varchar(40) NOT NULL,
        engines tinyint NOT NULL,
        seats smallint NOT NULL,
        speed smallint NULL,
        engine varchar(20) NOT NULL""",
    "dbo.weather": """
        origin char(3) NOT NULL,
        time_hour datetime2(0) NOT NULL,
        temp real NULL,
        dewp real NULL,
        humid real NULL,
        wind_dir smallint NULL,
        wind_speed float NULL,
        wind_gust float NULL,
        precip float NULL,
        pressure float NULL,
        visib real NULL,
        CONSTRAINT pk_weather PRIMARY KEY (origin, time_hour)""",
    "dbo.flights": """
        flight_id int NOT NULL PRIMARY KEY,
        flight_date date NOT NULL,
        month tinyint NOT NULL,
        day tinyint NOT NULL,
        dep_time smallint NULL,
        sched_dep_time smallint NOT NULL,
        dep_delay smallint NULL,
        arr_time smallint NULL,
        sched_arr_time smallint NOT NULL,
        arr_delay smallint NULL,
        carrier char(2) NOT NULL CONSTRAINT fk_flights_carrier REFERENCES dbo.airlines (carrier),
        flight int NOT NULL,
        tailnum varchar(6) NULL,
        origin char(3) NOT NULL,
        dest char(3) NOT NULL,
        air_time smallint NULL,
        distance int NOT NULL,
        hour tinyint NOT NULL,
        minute tinyint NOT NULL,
        time_hour datetime2(0) NOT NULL""",
    # Names in every script; the alternate names are a large value that most updates leave alone.
    "geo.cities": """
        geonameid int NOT NULL PRIMARY KEY,
        name nvarchar(200) NOT NULL,
        alternate_names nvarchar(max) NOT NULL,
        latitude decimal(9,5) NOT NULL,
        longitude float NOT NULL,
        country_code char(2) NOT NULL,
        population bigint NOT NULL,
        timezone varchar(64) NOT NULL,
        admin1 nvarchar(20) NULL""",
    # Money moves between accounts: the sum never changes, seen from anywhere.
    "dbo.accounts": """
        account_id int NOT NULL PRIMARY KEY,
        owner nvarchar(60) NOT NULL,
        balance decimal(19,4) NOT NULL,
        moved_at datetime2(3) NULL""",
    # The header says how many lines it has and what they sum up to.
    "dbo.orders": """
        order_id int NOT NULL PRIMARY KEY,
        customer nvarchar(80) NOT NULL,
        line_count int NOT NULL,
        total decimal(12,2) NOT NULL,
        note nvarchar(max) NULL""",
    "dbo.order_lines": """
        order_id int NOT NULL CONSTRAINT fk_order_lines_order REFERENCES dbo.orders (order_id),
        line_no smallint NOT NULL,
        item nvarchar(60) NOT NULL,
        amount decimal(12,2) NOT NULL,
        CONSTRAINT pk_order_lines PRIMARY KEY (order_id, line_no)""",
    # Every transaction writes its number into both.
    "dbo.marks_first": """
        txn_id bigint NOT NULL PRIMARY KEY,
        kind varchar(20) NOT NULL""",
    "dbo.marks_last": """
        txn_id bigint NOT NULL PRIMARY KEY,
        written_at datetime2(7) NOT NULL""",
    # Text and bytes of every length; most updates leave the large values alone.
    "dbo.documents": """
        doc_id uniqueidentifier NOT NULL PRIMARY KEY,
        title nvarchar(200) NOT NULL,
        body nvarchar(max) NULL,
        attachment varbinary(max) NULL,
        revision int NOT NULL""",
    # Its key is changed, with a large value beside it.
    "dbo.badges": """
        badge_no int NOT NULL PRIMARY KEY,
        holder nvarchar(40) NOT NULL,
        photo varbinary(max) NULL""",
    "dbo.all_types": """
        id int NOT NULL PRIMARY KEY,
        a_bit bit NULL,
        a_tinyint tinyint NULL,
        a_smallint smallint NULL,
        a_int int NULL,
        a_bigint bigint NULL,
        a_decimal decimal(38,10) NULL,
        a_numeric numeric(10,2) NULL,
        a_money money NULL,
        a_smallmoney smallmoney NULL,
        a_real real NULL,
        a_float float NULL,
        a_date date NULL,
        a_time time(7) NULL,
        a_time0 time(0) NULL,
        a_smalldatetime smalldatetime NULL,
        a_datetime datetime NULL,
        a_datetime2 datetime2(7) NULL,
        a_datetime2_3 datetime2(3) NULL,
        a_datetimeoffset datetimeoffset(7) NULL,
        a_char char(10) NULL,
        a_varchar varchar(50) NULL,
        a_varchar_max varchar(max) NULL,
        a_nchar nchar(10) NULL,
        a_nvarchar nvarchar(50) NULL,
        a_nvarchar_max nvarchar(max) NULL,
        a_binary binary(8) NULL,
        a_varbinary varbinary(50) NULL,
        a_varbinary_max varbinary(max) NULL,
        a_uniqueidentifier uniqueidentifier NULL""",
    # Inserted at known moments: how long does a change take from the change table to the target?
    "dbo.latency_probe": """
        probe_id int NOT NULL PRIMARY KEY,
        written_at datetime2(7) NOT NULL""",
}


def create_statements():
    return SCHEMAS + [f"CREATE TABLE {name} ({columns}\n)" for name, columns in TABLES.items()]


def enable_statements():
    statements = ["EXEC sys.sp_cdc_enable_db"]
    for name in TABLES:
        schema, table = name.split(".")
        statements.append(f"EXEC sys.sp_cdc_enable_table @source_schema = N'{schema}', @source_name = N'{table}', "
                          f"@role_name = NULL")
    return statements
