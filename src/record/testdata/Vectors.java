// Prints vectors: what Kafka Connect's own converters make of schemas and values that this program builds.
//
// One JSON object a line: name, the Connect schema as JsonConverter writes it, the envelope's text, the plain text, the Avro
// document of AvroData, the Avro bytes in hex. README.md beside it says how it is run.
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.apicurio.registry.utils.converter.avro.AvroData;
import java.io.ByteArrayOutputStream;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.*;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.connect.data.*;
import org.apache.kafka.connect.json.JsonConverter;

public class Vectors {
  static final ObjectMapper MAPPER = new ObjectMapper();
  static final JsonConverter WITH = json(true, "BASE64"), WITHOUT = json(false, "BASE64"), NUMERIC = json(false, "NUMERIC");

  static JsonConverter json(boolean schemas, String decimals) {
    JsonConverter converter = new JsonConverter();
    converter.configure(Map.of("schemas.enable", schemas, "decimal.format", decimals, "replace.null.with.default", false), false);
    return converter;
  }

  static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  static void vector(String name, Schema schema, Object value) throws Exception {
    AvroData data = new AvroData(10);
    org.apache.avro.Schema avro = data.fromConnectSchema(schema);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    org.apache.avro.io.BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
    new GenericDatumWriter<Object>(avro).write(data.fromConnectData(schema, value), encoder);
    encoder.flush();
    ObjectNode line = MAPPER.createObjectNode();
    line.put("name", name);
    line.put("envelope", new String(WITH.fromConnectData("t", schema, value), "UTF-8"));
    line.put("plain", new String(WITHOUT.fromConnectData("t", schema, value), "UTF-8"));
    line.put("numeric", new String(NUMERIC.fromConnectData("t", schema, value), "UTF-8"));
    line.put("avro", avro.toString());
    line.put("bytes", hex(out.toByteArray()));
    System.out.println(MAPPER.writeValueAsString(line));
  }

  static SchemaBuilder named(SchemaBuilder builder, String name) {
    return builder.name(name).version(1);
  }

  static Schema row() {
    return SchemaBuilder.struct().name("shop.shop.dbo.orders.Value").optional()
        .field("order_id", Schema.INT32_SCHEMA)
        .field("small", Schema.INT16_SCHEMA)
        .field("tiny", Schema.OPTIONAL_INT8_SCHEMA)
        .field("big", Schema.OPTIONAL_INT64_SCHEMA)
        .field("flag", Schema.OPTIONAL_BOOLEAN_SCHEMA)
        .field("real", Schema.OPTIONAL_FLOAT32_SCHEMA)
        .field("float", Schema.OPTIONAL_FLOAT64_SCHEMA)
        .field("total", Decimal.builder(2).parameter("connect.decimal.precision", "10").optional().build())
        .field("plain_total", Decimal.builder(0).build())
        .field("note", Schema.OPTIONAL_STRING_SCHEMA)
        .field("data", Schema.OPTIONAL_BYTES_SCHEMA)
        .field("day", named(SchemaBuilder.int32(), "io.debezium.time.Date").optional().build())
        .field("at", named(SchemaBuilder.int64(), "io.debezium.time.NanoTimestamp").optional().build())
        .field("zoned", named(SchemaBuilder.string(), "io.debezium.time.ZonedTimestamp").optional().build())
        .field("doc", named(SchemaBuilder.string(), "io.debezium.data.Xml").optional().build())
        .field("status", SchemaBuilder.string().optional().defaultValue("new").build())
        .field("count", SchemaBuilder.int32().defaultValue(7).build())
        .field("rate", SchemaBuilder.float64().optional().defaultValue(1.5).build())
        .field("price", Decimal.builder(2).parameter("connect.decimal.precision", "5").optional()
            .defaultValue(new BigDecimal("-0.01")).build())
        .build();
  }

