// Microsoft's JDBC driver at the service of the conformance script: requests and answers are JSON, a line each.
//
// A connection has a thread of its own, so that a statement that waits for a lock keeps nobody else waiting; answers carry the
// number of their request. Cells are written as the script writes them (tests/conformance/README.md).
//
//   {"n":1,"op":"connect","id":"A","url":"jdbc:sqlserver://...","user":"sa","password":"..."}
//   {"n":2,"op":"run","id":"A","sql":"SELECT ?","keep":true,"parameters":[{"type":"int","value":"5","size":0,"digits":0}]}
//   {"n":3,"op":"again","id":"A","parameters":[...]}          {"n":4,"op":"close","id":"A"}
//
//   {"n":2,"outcomes":[{"columns":[["a","int"]],"rows":[["5"]]},{"affected":1},{"error":[8134,16,1,"Divide..."]},{"message":"hi"}]}
import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.microsoft.sqlserver.jdbc.SQLServerException;
import com.microsoft.sqlserver.jdbc.SQLServerPreparedStatement;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Statement;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

public class JdbcRunner {
  private static final int LARGEST = 8000;
  private static final Gson GSON = new Gson();
  private static PrintStream answers;

  // One connection of the script with its thread and the prepared statement that is executed again.
  private static final class Session {
    final ExecutorService thread = Executors.newSingleThreadExecutor(work -> {
      Thread made = new Thread(work);
      made.setDaemon(true);
      return made;
    });
    Connection connection;
    PreparedStatement kept;
  }

  private static final Map<String, Session> sessions = new ConcurrentHashMap<>();

