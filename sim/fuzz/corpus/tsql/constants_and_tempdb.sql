USE shop
GO
SELECT DISTINCT 0 AS v FROM t ORDER BY v; SELECT id, 256 AS c FROM t ORDER BY 2; SELECT DISTINCT 7 v FROM t ORDER BY 1
GO
SELECT COUNT(DISTINCT 5), COUNT(5) FROM t; SELECT ROW_NUMBER() OVER (PARTITION BY 3 ORDER BY id) FROM t
GO
SELECT f.[name] FROM tempdb.sys.database_files AS f WHERE f.[type] = 0; SELECT c.[name] FROM tempdb.sys.columns AS c
GO
SELECT 1 FROM 'aééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé
GO
CREATE TABLE 日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語
GO
EXEC sp_executesql N'SELECT ''日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語'', @x', N'@x int'
GO
SELECT 1 + "日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語日本語
GO