  static Schema envelope(Schema row) {
    Schema source = SchemaBuilder.struct().name("io.debezium.connector.sqlserver.Source").version(1)
        .field("version", Schema.STRING_SCHEMA).field("connector", Schema.STRING_SCHEMA).field("name", Schema.STRING_SCHEMA)
        .field("ts_ms", Schema.INT64_SCHEMA)
        .field("snapshot", SchemaBuilder.string().name("io.debezium.data.Enum").version(1)
            .parameter("allowed", "true,first,first_in_data_collection,last_in_data_collection,last,false,incremental")
            .optional().defaultValue("false").build())
        .field("db", Schema.STRING_SCHEMA).field("sequence", Schema.OPTIONAL_STRING_SCHEMA)
        .field("event_serial_no", Schema.OPTIONAL_INT64_SCHEMA).build();
    Schema block = SchemaBuilder.struct().name("event.block").version(1).optional()
        .field("id", Schema.STRING_SCHEMA).field("total_order", Schema.INT64_SCHEMA).build();
    return SchemaBuilder.struct().name("shop.shop.dbo.orders.Envelope").version(2)
        .field("before", row).field("after", row).field("source", source).field("transaction", block)
        .field("op", Schema.STRING_SCHEMA).field("ts_ms", Schema.OPTIONAL_INT64_SCHEMA).build();
  }

  static Struct order(Schema row, boolean full) {
    Struct order = new Struct(row).put("order_id", -2147483648).put("small", (short) -32768)
        .put("plain_total", new BigDecimal(BigInteger.TWO.pow(127))).put("count", 7);
    if (!full) return order;
    return order.put("order_id", 2147483647).put("tiny", (byte) -128).put("big", Long.MIN_VALUE).put("flag", true)
        .put("real", 0.1f).put("float", -1.0E-10).put("total", new BigDecimal("-12345678.90"))
        .put("note", "quote \" slash \\ tab \t bell \u0007 \u00e4\u20ac\ud83d\ude00 \u007f").put("data", new byte[] {0, 1, -1, -128})
        .put("day", 20000).put("at", 1531481025340000000L).put("zoned", "2018-07-13T12:23:45.456+11:00")
        .put("doc", "<a/>").put("status", "").put("rate", 0.0).put("price", new BigDecimal("1.00"));
  }

  static void envelopes() throws Exception {
    Schema row = row(), envelope = envelope(row);
    Struct source = new Struct(envelope.field("source").schema()).put("version", "3.6.1.Final").put("connector", "sqlserver")
        .put("name", "shop").put("ts_ms", 1L).put("snapshot", "first").put("db", "shop");
    vector("envelope insert", envelope, new Struct(envelope).put("after", order(row, true)).put("source", source).put("op", "c"));
    vector("envelope update", envelope, new Struct(envelope).put("before", order(row, false)).put("after", order(row, true))
        .put("source", source).put("op", "u").put("ts_ms", 1700000000000L)
        .put("transaction", new Struct(envelope.field("transaction").schema()).put("id", "0:0").put("total_order", 3L)));
    Schema key = SchemaBuilder.struct().name("shop.shop.dbo.orders.Key").field("order_id", Schema.INT32_SCHEMA).build();
    vector("key", key, new Struct(key).put("order_id", 1));
  }