  public static void main(String[] arguments) throws Exception {
    answers = new PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.out), true, StandardCharsets.UTF_8);
    BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = requests.readLine()) != null; ) {
      JsonObject request = JsonParser.parseString(line).getAsJsonObject();
      Session session = sessions.computeIfAbsent(text(request, "id"), id -> new Session());
      session.thread.execute(() -> answer(session, request));
    }
  }

  private static String text(JsonObject object, String name) {
    JsonElement value = object.get(name);
    return value == null || value.isJsonNull() ? null : value.getAsString();
  }

  private static void answer(Session session, JsonObject request) {
    JsonArray outcomes = new JsonArray();
    JsonObject reply = new JsonObject();
    reply.addProperty("n", request.get("n").getAsInt());
    try {
      switch (text(request, "op")) {
        case "connect" -> connect(session, request);
        case "run" -> run(session, request, outcomes);
        case "again" -> {
          bind(session.kept, request.getAsJsonArray("parameters"));
          execute(session.kept, null, outcomes);
        }
        case "close" -> close(session, text(request, "id"));
        default -> throw new IllegalArgumentException("no such request: " + text(request, "op"));
      }
    } catch (SQLException error) {
      errors(error, outcomes);
      reply.addProperty("failed", true);
    } catch (RuntimeException fault) {
      reply.addProperty("fault", fault.toString());
    }
    reply.add("outcomes", outcomes);
    synchronized (answers) {
      answers.println(GSON.toJson(reply));
    }
  }

  private static void connect(Session session, JsonObject request) throws SQLException {
    Properties properties = new Properties();
    properties.put("user", text(request, "user"));
    properties.put("password", text(request, "password"));
    session.connection = DriverManager.getConnection(text(request, "url"), properties);
  }

  private static void close(Session session, String id) throws SQLException {
    sessions.remove(id);
    session.thread.shutdown();
    if (session.connection != null) session.connection.close();
  }

  private static void run(Session session, JsonObject request, JsonArray outcomes) throws SQLException {
    JsonArray parameters = request.getAsJsonArray("parameters");
    boolean keep = request.get("keep").getAsBoolean();
    if (session.kept != null) session.kept.close();
    session.kept = null;
    if (!keep && parameters.isEmpty()) {
      try (Statement statement = session.connection.createStatement()) {
        execute(statement, text(request, "sql"), outcomes);
      }
      return;
    }
    PreparedStatement statement = session.connection.prepareStatement(text(request, "sql"));
    session.kept = statement;
    bind(statement, parameters);
    execute(statement, null, outcomes);
  }

  private static void bind(PreparedStatement statement, JsonArray parameters) throws SQLException {
    SQLServerPreparedStatement into = (SQLServerPreparedStatement) statement;
    for (int i = 0; i < parameters.size(); ++i) {
      JsonObject parameter = parameters.get(i).getAsJsonObject();
      bind(into, i + 1, text(parameter, "type"), text(parameter, "value"), parameter.get("size").getAsInt(),
           parameter.get("digits").getAsInt());
    }
  }

  private static int code(String type) {
    return switch (type) {
      case "bit" -> Types.BIT;
      case "tinyint" -> Types.TINYINT;
      case "smallint" -> Types.SMALLINT;
      case "int" -> Types.INTEGER;
      case "bigint" -> Types.BIGINT;
      case "decimal", "money" -> Types.DECIMAL;
      case "numeric" -> Types.NUMERIC;
      case "float" -> Types.DOUBLE;
      case "real" -> Types.REAL;
      case "char" -> Types.CHAR;
      case "varchar" -> Types.VARCHAR;
      case "nchar" -> Types.NCHAR;
      case "nvarchar" -> Types.NVARCHAR;
      case "binary" -> Types.BINARY;
      case "varbinary" -> Types.VARBINARY;
      case "date" -> Types.DATE;
      case "time" -> Types.TIME;
      case "datetime", "datetime2" -> Types.TIMESTAMP;
      case "datetimeoffset" -> microsoft.sql.Types.DATETIMEOFFSET;
      case "uniqueidentifier" -> microsoft.sql.Types.GUID;
      default -> throw new IllegalArgumentException("no such parameter type: " + type);
    };
  }

  private static void bind(SQLServerPreparedStatement into, int i, String type, String value, int size, int digits)
      throws SQLException {
    if (value == null) {
      into.setNull(i, code(type));
      return;
    }
    switch (type) {
      case "bit" -> into.setBoolean(i, value.equals("1"));
      case "tinyint", "smallint" -> into.setShort(i, Short.parseShort(value));
      case "int" -> into.setInt(i, Integer.parseInt(value));
      case "bigint" -> into.setLong(i, Long.parseLong(value));
      case "decimal", "numeric" -> into.setBigDecimal(i, new BigDecimal(value), size, digits);
      case "money" -> into.setMoney(i, new BigDecimal(value));
      case "float" -> into.setDouble(i, Double.parseDouble(value));
      case "real" -> into.setFloat(i, Float.parseFloat(value));
      case "char", "varchar" -> into.setString(i, value);
      case "nchar", "nvarchar" -> into.setNString(i, value);
      case "binary", "varbinary" -> into.setBytes(i, bytes(value));
      case "date" -> into.setObject(i, LocalDate.parse(value));
      case "time" -> into.setObject(i, LocalTime.parse(value), Types.TIME, digits);
      case "datetime" -> into.setDateTime(i, Timestamp.valueOf(value));
      case "datetime2" -> into.setTimestamp(i, Timestamp.valueOf(value), digits);
      case "datetimeoffset" -> {
        OffsetDateTime moment = OffsetDateTime.parse(value.replaceFirst(" ", "T").replace(" ", ""));
        into.setDateTimeOffset(i, microsoft.sql.DateTimeOffset.valueOf(
            Timestamp.from(moment.toInstant()), moment.getOffset().getTotalSeconds() / 60), digits);
      }
      case "uniqueidentifier" -> into.setUniqueIdentifier(i, value);
      default -> throw new IllegalArgumentException("no such parameter type: " + type);
    }
  }

  private static byte[] bytes(String hex) {
    byte[] out = new byte[hex.length() / 2];
    for (int i = 0; i < out.length; ++i) out[i] = (byte) Integer.parseInt(hex.substring(2 * i, 2 * i + 2), 16);
    return out;
  }

  // Every outcome in order. An error of one statement does not end the batch: the next result is asked for after it.
  private static void execute(Statement statement, String sql, JsonArray outcomes) {
    boolean first = true;
    int faults = 0;
    while (true) {
      try {
        boolean rows = first ? (sql == null ? ((PreparedStatement) statement).execute() : statement.execute(sql))
                             : statement.getMoreResults();
        first = false;
        warnings(statement, outcomes);
        if (rows) {
          rows(statement, outcomes);
          continue;
        }
        int count = statement.getUpdateCount();
        if (count < 0) return;
        JsonObject affected = new JsonObject();
        affected.addProperty("affected", count);
        outcomes.add(affected);
      } catch (SQLException error) {
        first = false;
        errors(error, outcomes);
        // A connection that is gone repeats itself.
        if (++faults > 20) return;
        try {
          if (statement.isClosed() || statement.getConnection().isClosed()) return;
        } catch (SQLException gone) {
          return;
        }
      }
    }
  }

  private static void warnings(Statement statement, JsonArray outcomes) throws SQLException {
    for (SQLWarning warning = statement.getWarnings(); warning != null; warning = warning.getNextWarning()) {
      JsonObject message = new JsonObject();
      message.addProperty("message", warning.getMessage());
      message.addProperty("number", warning.getErrorCode());
      outcomes.add(message);
    }
    statement.clearWarnings();
  }

  private static void errors(SQLException error, JsonArray outcomes) {
    for (SQLException each = error; each != null; each = each.getNextException()) {
      JsonArray said = new JsonArray();
      said.add(each.getErrorCode());
      if (each instanceof SQLServerException own && own.getSQLServerError() != null) {
        said.add(own.getSQLServerError().getErrorSeverity());
        said.add(own.getSQLServerError().getErrorState());
        said.add(own.getSQLServerError().getErrorMessage());
      } else {
        said.add(JsonNull.INSTANCE);
        said.add(JsonNull.INSTANCE);
        said.add(String.valueOf(each.getMessage()));
      }
      JsonObject outcome = new JsonObject();
      outcome.add("error", said);
      outcomes.add(outcome);
    }
  }

  private static void rows(Statement statement, JsonArray outcomes) throws SQLException {
    try (ResultSet result = statement.getResultSet()) {
      ResultSetMetaData shape = result.getMetaData();
      JsonArray columns = new JsonArray();
      for (int i = 1; i <= shape.getColumnCount(); ++i) {
        JsonArray column = new JsonArray();
        column.add(shape.getColumnName(i));
        column.add(declared(shape, i));
        columns.add(column);
      }
      JsonArray rows = new JsonArray();
      JsonObject outcome = new JsonObject();
      outcome.add("columns", columns);
      outcome.add("rows", rows);
      outcomes.add(outcome);
      while (result.next()) {
        JsonArray row = new JsonArray();
        for (int i = 1; i <= shape.getColumnCount(); ++i) row.add(cell(result, shape, i));
        rows.add(row);
      }
    }
  }

  private static String name(ResultSetMetaData shape, int i) throws SQLException {
    return shape.getColumnTypeName(i).toLowerCase().replaceFirst(" identity$", "");
  }

  private static String declared(ResultSetMetaData shape, int i) throws SQLException {
    String name = name(shape, i);
    return switch (name) {
      case "char", "varchar", "nchar", "nvarchar", "binary", "varbinary" ->
          name + "(" + (shape.getPrecision(i) <= LARGEST ? shape.getPrecision(i) : "max") + ")";
      case "decimal", "numeric" -> name + "(" + shape.getPrecision(i) + "," + shape.getScale(i) + ")";
      case "time", "datetime2", "datetimeoffset" -> name + "(" + shape.getScale(i) + ")";
      default -> name;
    };
  }

  private static String quoted(String text) {
    return "'" + text.replace("'", "''") + "'";
  }

  private static String fraction(int nanos, int digits) {
    return digits == 0 ? "" : "." + String.format("%09d", nanos).substring(0, digits);
  }

  private static final DateTimeFormatter SECONDS = DateTimeFormatter.ofPattern("HH:mm:ss");

  private static String moment(LocalDateTime value, int digits) {
    return value.toLocalDate() + " " + SECONDS.format(value) + fraction(value.getNano(), digits);
  }

  private static String hex(byte[] value) {
    StringBuilder out = new StringBuilder("0x");
    for (byte each : value) out.append(String.format("%02X", each));
    return out.toString();
  }

  private static String cell(ResultSet result, ResultSetMetaData shape, int i) throws SQLException {
    String name = name(shape, i);
    int scale = shape.getScale(i);
    if (result.getObject(i) == null) return "NULL";
    return switch (name) {
      case "bit" -> result.getBoolean(i) ? "1" : "0";
      case "float" -> Double.toString(result.getDouble(i));
      case "real" -> Float.toString(result.getFloat(i));
      case "decimal", "numeric", "money", "smallmoney" -> result.getBigDecimal(i).toPlainString();
      case "binary", "varbinary", "image", "timestamp", "udt", "geometry", "geography", "hierarchyid" ->
          hex(result.getBytes(i));
      case "date" -> result.getObject(i, LocalDate.class).toString();
      case "time" -> {
        LocalTime value = result.getObject(i, LocalTime.class);
        yield SECONDS.format(value) + fraction(value.getNano(), scale);
      }
      case "datetime" -> moment(result.getObject(i, LocalDateTime.class), 3);
      case "smalldatetime" -> moment(result.getObject(i, LocalDateTime.class), 0);
      case "datetime2" -> moment(result.getObject(i, LocalDateTime.class), scale);
      case "datetimeoffset" -> {
        OffsetDateTime value = result.getObject(i, OffsetDateTime.class);
        String offset = value.getOffset().getTotalSeconds() == 0 ? "+00:00" : value.getOffset().toString();
        yield moment(value.toLocalDateTime(), scale) + " " + offset;
      }
      case "tinyint", "smallint", "int", "bigint", "uniqueidentifier" -> result.getString(i);
      default -> quoted(result.getString(i));
    };
  }
}
