--2
set implicit_transactions on 
GO
IF @@TRANCOUNT > 0 COMMIT TRAN
GO
set implicit_transactions off IF @@TRANCOUNT > 0 COMMIT TRAN 
GO
IF @@TRANCOUNT = 0 BEGIN BEGIN TRAN IF @@TRANCOUNT = 2 COMMIT TRAN END SAVE TRAN [dbz_schema_snapshot]
GO
IF @@TRANCOUNT > 0 ROLLBACK TRAN [dbz_schema_snapshot]
GO
set transaction isolation level snapshot 
GO
SELECT CAST(SERVERPROPERTY('EngineEdition') as INT)
GO
SELECT MAX(start_lsn) FROM (SELECT TOP (1 + 1) start_lsn FROM [shop].cdc.lsn_time_mapping WHERE start_lsn >= 0x00 AND tran_id <> 0x00 ORDER BY start_lsn) as next_lsns
GO
INSERT t(a, b) VALUES (4, N'vier'); UPDATE t SET b = N'x' WHERE a > 1; DELETE t WHERE a = 3; EXEC sp_sim_control 'scan'
GO
SELECT TOP 10 cdc_data.[__$start_lsn], cdc_data.[__$seqval], cdc_data.[__$operation], cdc_data.[__$update_mask], [a], [b], TODATETIMEOFFSET(ltm.tran_begin_time, DATEPART(TZOFFSET, SYSDATETIMEOFFSET())) FROM [shop].cdc.[dbo_t_CT] AS cdc_data LEFT JOIN [shop].cdc.lsn_time_mapping ltm ON ltm.start_lsn = cdc_data.[__$start_lsn]  WHERE (([cdc_data].[__$start_lsn] = 0x01 AND [cdc_data].[__$seqval] = 0x02 AND [cdc_data].[__$operation] > 0) OR ([cdc_data].[__$start_lsn] > 0x00)) AND [cdc_data].[__$start_lsn] <= 0xFFFFFFFFFFFFFFFFFFFF ORDER BY cdc_data.[__$start_lsn] ASC, cdc_data.[__$command_id] ASC, cdc_data.[__$seqval] ASC, cdc_data.[__$operation] ASC
GO
DECLARE @from binary(10) = sys.fn_cdc_get_min_lsn('dbo_t'), @to binary(10) = sys.fn_cdc_get_max_lsn(); SELECT [__$start_lsn], TODATETIMEOFFSET([shop].sys.fn_cdc_map_lsn_to_time([__$start_lsn]), DATEPART(TZOFFSET, SYSDATETIMEOFFSET())) FROM [shop].cdc.[fn_cdc_get_all_changes_dbo_t](@from, @to, N'all update old') ORDER BY [__$start_lsn] ASC, [__$seqval] ASC, [__$operation] ASC
GO
SELECT object_id, column_name FROM [shop].cdc.captured_columns ORDER BY object_id, column_id
GO
WITH ordered_change_tables AS (SELECT ROW_NUMBER() OVER (PARTITION BY ct.source_object_id, ct.start_lsn ORDER BY ct.create_date DESC) AS ct_sequence, ct.* FROM [shop].cdc.change_tables AS ct WHERE ct.start_lsn <= 0xFF) SELECT OBJECT_SCHEMA_NAME(source_object_id, DB_ID(N'shop')), OBJECT_NAME(source_object_id, DB_ID(N'shop')), capture_instance, object_id, start_lsn FROM ordered_change_tables WHERE ct_sequence = 1
GO
SELECT * FROM [shop].cdc.change_tables WHERE start_lsn BETWEEN 0x00 AND 0xFF
GO
SELECT CASE WHEN dss.[status]=4 THEN 1 ELSE 0 END AS isRunning FROM [shop].sys.dm_server_services dss WHERE dss.[servicename] LIKE N'SQL Server Agent (%';
GO
SELECT TOP 1 start_lsn from sys.dm_cdc_log_scan_sessions ORDER BY session_id DESC
GO
SELECT PARSE('2024-01-01' AS date)
GO
SELECT [shop].sys.fn_cdc_increment_lsn(0x00000027000007580003)
GO
SELECT TOP 1024 * FROM t WHERE ((a > 1) OR (a = 1 AND b > N'')) AND NOT ((a > 3)) ORDER BY a OPTION(RECOMPILE)
GO
DECLARE @mssqljdbc_temp_sp_columns_result TABLE(TABLE_QUALIFIER SYSNAME, TABLE_OWNER SYSNAME, TABLE_NAME SYSNAME, COLUMN_NAME SYSNAME, DATA_TYPE SMALLINT, TYPE_NAME SYSNAME, PRECISION INT, LENGTH INT, SCALE SMALLINT, RADIX SMALLINT, NULLABLE SMALLINT, REMARKS VARCHAR(254), COLUMN_DEF NVARCHAR(4000), SQL_DATA_TYPE SMALLINT, SQL_DATETIME_SUB SMALLINT, CHAR_OCTET_LENGTH INT, ORDINAL_POSITION INT, IS_NULLABLE VARCHAR(254), SS_IS_SPARSE SMALLINT, SS_IS_COLUMN_SET SMALLINT, SS_IS_COMPUTED SMALLINT, SS_IS_IDENTITY SMALLINT, SS_UDT_CATALOG_NAME NVARCHAR(128), SS_UDT_SCHEMA_NAME NVARCHAR(128), SS_UDT_ASSEMBLY_TYPE_NAME NVARCHAR(max), SS_XML_SCHEMACOLLECTION_CATALOG_NAME NVARCHAR(128), SS_XML_SCHEMACOLLECTION_SCHEMA_NAME NVARCHAR(128), SS_XML_SCHEMACOLLECTION_NAME NVARCHAR(128), SS_DATA_TYPE TINYINT);INSERT INTO @mssqljdbc_temp_sp_columns_result EXEC sp_columns_100 N't', N'dbo', N'shop', N'%', 2, 3;SELECT TABLE_QUALIFIER AS TABLE_CAT, COLUMN_NAME, DATA_TYPE, CASE WHEN SS_IS_IDENTITY = 0 THEN 'NO' WHEN SS_IS_IDENTITY = 1 THEN 'YES' ELSE '' END AS IS_AUTOINCREMENT FROM @mssqljdbc_temp_sp_columns_result ORDER BY TABLE_CAT, ORDINAL_POSITION;
GO
EXEC sp_tables '%', 'dbo', 'shop', '''TABLE'''
GO
EXEC sp_pkeys 't', 'dbo', 'shop'; EXEC sp_statistics_100 't', 'dbo', 'shop', '%', 'Y', 'Q'
GO
EXEC sys.sp_cdc_help_jobs; EXEC sys.sp_cdc_help_change_data_capture
GO
EXEC sp_executesql N'SELECT @P0, @P1 FROM t WHERE a =  @P1 ', N'@P0 nvarchar(4000),@P1 int', N'x', 1
GO