  static void containers() throws Exception {
    Schema inner = SchemaBuilder.struct().field("a", Schema.OPTIONAL_INT32_SCHEMA).build();
    Schema outer = SchemaBuilder.struct().name("no_namespace").doc("the outer one")
        .field("one", inner).field("two", inner)
        .field("list", SchemaBuilder.array(inner).optional().build())
        .field("texts", SchemaBuilder.array(Schema.OPTIONAL_STRING_SCHEMA).build())
        .field("map", SchemaBuilder.map(Schema.STRING_SCHEMA, Schema.INT64_SCHEMA).build())
        .field("numbers", SchemaBuilder.map(Schema.INT32_SCHEMA, Schema.OPTIONAL_STRING_SCHEMA).optional().build())
        .field("named_map", SchemaBuilder.map(Schema.INT32_SCHEMA, inner).name("x.y.Pairs").build())
        .field("fallback", SchemaBuilder.array(Schema.INT32_SCHEMA).defaultValue(List.of(1, 2)).build())
        .field("bytes", SchemaBuilder.bytes().defaultValue(new byte[] {0, 65, -1}).build())
        .field("float", SchemaBuilder.float32().defaultValue(0.1f).build())
        .field("flag", SchemaBuilder.bool().defaultValue(true).build())
        .field("long", SchemaBuilder.int64().defaultValue(Long.MIN_VALUE).build())
        .field("short", SchemaBuilder.int16().defaultValue((short) -5).build())
        .build();
    Struct a = new Struct(inner).put("a", 5), none = new Struct(inner);
    Map<Integer, String> numbers = new LinkedHashMap<>();
    numbers.put(1, "one");
    numbers.put(-2, null);
    vector("containers", outer, new Struct(outer).put("one", a).put("two", none).put("list", List.of(a, none, a))
        .put("texts", Arrays.asList("x", null, "")).put("map", Map.of("k", Long.MAX_VALUE)).put("numbers", numbers)
        .put("named_map", Map.of(9, a)).put("fallback", List.of()).put("bytes", new byte[0]).put("float", 3.4028235e38f)
        .put("flag", false).put("long", 0L).put("short", (short) 32767));
  }

  static void times() throws Exception {
    Schema times = SchemaBuilder.struct().name("t.Times").field("date", org.apache.kafka.connect.data.Date.SCHEMA)
        .field("time", Time.SCHEMA).field("at", Timestamp.SCHEMA)
        .field("maybe", Timestamp.builder().optional().build())
        .field("since", org.apache.kafka.connect.data.Date.builder().optional().defaultValue(new java.util.Date(0)).build()).build();
    vector("times", times, new Struct(times).put("date", new java.util.Date(-86400000L)).put("time", new java.util.Date(86399999L))
        .put("at", new java.util.Date(1700000000123L)).put("since", new java.util.Date(86400000L)));
  }

  static void number(String name, Schema schema, Object value) throws Exception {
    Schema struct = SchemaBuilder.struct().name("t.Number").field("n", schema).build();
    vector(name + " " + value, struct, new Struct(struct).put("n", value));
  }

  static void numbers() throws Exception {
    double[] doubles = {0.0, -0.0, 1.0, 100.0, 123456.789, 9999999.0, 1.0E7, 1.0E10, 0.001, 0.00099, 1.0E-5, 4.9E-324, 1.7976931348623157E308,
        2.2250738585072014E-308, 0.1, 1.0 / 3, 9007199254740993.0, 1.0E22, 1.0E23, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY};
    for (double number : doubles) number("double", Schema.FLOAT64_SCHEMA, number);
    float[] floats = {0.0f, 1.0f, 0.1f, 1.0E7f, 1.4E-45f, 3.4028235E38f, 16777216f, 0.001f, 0.0009999f, Float.NaN};
    for (float number : floats) number("float", Schema.FLOAT32_SCHEMA, number);
    String[] decimals = {"0", "0.00", "1", "-1", "127", "128", "-128", "-129", "255", "256", "1.50", "-0.000001", "0.0000001", "0.00000012",
        "99999999999999999999999999999999999999", "-99999999999999999999999999999999999999", "-170141183460469231731687303715884105728",
        "123456789012345678901234567890123456789012345678901234567890.123", "1E+3"};
    for (String text : decimals) {
      BigDecimal number = new BigDecimal(text);
      number("decimal", Decimal.builder(number.scale()).build(), number);
    }
  }

  public static void main(String[] words) throws Exception {
    envelopes();
    containers();
    times();
    numbers();
  }
}
